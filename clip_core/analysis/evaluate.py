"""Evaluate detected moments against ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from clip_core.charts.view import Bar, BarLook
from clip_core.evaluation.ground_truth import Span, Truth, fit_truth
from clip_core.evaluation.metrics import Match, Metrics, Query, best_matches, metrics_of, queries_of
from clip_core.evaluation.precision_recall import PrecisionRecall, precision_recall, timed
from clip_core.evaluation.sweep import Grid, Setting, SweepCell, sweep
from clip_core.scoring.detection import MomentDetection, convert_threshold, detect
from clip_core.scoring.smoothing import width_s
from clip_core.scoring.spans import shown_spans
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.types import Floats, Moment, Unit

SMOOTHINGS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
MIN_DURATIONS_S = (0.0, 1.0, 2.0)
THRESHOLDS = 12
LEAST_Z, USUAL_Z = 1.0, 6.0
"""Common thresholds start well above the median, which would flag half of the video, and in z reach at least 6."""
STEPS: Mapping[Unit, float] = {
    "corrected": 0.005, "cosine": 0.005, "z": 0.1, "percentile": 0.1, "margin": 0.005, "softmax": 0.01
}  # fmt: skip
"""Thresholds are multiples of this step, so that the page's slider can be set to them."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well moments agree with ground truth.

    Attributes:
        moments: Those of the evaluated prompts, in their order.
        truth: The ground truth, fitted to the video.
        overall: The metrics over all prompts.
        prompts: Those of each prompt of the ground truth.
        curves: Prompt → precision and recall by threshold; "" → all prompts together under one threshold.
        warnings: What was left out of the ground truth or changed, one sentence each.
    """

    detection: MomentDetection
    moments: tuple[Moment, ...]
    truth: Truth
    overall: Metrics
    prompts: tuple[Metrics, ...]
    curves: Mapping[str, PrecisionRecall]
    warnings: tuple[str, ...]


def evaluate(detection: MomentDetection, truth: Truth, moments: Sequence[Moment] | None = None) -> Evaluation:
    """Evaluate the moments of one video.

    Args:
        detection: The detected moments. Prompts that the settings do not flag are not evaluated.
        truth: The ground truth of the video; what does not fit is left out with a warning, see ``fit_truth``.
        moments: Evaluated in place of ``detection.moments``, such as the moments after annotation.

    Raises:
        TruthError: The ground truth covers none of these prompts.
    """
    scores, settings = detection.scores, detection.settings
    flagged = [prompt for prompt in scores.prompts if prompt not in settings.unflagged]
    fitted, warnings = fit_truth(truth, flagged, scores.end_s)
    prompts = set(fitted.prompts)
    kept = [m for m in (detection.moments if moments is None else moments) if m.prompt in prompts]
    overall, each = metrics_of(kept, fitted)
    return Evaluation(detection, tuple(kept), fitted, overall, each, _curves(detection, fitted), tuple(warnings))


def sweep_settings(settings: Settings, video_scores: VideoScores, truth: Truth, grid: Grid) -> Iterator[SweepCell]:
    """Try each setting of ``grid`` in place of the current one; yield a cell as soon as it has its score.

    The other settings stay, but all prompts share the tried threshold and combinations are left out. Each smoothing is
    computed once, and moments once per threshold; short moments are then filtered out. With padding this would differ,
    as padding stops halfway to a neighbour that may be dropped, so detection is repeated for each minimum duration.
    ``truth`` is fitted to the video, as ``Evaluation.truth``.
    """
    idle = tuple(prompt for prompt in video_scores.raw.prompts if prompt not in truth.prompts)
    base = replace(settings, thresholds={}, unflagged=idle, combinations=())
    curves: dict[float, Floats] = {}
    known: dict[tuple[float, float | None, float], list[Moment]] = {}

    def found(setting: Setting) -> list[Query]:
        drop_in_find = setting.min_duration_s if base.pad_s > 0 else 0.0
        key = (setting.smoothing_s, setting.threshold, drop_in_find)
        if key not in known:
            tried = replace(base, smoothing_s=key[0], smoothing_samples=None, threshold=key[1], min_duration_s=key[2])
            detection = detect(tried, video_scores, smoothed=curves.get(setting.smoothing_s))
            known.clear()
            curves.clear()
            known[key], curves[setting.smoothing_s] = detection.moments, detection.smoothed
        shortest_s = 0.0 if drop_in_find else setting.min_duration_s - 1e-9  # as in moments.apply_rules
        kept = [moment for moment in known[key] if moment.duration_s >= shortest_s]
        return list(queries_of(kept, truth).values())

    return sweep(grid, found)


def usual_grid(settings: Settings, video_scores: VideoScores) -> Grid:
    """Return what is worth trying: the current settings, automatic thresholds, and common ones above the medians."""
    common = _common_thresholds(settings.unit, video_scores)
    if settings.threshold is not None:
        common.add(float(settings.threshold))
    return Grid(
        tuple(sorted({*SMOOTHINGS_S, width_s(settings, video_scores.raw.times_s)})),
        (None, *sorted(common)),
        tuple(sorted({*MIN_DURATIONS_S, float(settings.min_duration_s)})),
    )


def _common_thresholds(unit: Unit, video_scores: VideoScores) -> set[float]:
    """Return thresholds from one deviation above the prompts' medians to the highest scores, in the unit."""
    low = convert_threshold(LEAST_Z, "z", unit, video_scores)
    if low is None:
        return set()
    values = video_scores.scale.values(unit)
    high = float(np.quantile(values, 0.999))
    if unit == "z":
        thresholds = np.geomspace(low, max(high, USUAL_Z), THRESHOLDS)
    else:
        thresholds = np.linspace(low, max(high, low), THRESHOLDS)
    step = STEPS[unit]
    return {round(round(float(threshold) / step) * step, 3) for threshold in thresholds}


def _curves(detection: MomentDetection, truth: Truth) -> dict[str, PrecisionRecall]:
    scores, smoothed = detection.scores, detection.smoothed
    spans = shown_spans(scores)
    parts = {
        prompt: timed(smoothed[:, scores.prompts.index(prompt)], spans.left, spans.right, truth.intervals(prompt))
        for prompt in truth.prompts
    }
    each = {prompt: precision_recall([part]) for prompt, part in parts.items()}
    return {"": precision_recall(list(parts.values()))} | each


@dataclass(frozen=True, slots=True)
class Agreement:
    """Spans of the ground truth and detected moments, by prompt in the order of the ground truth, then by start.

    Unmatched spans were missed, unmatched moments are false.
    """

    annotations: tuple[Match, ...]
    moments: tuple[Match, ...]


def agreement(moments: Sequence[Moment], truth: Truth) -> Agreement:
    """Compare moments with ground truth of the same video. Any overlap is a match, as in ``onsets``.

    Moments of prompts that the ground truth does not contain are left out.
    """
    annotations: list[Match] = []
    found: list[Match] = []
    for prompt in truth.prompts:
        spans, own = (
            sorted((each for each in side if each.prompt == prompt), key=lambda each: (each.start_s, each.end_s))
            for side in (truth.spans, moments)
        )
        annotations += best_matches(spans, own, [prompt])
        found += best_matches(own, spans, [prompt])
    return Agreement(tuple(annotations), tuple(found))


def evaluation_bars(compared: Agreement | None, moments: Sequence[Moment]) -> list[Bar]:
    """Return the bars of what was evaluated (None: nothing yet), and "not judged" ones of the other moments."""
    truth, found = ((), ()) if compared is None else (compared.annotations, compared.moments)
    evaluated = {match.interval.prompt for match in (*truth, *found)}
    return [
        *(_bar(match.interval, "truth", "missed" if match.best is None else "matched") for match in truth),
        *(_bar(match.interval, "found", "false" if match.best is None else "matched") for match in found),
        *(_bar(moment, "found", "not judged") for moment in moments if moment.prompt not in evaluated),
    ]


def _bar(interval: Moment | Span, lane: Literal["truth", "found"], look: BarLook) -> Bar:
    return Bar(interval.prompt, interval.start_s, interval.end_s, lane, look)
