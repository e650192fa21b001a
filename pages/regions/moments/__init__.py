"""The list of moments and their review."""
