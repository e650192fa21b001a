"""Precision and recall over the threshold, in seconds of the video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.intervals import covered_s
from clip_core.values import Floats, Times


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecall:
    """What each threshold flags.

    Attributes:
        thresholds: float64 (k,), falling: the scores that occur, each once.
        precision: float64 (k,), of the flagged seconds the true ones, from 0 to 1.
        recall: float64 (k,), of the true seconds the flagged ones, rising to 1. All 0 if nothing is true.
        average_precision: Sum of precision x rise of recall, without interpolation; None if nothing is true.
    """

    thresholds: Times
    precision: Times
    recall: Times
    average_precision: float | None

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall under one threshold; (0, 0) if it flags nothing."""
        flagged = int(np.searchsorted(-self.thresholds, -float(np.float32(threshold)), side="right"))
        return (float(self.precision[flagged - 1]), float(self.recall[flagged - 1])) if flagged else (0.0, 0.0)

    def thinned(self, most: int) -> PrecisionRecall:
        """The same curve with at most ``most`` >= 2 points to draw, its first and last among them."""
        if len(self.thresholds) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.thresholds) - 1, most).round().astype(np.int64))
        return PrecisionRecall(self.thresholds[kept], self.precision[kept], self.recall[kept], self.average_precision)


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """The curve of one prompt, and for each sample how many of its seconds are true.

    Attributes:
        scores: float32 (n,).
        true_s, false_s: float64 (n,): together the seconds that the sample stands for.
    """

    scores: Floats
    true_s: Times
    false_s: Times


def timed(scores: Floats, left: Times, right: Times, truths: Times) -> Timed:
    """Weigh the samples of a prompt by the time that each stands for; a span that a truth cuts counts for both sides.

    Args:
        scores: float32 (n,), as the threshold meets them, so smoothed.
        left, right: float64 (n,), the span of each sample in seconds. What no sample stands for is not judged.
        truths: float64 (m, 2); overlaps count once.
    """
    true_s = covered_s(left, right, truths)
    return Timed(scores, true_s, np.maximum(right - left - true_s, 0.0))


def precision_recall(parts: Sequence[Timed]) -> PrecisionRecall:
    """Return the curve of one prompt, or of several together under the same threshold.

    Args:
        parts: One for each prompt. One without truth only adds what is falsely flagged.
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
