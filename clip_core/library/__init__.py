"""The videos: identify a file, find it again, list, add."""
