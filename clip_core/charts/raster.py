"""Curves as cells of equal width: of each the highest value, so that no peak is lost."""

from __future__ import annotations

import numpy as np

from clip_core.values import Floats, Times

MOST_HALF = 1.25
"""A sample stands for half the step to its neighbours, but at most for so many median steps."""


def spans(x: Times) -> tuple[Times, Times]:
    """Where what each sample stands for begins and ends; between samples far apart nothing is claimed.

    Args:
        x: float64 (n,), rising.
    """
    steps = np.diff(x)
    most = MOST_HALF * float(np.median(steps)) if len(steps) else 0.5
    halves = np.minimum(steps / 2, most)
    side = halves[:1] if len(halves) else np.array([most])
    return x - np.concatenate([side, halves]), x + np.concatenate([halves, halves[-1:] if len(halves) else side])


def raster(x: Times, values: Floats, low: float, high: float, bins: int) -> Floats:
    """Return float32 (c, bins): the highest value of each curve in each bin; NaN where no sample stands.

    A bin without a sample takes the value of the one that its middle belongs to.

    Args:
        x: float64 (n,), rising.
        values: float32 (n, c).
        low, high: Ends of the first and the last bin.
        bins: How many there are, all equally wide.
    """
    edges = np.linspace(low, high, bins + 1)
    begins, ends = spans(x)
    middles = (edges[:-1] + edges[1:]) / 2
    owner = np.searchsorted(begins, middles, side="right") - 1
    known = (owner >= 0) & (middles < ends[np.maximum(owner, 0)])
    cells = np.where(known[:, None], values[np.maximum(owner, 0)], np.float32(np.nan))
    inside = np.flatnonzero((x >= low) & (x <= high))
    if len(inside):
        bin_of = np.minimum(np.searchsorted(edges, x[inside], side="right") - 1, bins - 1)
        first = np.flatnonzero(np.append(True, np.diff(bin_of) > 0))
        highest = np.fmax.reduceat(values[inside[0] : inside[-1] + 1], first, axis=0)
        cells[bin_of[first]] = highest
    return cells.T.astype(np.float32)
