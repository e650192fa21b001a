"""What each setting of a recipe may be, and how that is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, get_args

from clip_core.filters import FILTERS
from clip_core.values import Unit

Templates: TypeAlias = Literal["none", "simple", "openai"]
Op: TypeAlias = Literal["and", "without", "then"]
UNITS: tuple[Unit, ...] = get_args(Unit)
TEMPLATES: tuple[Templates, ...] = get_args(Templates)
OPS: tuple[Op, ...] = get_args(Op)
MOST_BYTES, MOST_PROMPTS, MOST_TEXT, MOST_DEPTH = 1_000_000, 200, 20_000, 2
CONFIDENCES = (0.90, 0.95, 0.98)
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.999
BANK_SHARES = (0, 50, 75, 90, 95, 98, 99, 100)
LONGEST_S = 1e7
MOST_SAMPLES = 100_000


def _number(value: object, least: float = -math.inf, most: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _finite(value: object) -> bool:
    return _number(value, -1e9, 1e9)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and len(value) <= MOST_PROMPTS and all(map(_text, value))


def _numbers(value: object, check: Callable[[object], bool]) -> bool:
    return isinstance(value, Mapping) and len(value) <= MOST_PROMPTS and all(
        _text(key) and check(number) for key, number in value.items()
    )  # fmt: skip


def _pair(value: object, check: Callable[[object], bool]) -> bool:
    return value is None or (
        isinstance(value, tuple) and len(value) == 2 and all(map(check, value)) and bool(value[0] <= value[1])
    )


def _length(value: object) -> bool:
    return _number(value, 0, LONGEST_S)


def _combination(value: object) -> bool:
    if not (isinstance(value, tuple) and len(value) == 4):
        return False
    op, a, b, within_s = value
    return op in OPS and _text(a) and _text(b) and _length(within_s)


def _count(value: object) -> bool:
    return isinstance(value, int) and _number(value, 0, MOST_SAMPLES)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "prompts": _texts,
    "weights": lambda v: _numbers(v, lambda number: _number(number, 1e-6, 1e6)),
    "templates": lambda v: isinstance(v, str) and v in TEMPLATES,
    "unit": lambda v: isinstance(v, str) and v in UNITS,
    "threshold": lambda v: v is None or _finite(v),
    "thresholds": lambda v: _numbers(v, _finite),
    "hysteresis": lambda v: _number(v, 0, 1e9),
    "confidence": lambda v: _number(v, LEAST_CONFIDENCE, MOST_CONFIDENCE),
    "bank_share": lambda v: _number(v) and v in BANK_SHARES,
    "smoothing": lambda v: isinstance(v, str) and v in FILTERS,
    "across_cuts": lambda v: isinstance(v, bool),
    **dict.fromkeys(("smoothing_s", "min_gap_s", "min_duration_s", "pad_s"), _length),
    "smoothing_samples": lambda v: v is None or _count(v),
    "score_range": lambda v: _pair(v, _finite),
    "time_range": lambda v: _pair(v, _length),
    "unflagged": _texts,
    "combinations": lambda v: isinstance(v, tuple) and len(v) <= MOST_PROMPTS and all(map(_combination, v)),
}
_SECONDS = "seconds from 0 on"
ALLOWED = {
    "prompts": f"at most {MOST_PROMPTS} texts",
    "weights": "prompts, each with a number above 0",
    "templates": ", ".join(TEMPLATES),
    "unit": ", ".join(UNITS),
    "threshold": "a number, or null for detection on segments",
    "thresholds": "prompts, each with a number",
    "hysteresis": "a number from 0 on",
    "confidence": f"a number from {LEAST_CONFIDENCE} to {MOST_CONFIDENCE}",
    "bank_share": ", ".join(map(str, BANK_SHARES)),
    "smoothing": ", ".join(FILTERS),
    "across_cuts": "true or false",
    **dict.fromkeys(("smoothing_s", "min_gap_s", "min_duration_s", "pad_s"), _SECONDS),
    "smoothing_samples": "a whole number from 0 on, or null for a width in seconds",
    "score_range": "two numbers, the lower first",
    "time_range": "two times in seconds, the earlier first",
    "unflagged": f"at most {MOST_PROMPTS} texts",
    "combinations": "lists of and, without or then, two prompts, and seconds",
}
