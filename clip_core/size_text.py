"""Sizes of files as texts: the same size reads the same wherever it is told."""

from __future__ import annotations

_STEP = 1000  # as drives and networks count: 1 kB = 1000 B
_UNITS = ("B", "kB", "MB", "GB", "TB")


def size_text(size_bytes: float) -> str:
    """A size with at most three digits, below 1 MB without a point: such as "71 kB", "1.72 MB", "156 MB"."""
    size, place = float(size_bytes), 0
    while size >= _STEP - 0.5 and place < len(_UNITS) - 1:
        size, place = size / _STEP, place + 1
    decimals = 0 if place < 2 or size >= 99.95 else 1 if size >= 9.995 else 2
    text = f"{size:,.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if decimals else text} {_UNITS[place]}"
