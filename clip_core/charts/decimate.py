"""Few enough points to draw, with every peak and every dip kept."""

from __future__ import annotations

import numpy as np
from tsdownsample import MinMaxDownsampler

from clip_core.values import Floats, Ints, Times

MOST_POINTS = 2_000
MOST_POINTS_IN_ALL = 10_000
FEWEST_POINTS = 200


def points_per_line(lines: int) -> int:
    """How many points a line may have so that the whole figure stays small enough to send at each rerun."""
    return max(FEWEST_POINTS, min(MOST_POINTS, MOST_POINTS_IN_ALL // max(1, lines)))


def kept_samples(curves: Floats, most: int, times_s: Times | None = None) -> Ints:
    """Return the positions to draw, rising, one set for all curves.

    All lines share their positions, because plotly's unified hover and the click compare points at
    the same x. Each curve brings the lowest and highest of each of its bins, and both ends stay.

    Args:
        curves: float32 (n, c).
        most: How many positions, give or take the two ends.
        times_s: float64 (n,), rising. With them the bins are equally long, so that a stretch that is
            coarsely sampled keeps its samples beside one that is dense; without, equally full.
    """
    n, count = curves.shape
    if n <= most or count == 0:
        return np.arange(0, n, max(1, n // most), dtype=np.int64)
    if 2 * count > most:  # not even two of each: the highest and the lowest of all at each time stand for them
        curves, count = np.stack([curves.max(axis=1), curves.min(axis=1)], axis=1), 2
    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    share = max(2, most // count // 2 * 2)
    ends = np.array([0, n - 1], dtype=np.uint64)
    at = () if times_s is None else (np.ascontiguousarray(times_s),)
    kept = [downsampler.downsample(*at, np.ascontiguousarray(curves[:, c]), n_out=share) for c in range(count)]
    return np.unique(np.concatenate([ends, *kept])).astype(np.int64)
