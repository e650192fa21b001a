"""From scores and a truth to what the moments are worth, and to the settings that would make them worth more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.judge import Judgement, judge, queries_of
from clip_core.evaluation.metrics import Query
from clip_core.evaluation.precision_recall import PrecisionRecall, precision_recall, timed
from clip_core.evaluation.sweep import Cell, Grid, Setting, sweep
from clip_core.evaluation.truth import Truth, fit_truth
from clip_core.scoring.moments import find_moments
from clip_core.scoring.smoothing import smooth
from clip_core.scoring.spans import sample_spans
from clip_core.values import Floats, Moment, Scores

SMOOTHINGS_S = (0.0, 0.3, 0.6, 1.0, 2.0, 4.0)
MIN_DURATIONS_S = (0.0, 0.5, 1.0, 2.0)
THRESHOLDS = 20


@dataclass(frozen=True)
class Evaluation:
    """What moments are worth against a truth.

    Attributes:
        setting: How the moments were made.
        moments: Those of the prompts that were judged, ranked by peak.
        truth: What they were judged by, fitted to the video.
        overall: Over all prompts.
        prompts: One judgement for each prompt of the truth.
        curves: Prompt → precision and recall over the threshold; "" → over all, under one threshold.
        warnings: What of the truth was left out or changed, a sentence each.
    """

    setting: Setting
    moments: tuple[Moment, ...]
    truth: Truth
    overall: Judgement
    prompts: tuple[Judgement, ...]
    curves: Mapping[str, PrecisionRecall]
    warnings: tuple[str, ...]


def moments_under(scores: Scores, setting: Setting, smoothed: Floats | None = None) -> list[Moment]:
    """Return the moments of a setting: the one place where settings become moments here.

    Args:
        scores: Raw.
        setting: How.
        smoothed: ``smoothed_under(scores, setting)``, if it is at hand.
    """
    found = find_moments(scores, threshold=setting.threshold, smoothing_s=setting.smoothing_s, smoothed=smoothed)
    return [moment for moment in found if moment.duration_s >= setting.min_duration_s]


def smoothed_under(scores: Scores, setting: Setting) -> Floats:
    """Return the curves that a setting's threshold meets, float32 (n, p)."""
    return smooth(scores, setting.smoothing_s)


def evaluate(scores: Scores, truth: Truth, setting: Setting) -> Evaluation:
    """Judge the moments that a setting finds.

    Args:
        scores: Raw, of one video.
        truth: Of that video; what does not fit is left out with a warning, see ``fit_truth``.
        setting: How curves become moments.

    Raises:
        TruthError: The truth judges none of these prompts.
    """
    fitted, warnings = fit_truth(truth, scores.prompts, scores.end_s)
    smoothed = smoothed_under(scores, setting)
    judged = set(fitted.prompts)
    moments = [moment for moment in moments_under(scores, setting, smoothed) if moment.prompt in judged]
    overall, each = judge(moments, fitted)
    curves = _curves(scores, smoothed, fitted)
    return Evaluation(setting, tuple(moments), fitted, overall, each, curves, tuple(warnings))


def sweep_settings(scores: Scores, truth: Truth, grid: Grid) -> Iterator[Cell]:
    """Try each setting of ``grid``; yields a cell when it has its score. Each smoothing is computed once.

    Args:
        scores: Raw, of one video.
        truth: Fitted to it, as ``Evaluation.truth``.
        grid: What to try, see ``usual_grid``.
    """
    at_hand: dict[float, Floats] = {}

    def found(setting: Setting) -> list[Query]:
        if setting.smoothing_s not in at_hand:
            at_hand.clear()
            at_hand[setting.smoothing_s] = smoothed_under(scores, setting)
        moments = moments_under(scores, setting, at_hand[setting.smoothing_s])
        return list(queries_of(moments, truth).values())

    return sweep(grid, found)


def usual_grid(scores: Scores, setting: Setting) -> Grid:
    """Return what is worth trying: the setting of now, and thresholds over the upper half of the scores."""
    values = scores.values[np.isfinite(scores.values)]
    low, high = np.quantile(values, [0.5, 0.999]).tolist() if len(values) else (setting.threshold,) * 2
    thresholds = {float(f"{cut:.3g}") for cut in np.linspace(low, high, THRESHOLDS)} | {setting.threshold}
    return Grid(
        tuple(sorted({*SMOOTHINGS_S, setting.smoothing_s})),
        tuple(sorted(thresholds)),
        tuple(sorted({*MIN_DURATIONS_S, setting.min_duration_s})),
    )


def _curves(scores: Scores, smoothed: Floats, truth: Truth) -> dict[str, PrecisionRecall]:
    spans = sample_spans(scores.times_s, scores.start_s, scores.end_s)
    parts = {
        prompt: timed(smoothed[:, scores.prompts.index(prompt)], spans.left, spans.right, truth.intervals(prompt))
        for prompt in truth.prompts
    }
    each = {prompt: precision_recall([part]) for prompt, part in parts.items()}
    return {"": precision_recall(list(parts.values()))} | each
