"""What browsers play, and copies of videos that they play."""
