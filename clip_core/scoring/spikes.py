"""Find the sudden rises and falls of each prompt's curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.spans import tells_of_change
from clip_core.types import Floats, Ints, Scores, Times, Unit

Changes: TypeAlias = NDArray[np.float64]

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
        prompt: The prompt of the curve.
        sample: Index of the sample that the steepest step leads to.
        time_s: The time of that sample, in seconds.
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
    movements of a prompt that is never visible are no spikes beside a prompt that is.

    Shot boundaries do not matter: whatever appears within one sample is a shot boundary too, and should be found here.
    There are no spikes across a gap between samples.

    Args:
        scores: n samples of p prompts, with their times and unit.
        smoothed: float32 (n, p), the curves as drawn.

    Returns:
        Spikes in time order, then in prompt order.
    """
    if len(scores) < 2:
        return []
    told = tells_of_change(scores)
    runs = [_Runs.of(column.astype(np.float64), scores.times_s, told) for column in np.ascontiguousarray(smoothed.T)]
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

    curve: Changes
    first: Ints
    last: Ints
    of_steps: Changes

    @classmethod
    def of(cls, curve: Changes, times_s: Times, told: NDArray[np.bool_]) -> _Runs:
        """Split a curve into runs; ``told``, bool (n - 1,), is the result of ``tells_of_change``."""
        steps = np.flatnonzero(told)
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


def _sudden_part(curve: Changes, times_s: Times, first: int, last: int) -> tuple[int, int, int]:
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


def _median(values: Changes) -> float:
    return float(np.median(values)) if len(values) else 0.0
