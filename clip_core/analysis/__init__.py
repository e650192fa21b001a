"""Combine store, encoders and scoring: analyse a video, evaluate, compare encoders, export, report."""
