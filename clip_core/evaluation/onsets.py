"""How far off moments begin, what was missed and what is false."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.iou import iou_matrix
from clip_core.values import Times


@dataclass(frozen=True, slots=True, eq=False)
class Onsets:
    """Moments of one prompt held against its truths.

    Attributes:
        errors_s: float64 (k,), |start of the truth - start of the moment that shares most with it|, for each truth
            that a moment overlaps.
        ious: float64 (m,), the IoU of each truth with that moment; 0 where it is missed.
        missed: How many truths no moment overlaps.
        false_moments: How many moments overlap no truth.
    """

    errors_s: Times
    ious: Times
    missed: int
    false_moments: int


def onsets(windows: Times, truths: Times) -> Onsets:
    """Return how the starts of ``windows`` (n, 2) agree with those of ``truths`` (m, 2), both in seconds.

    One moment may be the best of two truths. Of equal ones the first counts.
    """
    shares = iou_matrix(truths, windows)
    if not shares.size:
        return Onsets(np.empty(0), np.zeros(len(truths)), len(truths), len(windows))
    best = shares.argmax(axis=1)
    ious: Times = shares.max(axis=1)
    met = ious > 0
    errors = np.abs(truths[met, 0] - windows[best[met], 0])
    return Onsets(errors, ious, int((~met).sum()), int((shares.max(axis=0) == 0).sum()))
