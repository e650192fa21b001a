"""Moments and truth → what they are worth: per prompt, and over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.metrics import Query, mean_average_precision, recall_at_1
from clip_core.evaluation.onsets import onsets
from clip_core.evaluation.sweep import mean_iou_f1
from clip_core.evaluation.truth import Truth
from clip_core.values import Moment


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well moments agree with a truth. Shares are from 0 to 1; None: there is no truth to measure it by.

    Attributes:
        prompt: "" where it is over all prompts.
        truths, moments: How many there are.
        r1_50, r1_70: R1 at IoU 0.5 and 0.7. Over all: the share of the prompts that are there.
        map: mAP over IoU 0.5:0.05:0.95; ``map_50`` and ``map_75`` at one IoU. Over all: the mean of those prompts.
        f1: See ``mean_iou_f1``.
        mean_iou: Mean IoU of the truths with the moments that share most with them, 0 for what is missed.
        onset_median_s, onset_mean_s: How far the starts of those moments are off, in seconds; None if all is missed.
        missed: Truths that no moment overlaps.
        false_moments: Moments that overlap no truth.
    """

    prompt: str
    truths: int
    moments: int
    r1_50: float | None
    r1_70: float | None
    map: float | None
    map_50: float | None
    map_75: float | None
    f1: float
    mean_iou: float | None
    onset_median_s: float | None
    onset_mean_s: float | None
    missed: int
    false_moments: int


def queries_of(moments: Sequence[Moment], truth: Truth) -> dict[str, Query]:
    """Return what was found and what is true for each prompt of the truth; a moment ranks by its peak.

    Args:
        moments: In any order, which is kept among equal peaks. Those of other prompts are left out.
        truth: Of these prompts, in this video.
    """
    found: dict[str, list[Moment]] = {prompt: [] for prompt in truth.prompts}
    for moment in sorted(moments, key=lambda moment: -moment.peak):
        if moment.prompt in found:
            found[moment.prompt].append(moment)
    return {
        prompt: Query(
            as_intervals((moment.start_s, moment.end_s) for moment in own),
            np.array([moment.peak for moment in own], np.float64),
            truth.intervals(prompt),
        )
        for prompt, own in found.items()
    }


def judge(moments: Sequence[Moment], truth: Truth) -> tuple[Judgement, tuple[Judgement, ...]]:
    """Return the judgement over all prompts of the truth, and one for each, in the truth's order.

    Args:
        moments, truth: As for ``queries_of``.
    """
    queries = queries_of(moments, truth)
    each = tuple(_judgement(prompt, [query]) for prompt, query in queries.items())
    return _judgement("", list(queries.values())), each


def _judgement(prompt: str, queries: Sequence[Query]) -> Judgement:
    held = [onsets(query.windows, query.truths) for query in queries]
    errors = np.array([error for one in held for error in one.errors_s])
    ious = np.array([iou for one in held for iou in one.ious])
    return Judgement(
        prompt=prompt,
        truths=sum(len(query.truths) for query in queries),
        moments=sum(len(query.windows) for query in queries),
        r1_50=recall_at_1(queries, 0.5),
        r1_70=recall_at_1(queries, 0.7),
        map=mean_average_precision(queries),
        map_50=mean_average_precision(queries, (0.5,)),
        map_75=mean_average_precision(queries, (0.75,)),
        f1=mean_iou_f1(queries),
        mean_iou=float(ious.mean()) if len(ious) else None,
        onset_median_s=float(np.median(errors)) if len(errors) else None,
        onset_mean_s=float(errors.mean()) if len(errors) else None,
        missed=sum(one.missed for one in held),
        false_moments=sum(one.false_moments for one in held),
    )
