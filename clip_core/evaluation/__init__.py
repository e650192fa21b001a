"""Moments held against a truth: the field's measures, curves, sweeps and thresholds that fit. Pure arithmetic."""
