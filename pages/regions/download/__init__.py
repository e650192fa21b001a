"""Everything that can be downloaded."""
