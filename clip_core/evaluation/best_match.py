"""Moments of somebody else held against ours: which of ours covers each best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clip_core.values import Moment


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


def iou(first: Moment, second: Moment) -> float:
    """Intersection over union of two moments' times, in [0, 1]; 0 where they only touch."""
    shared = min(first.end_s, second.end_s) - max(first.start_s, second.start_s)
    if shared <= 0:
        return 0.0
    return shared / (max(first.end_s, second.end_s) - min(first.start_s, second.start_s))


def best_matches(theirs: Sequence[Moment], ours: Sequence[Moment], prompts: Sequence[str]) -> list[Match]:
    """For each of theirs, in their order, the best of ours.

    Args:
        theirs: Given moments.
        ours: Moments to hold them against.
        prompts: What was asked for: a given moment of one of these is held against moments of that prompt alone, any
            other against all.
    """
    known = set(prompts)
    by_prompt: dict[str, list[Moment]] = {}
    for moment in ours:
        by_prompt.setdefault(moment.prompt, []).append(moment)
    return [_best(each, by_prompt.get(each.prompt, []) if each.prompt in known else ours) for each in theirs]


def _best(theirs: Moment, ours: Sequence[Moment]) -> Match:
    best = max(ours, key=lambda moment: iou(theirs, moment), default=None)
    if best is None or (share := iou(theirs, best)) == 0:
        return Match(theirs, None, 0.0)
    return Match(theirs, best, share)
