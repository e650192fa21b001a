"""What the player's routes hand out: open files in ranges, and arrays by address."""
