"""Identify, find, list and add videos."""
