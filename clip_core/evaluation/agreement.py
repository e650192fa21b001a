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
    """One of their moments, and the best of ours.

    Attributes:
        theirs: Their moment.
        ours: Ours with the highest IoU; None if none overlaps it.
        iou: Temporal intersection over union of the two, in [0, 1].
    """

    theirs: Moment
    ours: Moment | None
    iou: float


def best_matches(theirs: Sequence[Moment], ours: Sequence[Moment], prompts: Sequence[str]) -> list[Match]:
    """Return the best of our moments for each of theirs, in their order.

    Args:
        theirs: Their moments.
        ours: Our moments.
        prompts: Our prompts. A moment of one of these is only compared with ours of that prompt, any other with all.
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
    """An interval of one side, and the interval of the other side with the highest IoU.

    Attributes:
        prompt: The prompt of both.
        start_s, end_s: The interval, in seconds.
        best: Start and end of the other interval, the first of equal ones; None if none overlaps.
        iou: Temporal intersection over union of the two, from 0 to 1.
    """

    prompt: str
    start_s: float
    end_s: float
    best: tuple[float, float] | None
    iou: float

    @property
    def matched(self) -> bool:
        """Whether an interval of the other side overlaps it."""
        return self.best is not None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Both sides, by prompt in the order of the ground truth, then by start.

    Attributes:
        annotations: The spans of the ground truth; unmatched ones were missed.
        moments: The detected moments; unmatched ones are false.
    """

    annotations: tuple[Compared, ...]
    moments: tuple[Compared, ...]


def agreement(moments: Sequence[Moment], truth: Truth) -> Agreement:
    """Compare moments with ground truth. Any overlap is a match, as in ``onsets``.

    Args:
        moments: In any order. Prompts that the ground truth does not contain are left out.
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
    """Match each row of ``ours`` (n, 2) with its best of ``theirs`` (m, 2); ``shares`` is (n, m)."""
    if not len(theirs):
        return [Compared(prompt, start, end, None, 0.0) for start, end in ours.tolist()]
    best = shares.argmax(axis=1)
    ious = shares[np.arange(len(ours)), best].tolist()
    pairs = [(start, end) for start, end in theirs[best].tolist()]
    rows = zip(ours.tolist(), pairs, ious, strict=True)
    return [Compared(prompt, start, end, pair if iou > 0 else None, iou) for (start, end), pair, iou in rows]
