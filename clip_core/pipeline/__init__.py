"""The corridor: the one place that joins rooms. One verb a file."""
