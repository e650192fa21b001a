"""Annotations and moments side by side: what was matched, what was missed, what is false."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.iou import iou_matrix
from clip_core.evaluation.truth import Truth
from clip_core.values import Moment, Times


@dataclass(frozen=True, slots=True)
class Compared:
    """A stretch of time, and what of the other side shares most with it.

    Attributes:
        prompt: Whose it is.
        start_s, end_s: The stretch, in seconds.
        best: Start and end of the stretch with the highest IoU, the first of equal ones; None if none overlaps.
        iou: Temporal intersection over union of the two, from 0 to 1.
    """

    prompt: str
    start_s: float
    end_s: float
    best: tuple[float, float] | None
    iou: float

    @property
    def matched(self) -> bool:
        """Whether anything of the other side overlaps it."""
        return self.best is not None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both sides, each prompt by prompt in the truth's order and rising by start.

    Attributes:
        annotations: Those of the truth; what is not matched was missed.
        moments: Those that were found; what is not matched is false.
    """

    annotations: tuple[Compared, ...]
    moments: tuple[Compared, ...]


def agreement(moments: Sequence[Moment], truth: Truth) -> Agreement:
    """Hold moments and annotations against each other. Missed and false are counted as in ``onsets``: by any overlap.

    Args:
        moments: In any order. Those of prompts that the truth does not know are left out.
        truth: Of the same video.
    """
    annotations: list[Compared] = []
    found: list[Compared] = []
    for prompt in truth.prompts:
        own = as_intervals(sorted((m.start_s, m.end_s) for m in moments if m.prompt == prompt))
        true = truth.intervals(prompt)
        shares = iou_matrix(true, own)
        annotations += _compared(prompt, true, own, shares)
        found += _compared(prompt, own, true, shares.T)
    return Agreement(tuple(annotations), tuple(found))


def _compared(prompt: str, ours: Times, theirs: Times, shares: Times) -> list[Compared]:
    """Each row of ``ours`` (n, 2) with its best of ``theirs`` (m, 2); ``shares`` is (n, m)."""
    if not len(theirs):
        return [Compared(prompt, start, end, None, 0.0) for start, end in ours.tolist()]
    best = shares.argmax(axis=1)
    ious = shares[np.arange(len(ours)), best].tolist()
    pairs = [(start, end) for start, end in theirs[best].tolist()]
    rows = zip(ours.tolist(), pairs, ious, strict=True)
    return [Compared(prompt, start, end, pair if iou > 0 else None, iou) for (start, end), pair, iou in rows]
