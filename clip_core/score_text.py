"""Scores as texts: one minus sign ("-", which tables and sliders can only write), and never minus zero."""

from __future__ import annotations

from clip_core.values import Unit

_DECIMALS: dict[Unit, int] = {"corrected": 3, "cosine": 3, "margin": 3, "softmax": 3, "z": 2, "percentile": 1}


def value_decimals(unit: Unit) -> int:
    """The decimals of one value that is told, such as a threshold or what lies under the pointer."""
    return _DECIMALS[unit]


def shown_value(value: float, unit: Unit) -> float:
    """The number that a table writes with ``value_decimals``, as ``value_text`` does."""
    return _rounded(value, value_decimals(unit))


def value_text(value: float, unit: Unit) -> str:
    """One value as text."""
    return number_text(value, value_decimals(unit))


def number_text(value: float, decimals: int) -> str:
    """A number as text with so many decimals."""
    return f"{_rounded(value, decimals):.{decimals}f}"


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0
