"""The command line: what it understands and how it speaks, and one command a file. Joins rooms as pages do."""
