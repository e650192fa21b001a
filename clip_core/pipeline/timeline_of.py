"""From findings to what their chart shows, before anybody has changed its view."""

from __future__ import annotations

from collections.abc import Sequence

from clip_core.charts.timeline import Line, Timeline
from clip_core.scoring.findings import Findings
from clip_core.scoring.smoothing import width_s
from clip_core.values import Moment

MARGIN = 0.05
"""Room above and below the curves, in parts of their range."""


def timeline_of(findings: Findings, moments: Sequence[Moment]) -> Timeline:
    """The chart of findings as nobody has changed its view: all prompts, all scores, light."""
    smoothed, recipe = findings.smoothed, findings.recipe
    low, high = (float(smoothed.min()), float(smoothed.max())) if smoothed.size else (0.0, 1.0)
    room = MARGIN * (high - low) or 0.5
    lines = [Line(prompt, number) for number, prompt in enumerate(findings.scores.prompts)]
    return Timeline(
        scores=findings.scores,
        smoothed=smoothed,
        moments=moments,
        candidates=findings.candidates,
        lines=lines,
        threshold=recipe.threshold or 0.0,
        score_range=(low - room, high + room),
        raw=width_s(recipe, findings.scores.times_s) > 0,
        unit=findings.scores.unit,
        thresholds=findings.thresholds,
        offsets=findings.offsets if recipe.hysteresis > 0 else None,
        cuts_s=findings.evidence.cuts_s,
        time_range=recipe.time_range,
    )
