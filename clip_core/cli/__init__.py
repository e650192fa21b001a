"""The command line: the commands in groups, the options that they share, and how it reads and writes."""
