"""Benchmarks: ``python -m tests.benchmarks [--quick] [--only NAME]`` prints one table. Nothing here is a test."""
