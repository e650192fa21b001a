"""The filters that smooth curves: Gaussian, median, Savitzky-Golay and exponential, on evenly spaced samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from clip_core.types import Floats

ORDER = 2


@dataclass(frozen=True, slots=True)
class Filter:
    """One row of the table of filters.

    Attributes:
        title: To show.
        apply: Filters curves, float32 (p, n), evenly spaced along the second axis, with a window in samples, > 0.
            None: the time-weighted mean of ``scoring.smoothing``, which takes irregular samples as they are.
    """

    title: str
    apply: Callable[[Floats, float], Floats] | None


def gaussian(rows: Floats, window: float) -> Floats:
    """Weights of a normal curve with standard deviation ``window``/√12; those that are there sum to 1.

    Args:
        rows: float32 (p, n), evenly spaced along the second axis.
        window: In samples, > 0; at most n counts.
    """
    from scipy.ndimage import gaussian_filter1d  # SciPy takes a second to load: only when it is needed

    n = rows.shape[1]
    sigma = min(window, n) / math.sqrt(12)
    weights = gaussian_filter1d(np.ones(n), sigma, mode="constant")
    filtered: Floats = gaussian_filter1d(rows, sigma, axis=1, mode="constant")
    filtered /= weights.astype(np.float32)
    return filtered


def median(rows: Floats, window: float) -> Floats:
    """Median of the odd number of samples nearest to ``window``, mirrored at the edges (rows as above)."""
    from scipy.ndimage import median_filter

    size = odd_samples(window, rows.shape[1])
    filtered = np.empty_like(rows)
    for row, out in zip(rows, filtered, strict=True):  # in one dimension SciPy has a faster algorithm
        median_filter(row, size=size, output=out)
    return filtered


def savgol(rows: Floats, window: float) -> Floats:
    """Fit of order 2 over the odd number of samples nearest to ``window``, at least 3 (rows as above).

    Three samples or fewer are fitted exactly, so they stay as they are.
    """
    from scipy.signal import savgol_filter

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
    """The odd number nearest to ``window`` samples, at least 1 and at most ``most``; of two, the larger."""
    return max(1, min(2 * math.floor(window / 2 + 1e-9) + 1, most - 1 + most % 2))


FILTERS: Mapping[str, Filter] = {
    "mean": Filter("moving mean", None),
    "gaussian": Filter("Gaussian", gaussian),
    "median": Filter("median", median),
    "savgol": Filter("Savitzky–Golay", savgol),
    "exponential": Filter("exponential", exponential),
}
"""By the name that settings, links and the command line know: menus, helps and checks are made from this table."""
