"""Precision and recall of the seconds that each threshold flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.intervals import covered_s
from clip_core.types import Floats, Reals, Times


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """What each threshold flags.

    Attributes:
        thresholds: float64 (k,), decreasing: the distinct scores.
        precision: float64 (k,), the share of the flagged seconds that are true, from 0 to 1.
        recall: float64 (k,), the share of the true seconds that are flagged, increasing to 1; 0 if nothing is true.
        average_precision: Sum of precision x increase of recall, without interpolation; None if nothing is true.
    """

    thresholds: Reals
    precision: Reals
    recall: Reals
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
    """The curve of one prompt, float32 (n,), and how many seconds of each sample are true and false, float64 (n,)."""

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

    A prompt without truths only adds falsely flagged time.
    """
    scores = np.concatenate([np.empty(0, np.float32), *(part.scores for part in parts)])
    true_s = np.concatenate([np.empty(0), *(part.true_s for part in parts)])
    false_s = np.concatenate([np.empty(0), *(part.false_s for part in parts)])
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
