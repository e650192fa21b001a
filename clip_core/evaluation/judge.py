"""Judge moments and scores by ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.ground_truth import Truth
from clip_core.evaluation.intervals import as_intervals, covered_s
from clip_core.evaluation.metrics import Query, mean_average_precision, onsets, recall_at_1
from clip_core.evaluation.sweep import mean_iou_f1
from clip_core.types import Floats, Moment, Times


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """What each threshold flags.

    Attributes:
        thresholds: float64 (k,), decreasing: the distinct scores.
        precision: float64 (k,), the share of the flagged seconds that are true, from 0 to 1.
        recall: float64 (k,), the share of the true seconds that are flagged, increasing to 1; 0 if nothing is true.
        average_precision: Sum of precision x increase of recall, without interpolation; None if nothing is true.
    """

    thresholds: Times
    precision: Times
    recall: Times
    average_precision: float | None

    def at(self, threshold: float) -> tuple[float, float]:
        """Return precision and recall at one threshold; (0, 0) if it flags nothing."""
        flagged = int(np.searchsorted(-self.thresholds, -float(np.float32(threshold)), side="right"))
        return (float(self.precision[flagged - 1]), float(self.recall[flagged - 1])) if flagged else (0.0, 0.0)

    def thinned(self, most: int) -> PrecisionRecall:
        """Return the curve with at most ``most`` >= 2 points to draw, including the first and the last."""
        if len(self.thresholds) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.thresholds) - 1, most).round().astype(np.int64))
        return PrecisionRecall(self.thresholds[kept], self.precision[kept], self.recall[kept], self.average_precision)


@dataclass(frozen=True, slots=True, eq=False)
class TimedScore:
    """The curve of one prompt, and how many seconds of each sample are true.

    Attributes:
        scores: float32 (n,).
        true_s, false_s: float64 (n,), adding up to the seconds that the sample stands for.
    """

    scores: Floats
    true_s: Times
    false_s: Times


def timed(scores: Floats, left: Times, right: Times, truths: Times) -> TimedScore:
    """Weight the samples of a prompt by the time that each stands for; part of a span may be true, the rest false.

    Args:
        scores: float32 (n,), smoothed, as they are compared with the threshold.
        left, right: float64 (n,), the span of each sample in seconds. Time outside all spans is not judged.
        truths: float64 (m, 2); overlaps count once.
    """
    true_s = covered_s(left, right, truths)
    return TimedScore(scores, true_s, np.maximum(right - left - true_s, 0.0))


def precision_recall(parts: Sequence[TimedScore]) -> PrecisionRecall:
    """Return the curve of one prompt, or of several together at the same threshold.

    Args:
        parts: One for each prompt. A prompt without truths only adds falsely flagged time.
    """
    scores = np.concatenate([part.scores for part in parts]) if parts else np.empty(0, np.float32)
    true_s = np.concatenate([part.true_s for part in parts]) if parts else np.empty(0)
    false_s = np.concatenate([part.false_s for part in parts]) if parts else np.empty(0)
    order = np.argsort(-scores, kind="stable")
    levels = scores[order]
    last = np.flatnonzero(np.append(levels[1:] != levels[:-1], True)[: len(levels)])
    hits, wrongs = np.cumsum(true_s[order])[last], np.cumsum(false_s[order])[last]
    flagged = hits + wrongs
    precision = np.divide(hits, flagged, out=np.zeros(len(last)), where=flagged > 0)
    total = float(hits[-1]) if len(hits) else 0.0
    recall = hits / total if total > 0 else np.zeros(len(last))
    rises = np.diff(recall, prepend=0.0)
    average = min(1.0, float((rises * precision).sum())) if total > 0 else None
    return PrecisionRecall(levels[last].astype(np.float64), precision, recall, average)


@dataclass(frozen=True, slots=True)
class Judgement:
    """How well moments agree with ground truth. Shares are from 0 to 1; None: there is no ground truth to measure by.

    Attributes:
        prompt: "" for the measures over all prompts.
        truths, moments: How many there are.
        r1_50, r1_70: R1 at IoU 0.5 and 0.7. Overall: over the prompts that have a span.
        map: mAP over IoU 0.5:0.05:0.95; ``map_50`` and ``map_75`` at one IoU. Overall: the mean over those prompts.
        f1: See ``mean_iou_f1``.
        mean_iou: Mean over the spans of the highest IoU with a moment; 0 for a missed one.
        onset_median_s, onset_mean_s: Start difference between spans and those moments, in seconds; None if none match.
        missed: Spans that no moment overlaps.
        false_moments: Moments that overlap no span.
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
    """Return what was found and what is true for each prompt of the ground truth; moments rank by their peak.

    Args:
        moments: In any order, which is kept for equal peaks. Those of other prompts are left out.
        truth: Of these prompts in this video.
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
    """Return the judgement over all prompts of the ground truth, and one for each in its order.

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
