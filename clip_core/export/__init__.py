"""Scores and moments → files that other tools open."""
