"""Find the jumps between the vectors of successive samples: shot boundaries, and the rate of change."""

from __future__ import annotations

import numpy as np

from clip_core.scoring.spans import GAP_STEPS, tells_of_change
from clip_core.types import Floats, Ints, Scores, Times

BLOCK_ROWS = 4096
LEAST_DISTANCE = 0.18
"""A smaller jump is no shot boundary. Real CLIP vectors a second apart jump this far in 1 of 50 steps within a take,
and in 95 of 100 steps between places (1 % are below 0.139)."""
ABRUPT = 1.5
"""A boundary jumps this many times as far as the adjacent steps: a pan takes several similar steps."""


class Neighbours:
    """Cosine distances between successive samples; each pair is computed once.

    Samples keep their row and new rows are appended, as in ``Curves``. A denser pass puts new samples between old ones;
    then only the new pairs are computed. Make a new one after rows were dropped.

    Attributes:
        computed_pairs: How many pairs have been computed so far.
    """

    def __init__(self) -> None:
        self.computed_pairs = 0
        self._next: Ints = np.empty(0, np.int64)
        self._distance: Floats = np.empty(0, np.float32)

    def distances(self, vectors: Floats, order: Ints) -> Floats:
        """Return the distance from each sample to the next, float32 (n - 1,) in [0, 2].

        Args:
            vectors: float32 (n, dim), unit length; rows of an earlier call are unchanged, with new ones after them.
            order: int64 (n,), the rows sorted by time.
        """
        n = len(order)
        known = min(n, len(self._next))
        following, distance = np.full(n, -1, np.int64), np.zeros(n, np.float32)
        following[order[:-1]] = order[1:]
        distance[:known] = self._distance[:known]
        changed = following >= 0
        changed[:known] &= following[:known] != self._next[:known]
        rows = np.flatnonzero(changed)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows[start : start + BLOCK_ROWS]
            cosine = np.einsum("nd,nd->n", vectors[block], vectors[following[block]])
            distance[block] = np.clip(1 - cosine, 0, 2)
        self.computed_pairs += len(rows)
        self._next, self._distance = following, distance
        return distance[order[:-1]]


def find_shot_boundaries(distances: Floats, times_s: Times, *, least: float = LEAST_DISTANCE) -> Times:
    """Return the times of the shot boundaries, each midway between two samples.

    A jump is a boundary if it is at least ``least``, and at least 1.5 times each of its two neighbours. A step longer
    than 2.5 median steps is a gap and never a boundary, because the picture may have changed slowly in it.

    Only vectors are compared, so something that fills the picture from one sample to the next is a boundary too.

    Args:
        distances: float32 (n - 1,), from ``Neighbours``.
        times_s: float64 (n,), increasing.
        least: The smallest cosine distance of a shot boundary.

    Returns:
        float64 (k,), increasing.
    """
    if len(distances) == 0:
        return np.empty(0, np.float64)
    steps_s = np.diff(times_s)
    near = steps_s <= GAP_STEPS * float(np.median(steps_s))
    jumps = np.where(near, distances, 0).astype(np.float32)
    beside = np.maximum(np.append(jumps[1:], 0), np.append(0, jumps[:-1]))
    at = np.flatnonzero((jumps >= least) & (jumps >= ABRUPT * beside))
    between: Times = (times_s[at] + times_s[at + 1]) / 2
    return between


def rate_of_change(scores: Scores, smoothed: Floats | None = None) -> Floats:
    """Return (s_f - s_{f-1}) / (t_f - t_{f-1}) per second.

    It is 0 where no change can be measured: at the first sample, after a gap, and between samples at the same time.

    Args:
        scores: n samples of p prompts.
        smoothed: Their smoothed curves, float32 (n, p); None: use the raw ones.

    Returns:
        float32 (n, p), in the scores' unit per second.
    """
    curves = scores.values if smoothed is None else smoothed
    rate = np.zeros_like(curves)
    if len(scores) > 1:
        told = tells_of_change(scores)
        factor = np.where(told, 1 / np.where(told, np.diff(scores.times_s), 1.0), 0.0).astype(np.float32)
        rate[1:] = np.diff(curves, axis=0) * factor[:, None] + np.float32(0)  # turns -0 into 0
    return rate
