"""Few enough points to draw, with every peak and every dip kept."""

from __future__ import annotations

import numpy as np
from tsdownsample import MinMaxDownsampler

from clip_core.values import Floats, Ints, Times

MOST_POINTS = 2_400
"""More than a point for each pixel that a chart is wide: eight minutes at five samples a second lose none."""
MOST_POINTS_IN_ALL = 40_000
"""About 1.5 MB as JSON."""
FEWEST_POINTS = 200
FEWEST_OF_A_CURVE = 4
"""tsdownsample wants two bins."""


def points_per_line(lines: int) -> int:
    """How many points a line may have so that the whole figure stays small enough to send at each rerun."""
    return max(FEWEST_POINTS, min(MOST_POINTS, MOST_POINTS_IN_ALL // max(1, lines)))


def kept_samples(curves: Floats, most: int, times_s: Times | None = None) -> Ints:
    """Return the positions to draw, rising, one set for all curves.

    All lines share their positions, because plotly's unified hover and the click compare points at
    the same x. Each curve brings the lowest and highest of each of its bins, and both ends stay. Curves that are too
    many for that bring their lowest and highest sample, and share their bins.

    Args:
        curves: float32 (n, c).
        most: How many positions, give or take the two ends.
        times_s: float64 (n,), rising. With them the bins are equally long, so that a stretch that is
            coarsely sampled keeps its samples beside one that is dense; without, equally full.
    """
    n, count = curves.shape
    if n <= most or count == 0:
        return np.arange(0, n, max(1, n // most), dtype=np.int64)
    share = most // count // 2 * 2
    if share < FEWEST_OF_A_CURVE:
        return _of_many(curves, most, times_s)
    return _min_max(curves, share, times_s)


def _of_many(curves: Floats, most: int, times_s: Times | None) -> Ints:
    """The highest and lowest sample of each curve, if there is room, and the bins' of all curves taken together."""
    ends = np.concatenate([curves.argmin(axis=0), curves.argmax(axis=0)])
    ends = np.unique(ends) if len(ends) <= most else ends[:0]
    low, high = np.fmin.reduce(curves, axis=0), np.fmax.reduce(curves, axis=0)
    alike = (curves - low) / np.where(high > low, high - low, 1)  # of several units, none outshines the others
    both = np.stack([np.fmin.reduce(alike, axis=1), np.fmax.reduce(alike, axis=1)], axis=1)
    share = max(FEWEST_OF_A_CURVE, (most - len(ends)) // 2 // 2 * 2)
    return np.union1d(ends, _min_max(both, share, times_s)).astype(np.int64)


def _min_max(curves: Floats, share: int, times_s: Times | None) -> Ints:
    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    n, count = curves.shape
    ends = np.array([0, n - 1], dtype=np.uint64)
    at = () if times_s is None else (np.ascontiguousarray(times_s),)
    kept = [downsampler.downsample(*at, np.ascontiguousarray(curves[:, c]), n_out=share) for c in range(count)]
    return np.unique(np.concatenate([ends, *kept])).astype(np.int64)
