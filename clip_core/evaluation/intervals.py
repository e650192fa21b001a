"""Unions and overlaps of time intervals, and their intersection over union (IoU)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from clip_core.types import Reals, Times


def as_intervals(pairs: Iterable[tuple[float, float]]) -> Times:
    """Return pairs (start_s, end_s) as float64 (n, 2); no pairs give (0, 2).

    Raises:
        ValueError: A time is not finite, or an interval ends before it starts.
    """
    table = np.array([(start, end) for start, end in pairs], np.float64).reshape(-1, 2)
    if not np.isfinite(table).all():
        raise ValueError("times must be finite")
    if (backwards := table[:, 1] < table[:, 0]).any():
        start, end = table[np.argmax(backwards)]
        raise ValueError(f"an interval must not end before it starts: {start:g} … {end:g}")
    return table


def merged(intervals: Times) -> Times:
    """Return float64 (n, 2) with overlapping intervals merged, sorted by start; those that only touch stay separate."""
    kept: list[list[float]] = []
    for start, end in sorted(intervals.tolist()):
        if kept and start < kept[-1][1]:
            kept[-1][1] = max(kept[-1][1], end)
        else:
            kept.append([start, end])
    return np.array(kept, np.float64).reshape(-1, 2)


def covered_s(left: Times, right: Times, intervals: Times) -> Times:
    """Return how many seconds of each [left, right) lie within the union of ``intervals``: float64 (n,).

    Args:
        left, right: float64 (n,), left <= right.
        intervals: float64 (m, 2), in any order; overlaps count once.
    """
    joined = merged(intervals)
    if not len(joined):
        return np.zeros(len(left))
    edges = joined.ravel()
    before = np.concatenate([[0.0], np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0))])
    inside = np.interp(right, edges, before) - np.interp(left, edges, before)
    return np.asarray(np.clip(inside, 0.0, right - left))


def iou_matrix(first: Times, second: Times) -> Reals:
    """Return the IoU of each interval of one list with each of another.

    The union is length + length - intersection, as in the mAP of `standalone_eval` (jayleicn/moment_detr). If it is 0
    (two empty intervals), the IoU is 0, not NaN.

    Args:
        first, second: float64 (n, 2) and (m, 2), starts and ends in seconds.

    Returns:
        float64 (n, m), from 0 (disjoint or only touching) to 1 (equal).
    """
    shared = np.minimum(first[:, None, 1], second[None, :, 1]) - np.maximum(first[:, None, 0], second[None, :, 0])
    shared = np.maximum(shared, 0.0)
    lengths = (first[:, 1] - first[:, 0])[:, None] + (second[:, 1] - second[:, 0])[None, :]
    union = lengths - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
