"""Write the report of a video: its chart, its moments and their thumbnails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clip_core.analysis.export_bundle import ExportBundle
from clip_core.charts.timeline import still_figure
from clip_core.charts.view import Line, Timeline
from clip_core.export.html_report import Report, report_html
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.smoothing import width_s
from clip_core.text import clock, short_prompt, value_text
from clip_core.types import Moment, Unit, VideoRecord

MARGIN = 0.05
"""Margin above and below the curves, as a fraction of their range."""


def timeline_of(detection: MomentDetection, moments: Sequence[Moment]) -> Timeline:
    """Return the chart of a detection in its default view: all prompts, all scores, light theme."""
    smoothed, settings = detection.smoothed, detection.settings
    low, high = (float(smoothed.min()), float(smoothed.max())) if smoothed.size else (0.0, 1.0)
    room = MARGIN * (high - low) or 0.5
    lines = [Line(prompt, number) for number, prompt in enumerate(detection.scores.prompts)]
    return Timeline(
        scores=detection.scores,
        smoothed=smoothed,
        moments=moments,
        candidates=detection.candidates,
        lines=lines,
        threshold=settings.threshold or 0.0,
        score_range=(low - room, high + room),
        raw=width_s(settings, detection.scores.times_s) > 0,
        unit=detection.scores.unit,
        thresholds=detection.thresholds,
        offsets=detection.offsets if settings.hysteresis > 0 else None,
        shot_boundaries_s=detection.video_scores.shot_boundaries_s,
        time_range=settings.time_range,
    )


MOST_PICTURES = 60
_MADE_OF: Mapping[Unit, str] = {
    "cosine": "cosine similarity",
    "corrected": "cosine similarity, less what 300 neutral texts score on the same frame,",
}


def make_report(bundle: ExportBundle, view: Timeline, thumbnails: Mapping[float, bytes], note: str = "") -> str:
    """Return the report as one HTML page.

    Args:
        bundle: What to report.
        view: The chart.
        thumbnails: Time of a peak → JPEG; any may be missing.
        note: An extra remark for the reader.
    """
    found, record, moments = bundle.detection, bundle.record, bundle.moments
    pictures = {place: thumbnails[m.peak_s] for place, m in enumerate(moments) if m.peak_s in thumbnails}
    return report_html(
        Report(
            title=f"Moments of {record.name}",
            video=_video_facts(record),
            model=bundle.model,
            settings=found.settings.as_mapping(),
            moments=moments,
            unit=found.scores.unit,
            thumbnails=pictures,
            figure=still_figure(replace(view, theme="light")),
            dark_figure=still_figure(replace(view, theme="dark")),
            notes=[*_notes(bundle), *([note] if note else [])],
        )
    )


def _video_facts(record: VideoRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "length": clock(record.table.end_s),
        "picture": f"{record.width} × {record.height}",
        "frames": len(record.table),
        "container": record.container,
        "codec": record.codec,
        "SHA-256": record.video_id,
    }


def _notes(bundle: ExportBundle) -> Iterator[str]:
    """Yield what a reader must know to judge how far the moments can be trusted."""
    found, encoder = bundle.detection, bundle.encoder
    unit = found.scores.unit
    of = _MADE_OF.get(unit, f"{unit} of cosine similarity")
    samples = f"{len(found.scores):,} sampled frames" + ("" if found.scores.complete else ", not indexed to the end")
    yield f"Scores are {of} under the model {encoder.name or encoder.id}, of {samples}."
    if bundle.pictures is not None:
        yield f"The prompts are pictures, not texts: {', '.join(map(short_prompt, bundle.pictures)) or 'none'}."
    limits = found.thresholds.items()
    thresholds = [f"{short_prompt(prompt)} {value_text(threshold, unit)}" for prompt, threshold in limits]
    none = "No prompt is sure to be there." if found.not_sure else "No prompt is flagged."
    yield f"Thresholds in {unit}: {'; '.join(thresholds)}." if thresholds else none
    for prompt, verdict in found.verdicts.items():
        if prompt not in found.settings.unflagged:
            yield f"{short_prompt(prompt)}: {verdict.kind}. {verdict.reason}"
    yield _judged(bundle)


def _judged(bundle: ExportBundle) -> str:
    verdicts = [r.annotation.verdict for r in bundle.judged if r.annotation is not None]
    if not verdicts:
        return "No moment was judged by hand: all are as computed."
    names = (("accepted", "accepted"), ("rejected", "rejected"), ("added", "added"), ("", "changed"))
    counts = [f"{verdicts.count(verdict)} {name}" for verdict, name in names if verdict in verdicts]
    return f"Judged by hand: {', '.join(counts)}, of {len(bundle.judged)}. Rejected ones count no more."
