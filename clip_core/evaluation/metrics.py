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

from clip_core.evaluation.intervals import iou_matrix
from clip_core.types import Times

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
    scores: Times
    truths: Times

    def __post_init__(self) -> None:
        if self.windows.shape != (len(self.scores), 2):
            raise ValueError(f"windows must be ({len(self.scores)}, 2), as there are scores, not {self.windows.shape}")
        if self.truths.ndim != 2 or self.truths.shape[1] != 2:
            raise ValueError(f"truths must be (m, 2), not {self.truths.shape}")


def recall_at_1(queries: Sequence[Query], iou: float) -> float | None:
    """Return R1: the share of queries whose first window reaches ``iou`` with a truth.

    Args:
        queries: Those without truths are left out.
        iou: From 0 to 1; an equal IoU reaches it.

    Returns:
        From 0 to 1; None if no query has a truth.
    """
    asked = [query for query in queries if len(query.truths)]
    if not asked:
        return None
    return sum(_first_hits(query, iou) for query in asked) / len(asked)


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
    """Return mAP: average precision, averaged over the queries and over ``ious``.

    Args:
        queries: Those without truths are left out.
        ious: From 0 to 1; a single one gives the mAP at it.
        most_windows: Only the first windows of each query are used, at most this many; None: all.

    Returns:
        From 0 to 1; None if no query has a truth.
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
    ious: Times
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
    ious: Times = shares.max(axis=1)
    met = ious > 0
    errors = np.abs(truths[met, 0] - windows[best[met], 0])
    return Onsets(errors, ious, int((~met).sum()), int((shares.max(axis=0) == 0).sum()))
