"""Vectors → curves → moments: pure array arithmetic, run again at every move of a slider."""
