"""What curves show besides moments: the best and worst frames, the leading prompt, and sudden changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.spans import measurable_steps, sample_spans
from clip_core.scoring.units import check_odds, log_odds
from clip_core.types import Floats, Ints, Reals, Scores, Times, Unit


def extreme_samples(
    curve: Floats, times_s: Times, *, count: int = 5, apart_s: float = 2.0, worst: bool = False
) -> list[int]:
    """Return the positions of up to ``count`` samples, the highest (or lowest) at least ``apart_s`` from each other.

    Greedy: takes the best sample, then repeatedly the best of those far enough from all taken so far.

    Args:
        curve: float32 (n,). NaN samples are never taken.
        times_s: float64 (n,), increasing.
    """
    cost = np.where(np.isnan(curve), np.inf, curve if worst else -curve)
    taken: list[int] = []
    while len(taken) < count and len(cost):
        best = int(np.argmin(cost))
        if not np.isfinite(cost[best]):
            break
        taken.append(best)
        low = np.searchsorted(times_s, times_s[best] - apart_s, side="right")
        high = np.searchsorted(times_s, times_s[best] + apart_s, side="left")
        cost[low:high] = np.inf
    return taken


@dataclass(frozen=True, slots=True, eq=False)
class Leads:
    """k runs of samples in time order, each led by one prompt; gaps between samples are left out.

    Attributes:
        prompt: int64 (k,), the leader's index in the scores' prompts.
        start_s, end_s: float64 (k,), half-open and disjoint.
    """

    prompt: Ints
    start_s: Times
    end_s: Times


def leading_prompts(
    scores: Scores,
    smoothed: Floats | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    logit_scale: float = 100.0,
) -> Leads:
    """Return which prompt has the highest s + ln(weight) / ``logit_scale``, that is, the highest softmax share.

    The leading prompt need not be visible.

    Args:
        scores: Cosine similarities, n samples of p prompts.
        smoothed: Their smoothed curves, float32 (n, p); None: use the raw ones.
        weights: Prompt → prior odds, > 0; default 1.
        logit_scale: The model's, > 0.

    Returns:
        Runs; neighbours have different prompts or a gap between them. On a tie the first prompt leads.

    Raises:
        ValueError: A weight or the logit scale is not finite or not above 0.
    """
    curves = scores.values if smoothed is None else smoothed
    n, p = curves.shape
    weights = weights or {}
    check_odds(weights, logit_scale)
    shift = log_odds(scores.prompts, weights, logit_scale)
    if n == 0 or p == 0:
        return Leads(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.float64))
    lead = np.zeros(n, np.int64)
    best = curves[:, 0] + shift[0]
    for column in range(1, p):  # curve by curve: faster than argmax, as each curve is contiguous
        curve = curves[:, column] + shift[column]
        higher = curve > best
        lead[higher] = column
        np.maximum(best, curve, out=best)
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    change = (np.diff(lead) != 0) | (np.diff(spans.stretch) > 0)
    first = np.concatenate([[0], np.flatnonzero(change) + 1])
    last = np.concatenate([first[1:], [n]]) - 1
    return Leads(lead[first], spans.left[first], spans.right[last])


def rate_of_change(scores: Scores, smoothed: Floats | None = None) -> Floats:
    """Return (s_f - s_{f-1}) / (t_f - t_{f-1}), float32 (n, p), in the scores' unit per second.

    It is 0 where no change can be measured: at the first sample, after a gap, and between samples at the same time.
    ``smoothed``, float32 (n, p), is used in place of the raw curves.
    """
    curves = scores.values if smoothed is None else smoothed
    rate = np.zeros_like(curves)
    if len(scores) > 1:
        joined = measurable_steps(scores)
        factor = np.where(joined, 1 / np.where(joined, np.diff(scores.times_s), 1.0), 0.0).astype(np.float32)
        rate[1:] = np.diff(curves, axis=0) * factor[:, None] + np.float32(0)  # turns -0 into 0
    return rate


TIMES_USUAL = 7.0
"""Runs of random curves (white or autocorrelated, smoothed or not) reach up to 6 times the usual change."""
LONGEST_S = 2.0
"""A longer change is not sudden: of a longer rise, only the steepest part of this length counts."""
LEAST_CHANGE: dict[Unit, float] = {
    "corrected": 0.01, "cosine": 0.01, "margin": 0.01, "z": 1.0, "percentile": 5.0, "softmax": 0.05,
}  # fmt: skip
"""By unit of the curves: a curve that hardly moves has no spikes."""


@dataclass(frozen=True, slots=True)
class Spike:
    """A sudden rise or fall of a curve.

    Attributes:
        sample, time_s: Index and time of the sample that the steepest step leads to.
        change: How far the curve goes, in the unit of the scores: positive for a rise, negative for a fall.
    """

    prompt: str
    sample: int
    time_s: float
    change: float


def find_spikes(scores: Scores, smoothed: Floats) -> list[Spike]:
    """Return where a curve rises or falls suddenly, and by far more than usual.

    A curve consists of runs: successive samples over which it only rises, only falls or stays level. The change of a
    run is from its first to its last sample or, for a run longer than ``LONGEST_S``, over the part of that length
    around its steepest step. A run is a spike if its change is at least ``TIMES_USUAL`` times the usual one and at
    least ``LEAST_CHANGE`` of the unit. The usual change is the median, over all steps between samples, of the change of
    the step's run. It is taken over the prompt itself and over all prompts, and the larger counts, so that small
    movements of a prompt that is never visible are not spikes beside a prompt that is.

    Shot boundaries do not matter: whatever appears within one sample is a shot boundary too, and should be found here.
    There are no spikes across a gap between samples.

    Args:
        scores: n samples of p prompts.
        smoothed: float32 (n, p), the curves as drawn.

    Returns:
        Spikes in time order, then in prompt order.
    """
    if len(scores) < 2:
        return []
    joined = measurable_steps(scores)
    runs = [_Runs.of(column.astype(np.float64), scores.times_s, joined) for column in np.ascontiguousarray(smoothed.T)]
    usual_of_all = _median(np.concatenate([run.of_steps for run in runs])) if runs else 0.0
    found: list[Spike] = []
    for prompt, own in zip(scores.prompts, runs, strict=True):
        least = max(TIMES_USUAL * max(usual_of_all, _median(own.of_steps)), LEAST_CHANGE[scores.unit])
        for first, last in own.beyond(least):
            start, steepest, end = _sudden_part(own.curve, scores.times_s, first, last)
            change = float(own.curve[end] - own.curve[start])
            if abs(change) >= least:
                found.append(Spike(prompt, steepest, float(scores.times_s[steepest]), change))
    return sorted(found, key=lambda spike: spike.time_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """The runs of one curve of n samples.

    Attributes:
        curve: float64 (n,).
        first, last: int64 (r,), the samples at which each run starts and ends.
        of_steps: float64 (m,), for each step without a gap the absolute change of its run; that of a run longer than
            ``LONGEST_S`` is scaled down to this length.
    """

    curve: Reals
    first: Ints
    last: Ints
    of_steps: Reals

    @classmethod
    def of(cls, curve: Reals, times_s: Times, joined: NDArray[np.bool_]) -> _Runs:
        """Split a curve into runs; ``joined``, bool (n - 1,), is the result of ``measurable_steps``."""
        steps = np.flatnonzero(joined)
        signs = np.sign(np.diff(curve))[steps]
        begins = np.flatnonzero(np.r_[True, (np.diff(signs) != 0) | (np.diff(steps) > 1)])[: len(steps)]
        ends = np.r_[begins[1:], len(steps)][: len(begins)]
        first, last = steps[begins], steps[ends - 1] + 1
        lengths_s = times_s[last] - times_s[first]
        changes = np.abs(curve[last] - curve[first]) * (LONGEST_S / np.maximum(lengths_s, LONGEST_S))
        return cls(curve, first, last, np.repeat(changes, ends - begins))

    def beyond(self, least: float) -> list[tuple[int, int]]:
        """Return the first and last sample of each run that changes by ``least`` or more."""
        far = np.abs(self.curve[self.last] - self.curve[self.first]) >= least
        return list(zip(self.first[far].tolist(), self.last[far].tolist(), strict=True))


def _sudden_part(curve: Reals, times_s: Times, first: int, last: int) -> tuple[int, int, int]:
    """Return the part of a run around its steepest step: at most ``LONGEST_S`` long, or that step alone.

    Returns:
        The sample where the part starts, the one that the steepest step leads to, and the one where it ends.
    """
    steepness = np.abs(np.diff(curve[first : last + 1])) / np.diff(times_s[first : last + 1])
    start = first + int(steepness.argmax())
    end = steepest = start + 1
    while True:
        before = abs(curve[start] - curve[start - 1]) if start > first else -1.0
        after = abs(curve[end + 1] - curve[end]) if end < last else -1.0
        wider = (start - 1, end) if before >= after else (start, end + 1)
        if max(before, after) < 0 or times_s[wider[1]] - times_s[wider[0]] > LONGEST_S:
            return start, steepest, end
        start, end = wider


def _median(values: Reals) -> float:
    return float(np.median(values)) if len(values) else 0.0
