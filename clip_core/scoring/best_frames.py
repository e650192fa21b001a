"""The frames that fit a prompt best and worst, spread over the video."""

from __future__ import annotations

import numpy as np

from clip_core.types import Floats, Times


def extreme_samples(
    curve: Floats, times_s: Times, *, count: int = 5, apart_s: float = 2.0, worst: bool = False
) -> list[int]:
    """Return the positions of the highest (or lowest) samples that lie at least ``apart_s`` from each other.

    Greedy: takes the best sample, then repeatedly the best of those far enough from all taken so far.

    Args:
        curve: float32 (n,). NaN samples are never taken.
        times_s: float64 (n,), increasing.
        count: The most samples to return.
        apart_s: Smallest distance between two of them, in seconds.
        worst: Take the lowest samples instead.
    """
    cost = np.where(np.isnan(curve), np.inf, curve if worst else -curve)
    taken: list[int] = []
    while len(taken) < count and len(cost):
        best = int(np.argmin(cost))
        if not np.isfinite(cost[best]):
            break
        taken.append(best)
        low = np.searchsorted(times_s, times_s[best] - apart_s, side="right")
        high = np.searchsorted(times_s, times_s[best] + apart_s, side="left")
        cost[low:high] = np.inf
    return taken
