"""How well two lists of moments agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.ground_truth import Truth
from clip_core.evaluation.intervals import as_intervals, iou_matrix
from clip_core.types import Moment, Times


@dataclass(frozen=True, slots=True)
class Match:
    """One of theirs, and the best of ours.

    Attributes:
        theirs: The moment that was given.
        ours: The one with the highest IoU; None if none overlaps it.
        iou: Temporal intersection over union of the two, in [0, 1].
    """

    theirs: Moment
    ours: Moment | None
    iou: float


def best_matches(theirs: Sequence[Moment], ours: Sequence[Moment], prompts: Sequence[str]) -> list[Match]:
    """For each of theirs, in their order, the best of ours.

    Args:
        theirs: Given moments.
        ours: Moments to hold them against.
        prompts: What was asked for: a given moment of one of these is held against moments of that prompt alone, any
            other against all.
    """
    known, asked = set(prompts), np.array([moment.prompt for moment in ours], object)
    found = []
    for each, shares in zip(theirs, iou_matrix(_times(theirs), _times(ours)), strict=True):
        if each.prompt in known:
            shares[asked != each.prompt] = 0.0
        place = int(shares.argmax()) if shares.any() else None
        found.append(Match(each, None, 0.0) if place is None else Match(each, ours[place], float(shares[place])))
    return found


def _times(moments: Sequence[Moment]) -> Times:
    return as_intervals((moment.start_s, moment.end_s) for moment in moments)


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
