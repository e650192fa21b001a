"""Filters that smooth curves of evenly spaced samples: Gaussian, median, Savitzky-Golay and exponential."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from clip_core.types import Floats

ORDER = 2


@dataclass(frozen=True, slots=True)
class Filter:
    """One row of the table of filters: the name to show, and the function.

    ``apply`` filters curves, float32 (p, n), evenly spaced along the second axis, with a window in samples, > 0. None
    means the time-weighted mean of ``scoring.smoothing``, which takes irregular samples as they are.
    """

    title: str
    apply: Callable[[Floats, float], Floats] | None


def gaussian(rows: Floats, window: float) -> Floats:
    """Smooth with normal weights of standard deviation ``window``/√12; at the edges, those inside sum to 1.

    The rows are as for ``Filter.apply``; a window of over n samples counts as n.
    """
    from scipy.ndimage import gaussian_filter1d  # imported here because SciPy takes a second to load

    n = rows.shape[1]
    sigma = min(window, n) / math.sqrt(12)
    weights = gaussian_filter1d(np.ones(n), sigma, mode="constant")
    filtered: Floats = gaussian_filter1d(rows, sigma, axis=1, mode="constant")
    filtered /= weights.astype(np.float32)
    return filtered


def median(rows: Floats, window: float) -> Floats:
    """Return the median over the odd number of samples nearest to ``window``, mirrored at the edges."""
    from scipy.ndimage import median_filter

    size = odd_samples(window, rows.shape[1])
    filtered = np.empty_like(rows)
    for row, out in zip(rows, filtered, strict=True):  # in one dimension SciPy has a faster algorithm
        median_filter(row, size=size, output=out)
    return filtered


def savgol(rows: Floats, window: float) -> Floats:
    """Fit a polynomial of order 2 over the odd number of samples nearest to ``window``.

    Windows of three samples or fewer are fitted exactly, so the rows are returned unchanged.
    """
    from scipy.signal import savgol_filter

    size = odd_samples(window, rows.shape[1])
    if size <= ORDER + 1:
        return rows
    filtered: Floats = savgol_filter(rows, size, ORDER, axis=1, mode="interp").astype(np.float32, copy=False)
    return filtered


def exponential(rows: Floats, window: float) -> Floats:
    """Smooth with weights exp(-|k|/τ), τ = ``window``/√24; at the edges, those inside sum to 1.

    A recursive filter run forward sums the samples up to each one, and run backward those from it on. The sample
    itself is in both sums and is subtracted once.
    """
    from scipy.signal import lfilter

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
    """Return the odd number nearest to ``window``, at least 1 and at most ``most``; of two, the larger."""
    return max(1, min(2 * math.floor(window / 2 + 1e-9) + 1, most - 1 + most % 2))


FILTERS: Mapping[str, Filter] = {
    "mean": Filter("moving mean", None),
    "gaussian": Filter("Gaussian", gaussian),
    "median": Filter("median", median),
    "savgol": Filter("Savitzky–Golay", savgol),
    "exponential": Filter("exponential", exponential),
}
"""By the name used in settings, links and the command line; menus, help and checks are built from this table."""
