"""Vectors → curves → moments: pure arithmetic on arrays, re-run at every move of a slider."""
