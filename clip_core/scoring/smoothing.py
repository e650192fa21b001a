"""Smoothing in seconds, true to irregular samples, and never across a gap or a shot boundary."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from clip_core.filters import FILTERS
from clip_core.scoring.spans import sample_spans, split_at
from clip_core.settings import Settings
from clip_core.types import Floats, Scores, Times

EVEN_STEPS_WITHIN = 1e-6
"""Samples that lie within this part of a step of an even grid are averaged as if they lay on it."""
BLOCK_CELLS = 2**16
"""The running integral takes so many cells at a time: its float64 intermediates then stay in the cache."""
EVEN_WITHIN = 0.1
"""Samples that lie within this part of a step of an even grid are filtered as they are."""
MOST_GRID_POINTS = 8
"""An irregular stretch is resampled to at most this many times its samples."""


def _moving_mean(rows: Floats, times_s: Times, left: Times, right: Times, window_s: float, out: Floats) -> None:
    """Write the time-weighted mean over [t - w/2, t + w/2), each sample standing for its span, to ``out``.

    The curve is taken as constant over each span. On a regular grid with a window of an odd number of samples this
    equals ``scipy.ndimage.uniform_filter1d`` away from the edges; at an edge it is the mean of what is there.

    Args:
        rows: float32 (p, n), samples of an unbroken stretch. Even ones are averaged by a box filter, others by the
            integral.
        times_s: float64 (n,), increasing.
        left, right: float64 (n,), their spans.
        window_s: Width in seconds, > 0.
        out: Like ``rows``.
    """
    n = len(times_s)
    step_s = float(times_s[-1] - times_s[0]) / (n - 1) if n > 1 else 0.0
    whole = int((window_s / step_s - 1) // 2) if step_s > 0 and window_s > step_s else 0
    edge = whole + 2  # so many samples at either end have a window that reaches over it, or into the end's own span
    even = (
        n > 4 * edge
        and float(np.abs(times_s - (times_s[0] + step_s * np.arange(n))).max()) <= EVEN_STEPS_WITHIN * step_s
    )
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


def smooth(scores: Scores, window_s: float, kind: str = "mean", shot_boundaries_s: Times | None = None) -> Floats:
    """Return the curves of ``scores``, smoothed; all kinds are centred, and edges use what is there.

    What ``window_s`` = w means, chosen so that one position of the slider blurs time about as much whatever the kind:

    - mean: the time-weighted mean over [t - w/2, t + w/2).
    - gaussian: standard deviation w/√12, that of a box of width w; the weights that are there sum to 1.
    - median: the odd number of samples nearest to w; at an edge the samples are mirrored.
    - savgol: Savitzky-Golay of order 2 over that odd number (at least 3); at an edge the last fit goes on. It keeps the
      heights of peaks, so it smooths less than the others.
    - exponential: weights exp(-|Δt|/τ), τ = w/√24 (the same standard deviation), summed forward and backward, so that
      it delays nothing; the weights that are there sum to 1.

    A window longer than an unbroken stretch is as long as the stretch.

    Args:
        window_s: Width in seconds, >= 0. With 0 the input array itself is returned.
        kind: A key of ``FILTERS``.
        shot_boundaries_s: float64 (k,), shot boundaries that nothing is smoothed across; None: smooth across them.

    Returns:
        float32 (n, p), finite; its columns, not its rows, are contiguous.

    Raises:
        ValueError: The window is negative or not finite, or the kind is unknown.
    """
    if not np.isfinite(window_s) or window_s < 0:
        raise ValueError(f"window_s must be >= 0 and finite, not {window_s}")
    if kind not in FILTERS:
        raise ValueError(f"kind must be one of {', '.join(FILTERS)}, not {kind!r}")
    if window_s == 0 or len(scores) == 0:
        return scores.values
    times_s, apply = scores.times_s, FILTERS[kind].apply
    spans = split_at(sample_spans(times_s, scores.start_s, scores.end_s), times_s, shot_boundaries_s)
    rows = np.ascontiguousarray(scores.values.T)
    out = np.empty_like(rows)
    bounds = [0, *(np.flatnonzero(np.diff(spans.stretch)) + 1).tolist(), len(times_s)]
    for first, stop in itertools.pairwise(bounds):  # nothing is smoothed from one stretch to the next
        part = slice(first, stop)
        if apply is None:
            _moving_mean(rows[:, part], times_s[part], spans.left[part], spans.right[part], window_s, out[:, part])
        else:
            out[:, part] = _filter(rows[:, part], times_s[part], window_s, apply)
    return out.T


def _filter(rows: Floats, times_s: Times, window_s: float, apply: Callable[[Floats, float], Floats]) -> Floats:
    """Filter a stretch; uneven samples are resampled linearly to their median step, and read off again."""
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


def smooth_as(settings: Settings, scores: Scores, shot_boundaries_s: Times | None) -> Floats:
    """Smooth curves as the settings say; ``shot_boundaries_s`` and what is returned are those of ``smooth``."""
    return smooth(scores, width_s(settings, scores.times_s), settings.smoothing, shot_boundaries_s)


def width_s(settings: Settings, times_s: Times) -> float:
    """How wide the settings smooth samples at these times, in seconds; a number of samples counts median steps."""
    return settings.smoothing_s if settings.smoothing_samples is None else settings.smoothing_samples * step_s(times_s)


def step_s(times_s: Times) -> float:
    """The median distance of samples in seconds; 0 if there are fewer than two."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0


def window_samples(window_s: float, times_s: Times) -> int:
    """How many samples a window of ``window_s`` seconds spans at the median step, for showing."""
    step = step_s(times_s)
    return max(1, round(window_s / step)) if step > 0 else 1
