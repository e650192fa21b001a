"""Runs of samples → stretches of time: hysteresis, filled gaps, shortest duration, padding, in this order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.spans import Spans
from clip_core.values import Ints, Times

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """What turns runs of samples into moments; 0 switches a rule off.

    Attributes:
        min_gap_s: Moments with less than this between them become one.
        min_duration_s: Moments shorter than this are dropped.
        pad_s: So much is added on either side.

    Raises:
        ValueError: One of them is negative or not finite.
    """

    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_gap_s", "min_duration_s", "pad_s"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be >= 0 and finite, not {value}: 0 switches the rule off")


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """k runs of samples of one curve, in the order of time, none touching the next.

    Attributes:
        first, stop: int64 (k,): each run is the samples [first, stop).
        start_s, end_s: float64 (k,): where it begins and ends; padding moves these alone.
    """

    first: Ints
    stop: Ints
    start_s: Times
    end_s: Times

    def __len__(self) -> int:
        return len(self.first)


def hysteresis(starts: Mask, carries: Mask, stretch: Ints) -> tuple[Ints, Ints]:
    """Return [first, stop) of each unbroken run of ``carries`` in which ``starts`` is true at least once.

    Args:
        starts: bool (n,). Counts only where ``carries`` is true.
        carries: bool (n,).
        stretch: int64 (n,), rising: a run never goes on from one number to the next.

    Returns:
        Two int64 (k,).
    """
    if len(carries) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    broken = np.diff(stretch) > 0
    first = np.flatnonzero(carries & np.concatenate([[True], ~carries[:-1] | broken]))
    stop = np.flatnonzero(carries & np.concatenate([~carries[1:] | broken, [True]])) + 1
    if starts is not carries:
        started = np.flatnonzero(starts & carries)
        kept = np.searchsorted(started, first) < np.searchsorted(started, stop)
        first, stop = first[kept], stop[kept]
    return first.astype(np.int64), stop.astype(np.int64)


def apply_rules(
    first: Ints, stop: Ints, spans: Spans, rules: Rules, outside: Mask | None, limits: tuple[float, float]
) -> Runs:
    """Fill gaps, drop what is short, pad (`scoring.md`).

    Args:
        first, stop: int64 (k,), from ``hysteresis``.
        spans: Of the n samples.
        rules: The three lengths.
        outside: bool (n,), samples that a filled gap must not contain; None: there are none.
        limits: Nothing lies before the first or after the second, in seconds.
    """
    if rules.min_gap_s > 0 and len(first) > 1:
        first, stop = _fill(first, stop, spans, rules.min_gap_s, outside)
    start_s, end_s = np.maximum(spans.left[first], limits[0]), np.minimum(spans.right[stop - 1], limits[1])
    if rules.min_duration_s > 0:
        kept = end_s - start_s >= rules.min_duration_s - 1e-9  # 0.6 s of three steps of 0.2 s are 0.6 s
        first, stop, start_s, end_s = first[kept], stop[kept], start_s[kept], end_s[kept]
    if rules.pad_s > 0 and len(first):
        middle = (end_s[:-1] + start_s[1:]) / 2
        start_s = np.maximum(start_s - rules.pad_s, np.concatenate([[limits[0]], middle]))
        end_s = np.minimum(end_s + rules.pad_s, np.concatenate([middle, [limits[1]]]))
    return Runs(first, stop, start_s, end_s)


def _fill(first: Ints, stop: Ints, spans: Spans, min_gap_s: float, outside: Mask | None) -> tuple[Ints, Ints]:
    gap_s = spans.left[first[1:]] - spans.right[stop[:-1] - 1]
    joined = (gap_s < min_gap_s - 1e-9) & (spans.stretch[first[1:]] == spans.stretch[stop[:-1] - 1])
    if outside is not None:
        count = np.concatenate([[0], np.cumsum(outside)])
        joined &= count[first[1:]] == count[stop[:-1]]
    return first[np.concatenate([[True], ~joined])], stop[np.concatenate([~joined, [True]])]
