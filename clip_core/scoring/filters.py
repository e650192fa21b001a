"""SciPy's filters on each unbroken stretch: Gaussian, median, Savitzky-Golay, exponential."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import lfilter, savgol_filter

from clip_core.scoring.spans import Spans
from clip_core.values import Floats, Times

EVEN_WITHIN = 0.1
"""Samples that lie within this part of a step of an even grid are filtered as they are."""
MOST_GRID_POINTS = 8
"""An irregular stretch is resampled to at most this many times its samples."""
ORDER = 2
Filter = Callable[[Floats, float], Floats]


def filter_stretches(values: Floats, times_s: Times, spans: Spans, window_s: float, kind: str) -> Floats:
    """Filter each stretch of ``spans`` by itself.

    A stretch whose samples are not evenly spaced is resampled linearly to its median step, filtered,
    and read off at its samples again.

    Args:
        values: float32 (n, p).
        times_s: float64 (n,), rising.
        spans: Of the same n samples.
        window_s: Width in seconds, > 0: see ``smooth``.
        kind: A key of ``FILTERS``.

    Returns:
        float32 (n, p), its columns contiguous.
    """
    apply = FILTERS[kind]
    rows = np.ascontiguousarray(values.T)
    bounds = [0, *(np.flatnonzero(np.diff(spans.stretch)) + 1).tolist(), len(times_s)]
    if len(bounds) == 2:
        return _filter_stretch(rows, times_s, window_s, apply).T
    out = np.empty_like(rows)
    for first, stop in itertools.pairwise(bounds):
        out[:, first:stop] = _filter_stretch(rows[:, first:stop], times_s[first:stop], window_s, apply)
    return out.T


def _filter_stretch(rows: Floats, times_s: Times, window_s: float, apply: Filter) -> Floats:
    n = len(times_s)
    length_s = float(times_s[-1] - times_s[0])
    if n < 2 or length_s <= 0:
        return rows
    step_s = length_s / (n - 1)
    grid = times_s[0] + step_s * np.arange(n)
    if float(np.abs(times_s - grid).max()) <= EVEN_WITHIN * step_s:
        return apply(rows, window_s / step_s)
    step_s = max(float(np.median(np.diff(times_s))), step_s / MOST_GRID_POINTS)
    count = max(2, round(length_s / step_s) + 1)
    grid = np.linspace(times_s[0], times_s[-1], count)
    even = np.stack([np.interp(grid, times_s, row) for row in rows]) if len(rows) else np.empty((0, count))
    filtered = apply(even.astype(np.float32), window_s / (length_s / (count - 1)))
    back = [np.interp(times_s, grid, row) for row in filtered]
    return np.array(back, np.float32).reshape(rows.shape)


def gaussian(rows: Floats, window: float) -> Floats:
    """Weights of a normal curve with standard deviation ``window``/√12; those that are there sum to 1.

    Args:
        rows: float32 (p, n), evenly spaced along the second axis.
        window: In samples, > 0; at most n counts.
    """
    n = rows.shape[1]
    sigma = min(window, n) / math.sqrt(12)
    weights = gaussian_filter1d(np.ones(n), sigma, mode="constant")
    filtered: Floats = gaussian_filter1d(rows, sigma, axis=1, mode="constant")
    filtered /= weights.astype(np.float32)
    return filtered


def median(rows: Floats, window: float) -> Floats:
    """Median of the odd number of samples nearest to ``window``, mirrored at the edges (rows as above)."""
    size = odd_samples(window, rows.shape[1])
    filtered = np.empty_like(rows)
    for row, out in zip(rows, filtered, strict=True):  # in one dimension SciPy has a faster algorithm
        median_filter(row, size=size, output=out)
    return filtered


def savgol(rows: Floats, window: float) -> Floats:
    """Fit of order 2 over the odd number of samples nearest to ``window``, at least 3 (rows as above).

    Three samples or fewer are fitted exactly, so they stay as they are.
    """
    size = odd_samples(window, rows.shape[1])
    if size <= ORDER + 1:
        return rows
    filtered: Floats = savgol_filter(rows, size, ORDER, axis=1, mode="interp").astype(np.float32, copy=False)
    return filtered


def exponential(rows: Floats, window: float) -> Floats:
    """Weights exp(-|k|/τ), τ = ``window``/√24 samples; those that are there sum to 1 (rows as above).

    The sum over the samples up to one, and that over those from it on, are one recursive filter run
    forward and one run backward. The sample itself is in both.
    """
    n = rows.shape[1]
    decay = math.exp(-math.sqrt(24) / min(window, n))
    if decay < 1e-9:
        return rows
    weights = (1 - decay ** np.arange(1, n + 1)) / (1 - decay)
    weights = weights + weights[::-1] - 1
    one, poles = np.ones(1, np.float32), np.array([1.0, -decay], np.float32)
    filtered: Floats = lfilter(one, poles, rows, axis=1)
    filtered += lfilter(one, poles, rows[:, ::-1], axis=1)[:, ::-1]
    filtered -= rows
    filtered /= weights.astype(np.float32)
    return filtered


def odd_samples(window: float, most: int) -> int:
    """The odd number nearest to ``window`` samples, at least 1 and at most ``most``; of two, the larger."""
    return max(1, min(2 * math.floor(window / 2 + 1e-9) + 1, most - 1 + most % 2))


FILTERS: dict[str, Filter] = {"gaussian": gaussian, "median": median, "savgol": savgol, "exponential": exponential}
