"""The command line: one command a file, the options that they share, and how it reads and writes."""
