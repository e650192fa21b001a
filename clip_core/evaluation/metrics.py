"""R1 and mAP over temporal IoU, as QVHighlights' `standalone_eval` (jayleicn/moment_detr) defines them.

- R1 at an IoU: the share of queries whose first window has at least that IoU with one of its truths, the best.
- AP of a query at an IoU: its first ten windows by falling score (equal scores as listed) each take the free truth that
  they share most with, if that is at least the IoU; what takes none is false. Precision is made to fall with recall
  (the envelope of VOC 2011), and AP is the area below. mAP is the mean over queries, then over IoU 0.5:0.05:0.95.
- Two things it leaves open: a query without truth has no measure here (there it is 0 / 0), and one without windows
  counts 0 (there R1 fails on it, and mAP leaves it out). Shares are neither rounded nor in per cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.ground_truth import Span, Truth
from clip_core.evaluation.intervals import as_intervals, iou_matrix
from clip_core.types import Moment, Reals, Times

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
MOST_WINDOWS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What was found for one prompt in one video, and what is true.

    Attributes:
        windows: float64 (n, 2), found, best first.
        scores: float64 (n,), confidence of each; higher is better.
        truths: float64 (m, 2).
    """

    windows: Times
    scores: Reals
    truths: Times

    def __post_init__(self) -> None:
        if self.windows.shape != (len(self.scores), 2):
            raise ValueError(f"windows must be ({len(self.scores)}, 2), as there are scores, not {self.windows.shape}")
        if self.truths.ndim != 2 or self.truths.shape[1] != 2:
            raise ValueError(f"truths must be (m, 2), not {self.truths.shape}")


def recall_at_1(queries: Sequence[Query], iou: float) -> float | None:
    """Return R1, from 0 to 1: the share of queries whose first window has at least this IoU with a truth.

    Queries without truths are left out; None if no query has one.
    """
    asked = [query for query in queries if len(query.truths)]
    return sum(_first_hits(query, iou) for query in asked) / len(asked) if asked else None


def _first_hits(query: Query, iou: float) -> bool:
    """Whether the first window reaches ``iou``; the union here is last end - first start, as in the published code.

    For overlapping intervals this is the same number but for rounding, which matters when the IoU is exactly ``iou``.
    """
    for start, end in query.windows[:1].tolist():
        for true_start, true_end in query.truths.tolist():
            union = max(end, true_end) - min(start, true_start)
            if union > 0 and max(0.0, min(end, true_end) - max(start, true_start)) / union >= iou:
                return True
    return False


def mean_average_precision(
    queries: Sequence[Query], ious: Sequence[float] = IOUS, most_windows: int | None = MOST_WINDOWS
) -> float | None:
    """Return mAP, from 0 to 1: average precision, averaged over the queries and over ``ious``.

    Queries without truths are left out; None if no query has one. Only the first ``most_windows`` of each query are
    used; None: all.
    """
    asked = [query for query in queries if len(query.truths)]
    if not asked:
        return None
    return float(np.mean([[average_precision(query, iou, most_windows) for query in asked] for iou in ious]))


def average_precision(query: Query, iou: float, most_windows: int | None = MOST_WINDOWS) -> float:
    """Return the area below the envelope of one query's precision over recall, from 0 to 1.

    Raises:
        ValueError: The query has no truth.
    """
    if not len(query.truths):
        raise ValueError("a query without truth has no average precision")
    right = matched(query, iou, most_windows) >= 0
    true, seen = np.cumsum(right), np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate((true / seen)[::-1])[::-1]
    return float(envelope[right].sum() / len(query.truths))  # each true window adds 1 / m to the recall


def matched(query: Query, iou: float, most_windows: int | None = None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the truth that each window takes, by decreasing score: the free one of highest IoU, if at least ``iou``.

    Returns:
        int64 (k,), for the k windows used, by decreasing score; -1: none.
    """
    windows, scores = query.windows[:most_windows], query.scores[:most_windows]
    order = np.argsort(-scores, kind="stable")
    shares = iou_matrix(windows[order], query.truths)
    free = np.ones(len(query.truths), bool)
    taken = np.full(len(order), -1, np.int64)
    for place in np.flatnonzero((shares >= iou).any(axis=1)):
        allowed = np.where(free & (shares[place] >= iou), shares[place], -1.0)
        best = len(allowed) - 1 - int(np.argmax(allowed[::-1]))  # of equal ones the last, as the published code takes
        if allowed[best] >= 0:
            taken[place], free[best] = best, False
    return taken


@dataclass(frozen=True, slots=True, eq=False)
class Onsets:
    """Moments of one prompt compared with its truths.

    Attributes:
        errors_s: float64 (k,), |start of the truth - start of the moment with the highest IoU|, for each truth that a
            moment overlaps.
        ious: float64 (m,), the IoU of each truth with that moment; 0 if missed.
        missed: How many truths no moment overlaps.
        false_moments: How many moments overlap no truth.
    """

    errors_s: Times
    ious: Reals
    missed: int
    false_moments: int


def onsets(windows: Times, truths: Times) -> Onsets:
    """Return how the starts of ``windows`` (n, 2) agree with those of ``truths`` (m, 2), both in seconds.

    One moment may be the best of two truths. On a tie the first moment counts.
    """
    shares = iou_matrix(truths, windows)
    if not shares.size:
        return Onsets(np.empty(0), np.zeros(len(truths)), len(truths), len(windows))
    best = shares.argmax(axis=1)
    ious: Reals = shares.max(axis=1)
    met = ious > 0
    errors = np.abs(truths[met, 0] - windows[best[met], 0])
    return Onsets(errors, ious, int((~met).sum()), int((shares.max(axis=0) == 0).sum()))


def mean_iou_f1(queries: Sequence[Query]) -> float:
    """Return F1 of moments against truths, averaged over IoU 0.5:0.05:0.95, over all queries together.

    F1 = 2 x matched / (moments + truths), matched as for mAP. A sweep uses it instead of mAP, because mAP forgives
    false moments that rank below the true ones and ignores prompts that never appear, so it would always choose the
    lowest threshold. No moments and no truths give 1.
    """
    things = sum(len(query.windows) + len(query.truths) for query in queries)
    if not things:
        return 1.0
    return 2 * sum(_matches(query) for query in queries) / (things * len(IOUS))


def _matches(query: Query) -> int:
    """Return the number of matched windows, summed over all IoUs."""
    shares = iou_matrix(query.windows, query.truths)
    near = shares >= min(IOUS)
    if not near.any():
        return 0
    if near.sum(axis=0).max() == near.sum(axis=1).max() == 1:  # whom nobody else could take is matched
        return int((shares[near][:, None] >= np.array(IOUS)).sum())
    return sum(int((matched(query, iou) >= 0).sum()) for iou in IOUS)


@dataclass(frozen=True, slots=True)
class Metrics:
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

    The order of the moments is kept for equal peaks. Those of other prompts are left out.
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


def metrics_of(moments: Sequence[Moment], truth: Truth) -> tuple[Metrics, tuple[Metrics, ...]]:
    """Return the metrics over all prompts of the ground truth, and those of each in its order; see ``queries_of``."""
    queries = queries_of(moments, truth)
    return _metrics("", list(queries.values())), tuple(_metrics(prompt, [query]) for prompt, query in queries.items())


def _metrics(prompt: str, queries: Sequence[Query]) -> Metrics:
    starts = [onsets(query.windows, query.truths) for query in queries]
    errors = np.array([error for each in starts for error in each.errors_s])
    ious = np.array([iou for each in starts for iou in each.ious])
    return Metrics(
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
        missed=sum(each.missed for each in starts),
        false_moments=sum(each.false_moments for each in starts),
    )


@dataclass(frozen=True, slots=True)
class Match:
    """An interval of one side, and the interval of the other side with the highest IoU.

    Attributes:
        best: The other one, the first of equal ones; None if none overlaps.
        iou: Temporal intersection over union of the two, in [0, 1].
    """

    interval: Moment | Span
    best: Moment | Span | None
    iou: float


def best_matches(
    intervals: Sequence[Moment | Span], others: Sequence[Moment | Span], prompts: Sequence[str]
) -> list[Match]:
    """Return the best of ``others`` for each interval, in order.

    An interval of one of ``prompts`` is only compared with others of that prompt, any other interval with all.
    """
    known, asked = set(prompts), np.array([other.prompt for other in others], object)
    tables = [as_intervals((each.start_s, each.end_s) for each in side) for side in (intervals, others)]
    found = []
    for interval, ious in zip(intervals, iou_matrix(*tables), strict=True):
        if interval.prompt in known:
            ious[asked != interval.prompt] = 0.0
        place = int(ious.argmax()) if ious.any() else None
        found.append(
            Match(interval, None, 0.0) if place is None else Match(interval, others[place], float(ious[place]))
        )
    return found
