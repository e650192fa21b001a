"""Moments of somebody else held against ours: which of ours covers each best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.iou import iou_matrix
from clip_core.values import Moment, Times


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
