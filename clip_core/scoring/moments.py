"""Curves and thresholds → moments: the stretches in which a prompt is there."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from clip_core.scoring.smoothing import smooth
from clip_core.scoring.spans import Spans, sample_spans
from clip_core.values import Floats, Moment, Scores, Times


def find_moments(
    scores: Scores,
    *,
    threshold: float | Mapping[str, float],
    smoothing_s: float = 0.0,
    score_range: tuple[float, float] | None = None,
    smoothed: Floats | None = None,
) -> list[Moment]:
    """Return the stretches in which the smoothed score stays at or above the threshold.

    Args:
        scores: Raw scores; they are smoothed here.
        threshold: One number for all prompts, or a mapping from prompt to number, in the unit of
            ``scores``; prompts that are not in the mapping are not flagged.
        smoothing_s: Width of the moving average in seconds; 0 takes the raw scores.
        score_range: Smoothed scores outside [low, high] are never part of a moment. None: no limits.
        smoothed: What ``smooth(scores, smoothing_s)`` gave, if it is at hand; float32 (n, p).

    Returns:
        Moments ranked by peak, the highest first; equal peaks by start.

    Raises:
        ValueError: A threshold is not finite.
    """
    thresholds = _per_prompt(scores.prompts, threshold)
    smoothed = smooth(scores, smoothing_s) if smoothed is None else smoothed
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    found: list[Moment] = []
    for prompt, cut in thresholds.items():
        curve = smoothed[:, scores.prompts.index(prompt)]
        reached = curve >= np.float32(cut)  # in the curve's own precision: equal counts as reached
        if score_range is not None:
            reached &= (curve >= np.float32(score_range[0])) & (curve <= np.float32(score_range[1]))
        found += [_moment(prompt, curve, scores.times_s, spans, *run) for run in runs(reached, spans)]
    return sorted(found, key=lambda m: (-m.peak, m.start_s))


def _per_prompt(prompts: tuple[str, ...], threshold: float | Mapping[str, float]) -> dict[str, float]:
    named = dict(threshold) if isinstance(threshold, Mapping) else dict.fromkeys(prompts, threshold)
    for prompt, cut in named.items():
        if not math.isfinite(cut):
            raise ValueError(f"the threshold of {prompt!r} must be finite, not {cut}")
    return {prompt: named[prompt] for prompt in prompts if prompt in named}


def runs(reached: np.ndarray[tuple[int], np.dtype[np.bool_]], spans: Spans) -> list[tuple[int, int]]:
    """Return [first, stop) of each unbroken run of true samples; a gap breaks a run."""
    if len(reached) == 0:
        return []
    new_stretch = np.diff(spans.stretch) > 0
    starts = reached & np.concatenate([[True], ~reached[:-1] | new_stretch])
    ends = reached & np.concatenate([~reached[1:] | new_stretch, [True]])
    return list(zip(np.flatnonzero(starts).tolist(), (np.flatnonzero(ends) + 1).tolist(), strict=True))


def _moment(prompt: str, curve: Floats, times_s: Times, spans: Spans, first: int, stop: int) -> Moment:
    inside = curve[first:stop]
    top = first + int(np.argmax(inside))
    return Moment(
        prompt=prompt,
        start_s=float(spans.left[first]),
        end_s=float(spans.right[stop - 1]),
        peak_s=float(times_s[top]),
        peak=float(curve[top]),
        mean=float(np.average(inside.astype(np.float64), weights=spans.lengths_s[first:stop])),
    )
