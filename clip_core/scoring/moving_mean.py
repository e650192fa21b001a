"""The time-weighted moving mean: exact on irregular samples, as fast as SciPy's box filter on even ones."""

from __future__ import annotations

import itertools

import numpy as np

from clip_core.scoring.spans import Spans
from clip_core.values import Floats, Times

EVEN_WITHIN = 1e-6
"""Samples that lie within this part of a step of an even grid are averaged as if they lay on it."""
BLOCK_CELLS = 2**16
"""The running integral takes so many cells at a time: its float64 intermediates then stay in the cache."""


def moving_mean(values: Floats, times_s: Times, spans: Spans, window_s: float) -> Floats:
    """Time-weighted mean over [t - w/2, t + w/2), each sample standing for its span (`scoring.md`).

    The curve is taken as constant over each span. On a regular grid with a window of an odd number of
    samples this equals ``scipy.ndimage.uniform_filter1d`` away from the edges; at an edge it is the
    mean of what is there.

    Args:
        values: float32 (n, p).
        times_s: float64 (n,), rising.
        spans: Of the same n samples.
        window_s: Width in seconds, > 0.

    Returns:
        float32 (n, p), its columns contiguous.
    """
    rows = np.ascontiguousarray(values.T)
    mean = np.empty_like(rows)
    bounds = [0, *(np.flatnonzero(np.diff(spans.stretch)) + 1).tolist(), len(times_s)]
    for first, stop in itertools.pairwise(bounds):
        part = slice(first, stop)
        left, right = spans.left[part], spans.right[part]
        _stretch(rows[:, part], times_s[part], left, right, window_s, mean[:, part])
    return mean.T


def _stretch(rows: Floats, times_s: Times, left: Times, right: Times, window_s: float, out: Floats) -> None:
    """Average one unbroken stretch: by a box filter where the samples are even, else by the integral."""
    n = len(times_s)
    step_s = float(times_s[-1] - times_s[0]) / (n - 1) if n > 1 else 0.0
    whole = int((window_s / step_s - 1) // 2) if step_s > 0 and window_s > step_s else 0
    edge = whole + 2  # so many samples at either end have a window that reaches over it, or into the end's own span
    even = n > 4 * edge and float(np.abs(times_s - (times_s[0] + step_s * np.arange(n))).max()) <= EVEN_WITHIN * step_s
    if not even:
        _by_integral(rows, times_s, left, right, window_s, out)
        return
    _by_box(rows, window_s / step_s, whole, out)
    ends = np.empty((len(rows), 2 * edge), np.float32)
    for near, kept in ((slice(0, 2 * edge), slice(0, edge)), (slice(n - 2 * edge, n), slice(edge, 2 * edge))):
        _by_integral(rows[:, near], times_s[near], left[near], right[near], window_s, ends)
        out[:, near][:, kept] = ends[:, kept]


def _by_box(rows: Floats, window: float, whole: int, out: Floats) -> None:
    """Mean over ``window`` samples: ``whole`` neighbours on each side, and a part of the next; ends are wrong."""
    if window <= 1:
        out[:] = rows
        return
    from scipy.ndimage import uniform_filter1d  # here, so that a page without smoothing does not load SciPy

    size = 2 * whole + 1
    uniform_filter1d(rows, size, axis=1, output=out)
    part = (window - size) / 2
    if part > 1e-9:
        out *= np.float32(size / window)
        outer = rows[:, : -size - 1] + rows[:, size + 1 :]
        outer *= np.float32(part / window)
        out[:, whole + 1 : -whole - 1] += outer


def _by_integral(rows: Floats, times_s: Times, left: Times, right: Times, window_s: float, out: Floats) -> None:
    """The mean as a difference of the running integral, which is linear within each span."""
    n = len(times_s)
    low, high = np.maximum(times_s - window_s / 2, left[0]), np.minimum(times_s + window_s / 2, right[-1])
    low_sample = np.maximum(np.searchsorted(left, low, side="right") - 1, 0)
    high_sample = np.searchsorted(left, high, side="right") - 1
    nothing = high <= low  # samples at one time, with no span between them
    scale = 1 / np.where(nothing, 1.0, high - low)
    low_part, high_part = (low - left[low_sample]) * scale, (high - left[high_sample]) * scale
    lengths_s = right - left
    count = max(1, BLOCK_CELLS // n)
    integral = np.zeros((min(count, len(rows)), n + 1))
    for start in range(0, len(rows), count):
        block = rows[start : start + count].astype(np.float64)
        total = integral[: len(block)]
        np.cumsum(block * lengths_s, axis=1, out=total[:, 1:])
        mean = (total.take(high_sample, axis=1) - total.take(low_sample, axis=1)) * scale
        mean += block.take(high_sample, axis=1) * high_part
        mean -= block.take(low_sample, axis=1) * low_part
        mean[:, nothing] = block[:, nothing]
        out[start : start + count] = mean
