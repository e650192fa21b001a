"""How fast the curves change, and where they jump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clip_core.scoring.spans import sample_spans, split_at
from clip_core.values import Floats, Scores, Times

LEAST_Z = 3.5
"""Iglewicz and Hoaglin's cut for robust z, "How to Detect and Handle Outliers" (1993)."""
FLOORS = {"corrected": 0.005, "cosine": 0.005, "margin": 0.005, "z": 0.3, "percentile": 1.0, "softmax": 0.01}
"""Per unit of the curves, the smallest usual rate, per second: a curve that never changes invents no spike."""


@dataclass(frozen=True, slots=True)
class Spike:
    """A moment at which a curve rises or falls far faster than it usually does.

    Attributes:
        prompt: Whose curve it is.
        time_s: The sample that the change leads to, in seconds.
        rate: The change per second there, negative where the curve falls.
        z: Robust z of the rate, of the same sign in all but odd cases.
    """

    prompt: str
    time_s: float
    rate: float
    z: float


def rate_of_change(scores: Scores, smoothed: Floats | None = None, cuts_s: Times | None = None) -> Floats:
    """Return (s_f - s_{f-1}) / (t_f - t_{f-1}) per second.

    It is 0 where no change can be told: at the first sample, after a gap, after a cut, and between
    samples at one time.

    Args:
        scores: n samples of p prompts.
        smoothed: Their smoothed curves, float32 (n, p); None: the raw ones.
        cuts_s: float64 (k,), times of cuts: a change across one is the cut's. None: there are none.

    Returns:
        float32 (n, p), in the scores' unit per second.
    """
    curves = scores.values if smoothed is None else smoothed
    rate = np.zeros_like(curves)
    if len(scores) > 1:
        steps_s = np.diff(scores.times_s)
        told = _told(scores, cuts_s)
        factor = np.where(told, 1 / np.where(told, steps_s, 1.0), 0.0).astype(np.float32)
        rate[1:] = np.diff(curves, axis=0) * factor[:, None] + np.float32(0)  # which makes 0 of -0
    return rate


def find_spikes(scores: Scores, rate: Floats, cuts_s: Times | None = None, *, least_z: float = LEAST_Z) -> list[Spike]:
    """Return where a curve changes unusually fast: |robust z| of its rate >= ``least_z``, at the peaks.

    z = (d - median d) / max(1.4826 MAD d, floor), over the samples where a change can be told; the floor
    is ``FLOORS[scores.unit]``. Peaks are ``scipy.signal.find_peaks`` of z, and of -z, whose prominence is
    at least ``least_z`` too, so a jump over several samples is listed once.

    Args:
        scores: As for ``rate_of_change``.
        rate: What that gave, float32 (n, p).
        cuts_s: As for ``rate_of_change``.
        least_z: Smallest |z|, > 0.

    Returns:
        Spikes in the order of time, then of the prompts.

    Raises:
        ValueError: ``least_z`` is not above 0.
    """
    if not least_z > 0:
        raise ValueError(f"least_z must be above 0, not {least_z}")
    if len(scores) < 2:
        return []
    from scipy.signal import find_peaks  # here, so that a page without this panel does not load it

    told = np.flatnonzero(_told(scores, cuts_s)) + 1
    found: list[Spike] = []
    for prompt, column in zip(scores.prompts, np.ascontiguousarray(rate.T), strict=True):
        d = column[told].astype(np.float64)
        if len(d) == 0:
            continue
        middle = float(np.median(d))
        usual = max(1.4826 * float(np.median(np.abs(d - middle))), FLOORS[scores.unit])
        z = np.zeros(len(scores) + 1)  # what cannot be told is no change, and one more so that the last can be a peak
        z[told] = (d - middle) / usual
        for sign in (1, -1):
            peaks, _ = find_peaks(sign * z, height=least_z, prominence=least_z)
            found += [Spike(prompt, float(scores.times_s[i]), float(column[i]), float(z[i])) for i in peaks]
    return sorted(found, key=lambda spike: spike.time_s)


def _told(scores: Scores, cuts_s: Times | None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Between which neighbours a change can be told, bool (n - 1,)."""
    spans = split_at(sample_spans(scores.times_s, scores.start_s, scores.end_s), scores.times_s, cuts_s)
    told: np.ndarray[tuple[int], np.dtype[np.bool_]] = (np.diff(spans.stretch) == 0) & (np.diff(scores.times_s) > 0)
    return told
