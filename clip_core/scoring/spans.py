"""How much of the video each sample stands for. Samples may be irregular; all other scoring builds on this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_core.types import Ints, Scores, Times

GAP_STEPS = 2.5
"""A step longer than this many median steps is a gap: nothing is detected or smoothed across it."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The half-open interval [left, right) of each of n samples, in seconds.

    Attributes:
        left, right: float64 (n,). ``right[i] == left[i + 1]`` unless there is a gap between them.
        stretch: int64 (n,), increasing from 0: samples with the same number have no gap between them.
    """

    left: Times
    right: Times
    stretch: Ints

    @property
    def lengths_s(self) -> Times:
        """The length of each span, float64 (n,)."""
        return self.right - self.left


def shown_spans(scores: Scores) -> Spans:
    """Return the spans of scores by what is on screen: an edge lies in the part of the video that was not sampled.

    A sampled frame is shown until the next frame of the video. Only from then to the next sample is the picture
    unknown, and the edge lies in the middle of that part. Between adjacent frames nothing is unknown, so the edge is
    the time of the second one.
    """
    return sample_spans(scores.times_s, scores.start_s, scores.end_s, scores.until_s)


def sample_spans(times_s: Times, start_s: float, end_s: float, until_s: Times | None = None) -> Spans:
    """Return the part of the video that each sample stands for.

    A sample at t stands for [t - half the step before, t + half the step after), each half at most 1.25 median steps.
    The first span starts with the video, and the last ends with it, if they are that near.

    Args:
        times_s: float64 (n,), strictly increasing.
        start_s, end_s: When the video starts and ends.
        until_s: float64 (n,), when the step after each sample starts, as its frame is shown until then. None: at t.
    """
    steps = np.diff(times_s)
    median = float(np.median(steps)) if len(steps) else np.inf
    reach = GAP_STEPS / 2 * median
    left, right = times_s.astype(np.float64), (times_s if until_s is None else until_s).astype(np.float64)
    if len(times_s):
        before = np.minimum(np.maximum(left[1:] - right[:-1], 0) / 2, reach)
        left[1:] -= before
        right[:-1] = np.minimum(right[:-1], times_s[1:]) + before
        touching = steps <= GAP_STEPS * median
        right[:-1][touching] = left[1:][touching]  # equal on both sides, not rounded twice
        left[0] = max(min(start_s, left[0]), left[0] - reach)
        right[-1] = min(max(end_s, right[-1]), right[-1] + reach)
    stretch = np.concatenate([[0], np.cumsum(steps > GAP_STEPS * median)])[: len(times_s)]
    return Spans(left, right, stretch.astype(np.int64))


def measurable_steps(scores: Scores) -> NDArray[np.bool_]:
    """Return where a change between neighbours can be measured, bool (n - 1,): not across a gap or at one time."""
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    return np.asarray((np.diff(spans.stretch) == 0) & (np.diff(scores.times_s) > 0))


def split_at(spans: Spans, times_s: Times, shot_boundaries_s: Times | None) -> Spans:
    """Return ``spans`` with a new stretch after each shot boundary; the lengths stay the same.

    Args:
        spans, times_s: Of n samples.
        shot_boundaries_s: float64 (k,), in any order; a sample at or after one belongs to the new shot. None: none.
    """
    if shot_boundaries_s is None or len(shot_boundaries_s) == 0 or len(times_s) == 0:
        return spans
    shot = np.searchsorted(np.sort(np.asarray(shot_boundaries_s, np.float64)), times_s, side="right")
    new = (np.diff(spans.stretch) > 0) | (np.diff(shot) > 0)
    stretch = np.concatenate([[0], np.cumsum(new)]).astype(np.int64)
    return Spans(spans.left, spans.right, stretch)
