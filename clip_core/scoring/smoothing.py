"""Smoothing in seconds, true to irregular samples, and never across a gap."""

from __future__ import annotations

import numpy as np

from clip_core.scoring.spans import Spans, sample_spans
from clip_core.values import Floats, Scores, Times


def smooth(scores: Scores, window_s: float) -> Floats:
    """Return the curves of ``scores`` under a centred moving average.

    Args:
        scores: n samples of p prompts.
        window_s: Width in seconds, >= 0. With 0 the input array itself is returned.

    Returns:
        float32 (n, p).

    Raises:
        ValueError: The window is negative or not finite.
    """
    if not np.isfinite(window_s) or window_s < 0:
        raise ValueError(f"window_s must be >= 0 and finite, not {window_s}")
    if window_s == 0 or len(scores) == 0:
        return scores.values
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    return moving_mean(scores.values, scores.times_s, spans, window_s)


def moving_mean(values: Floats, times_s: Times, spans: Spans, window_s: float) -> Floats:
    """Time-weighted mean over [t - w/2, t + w/2), each sample standing for its span (`scoring.md`).

    The curve is taken as constant over each span, so the mean is a difference of its running
    integral. On a regular grid with a window of an odd number of samples this equals
    ``scipy.ndimage.uniform_filter1d`` away from the edges; at an edge it is the mean of what is there.

    Args:
        values: float32 (n, p).
        times_s: float64 (n,), rising.
        spans: Of the same n samples.
        window_s: Width in seconds, > 0.

    Returns:
        float32 (n, p).
    """
    weighted = values.astype(np.float64) * spans.lengths_s[:, None]
    integral = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(weighted, axis=0)])
    first = np.searchsorted(spans.stretch, spans.stretch, side="left")
    last = np.searchsorted(spans.stretch, spans.stretch, side="right") - 1
    start = np.maximum(times_s - window_s / 2, spans.left[first])
    stop = np.minimum(times_s + window_s / 2, spans.right[last])

    def integral_at(x: Times) -> Times:
        sample = np.clip(np.searchsorted(spans.left, x, side="right") - 1, first, last)
        inside = (x - spans.left[sample])[:, None]
        result: Times = integral[sample] + values[sample] * inside
        return result

    mean: Times = (integral_at(stop) - integral_at(start)) / (stop - start)[:, None]
    return mean.astype(np.float32)


def window_samples(window_s: float, times_s: Times) -> int:
    """How many samples a window of ``window_s`` seconds spans at the median step, for showing."""
    if len(times_s) < 2:
        return 1
    return max(1, round(window_s / float(np.median(np.diff(times_s)))))
