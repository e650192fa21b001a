"""The chart of the curves."""
