"""All that was found in a video → one HTML page, with the pictures of the peaks and the chart in both themes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from clip_core.charts.timeline import Timeline, still_figure
from clip_core.export.report import Report, report_html
from clip_core.pipeline.write_outcome import Outcome
from clip_core.text import clock, short_prompt, value_text
from clip_core.values import Unit, VideoRecord

MOST_PICTURES = 60
_MADE_OF: Mapping[Unit, str] = {
    "cosine": "cosine similarity",
    "corrected": "cosine similarity, less what 300 neutral texts score on the same frame,",
}


def make_report(outcome: Outcome, view: Timeline, thumbnails: Mapping[float, bytes], note: str = "") -> str:
    """Return the report as one HTML page.

    Args:
        outcome: What is told.
        view: The chart.
        thumbnails: Time of a peak → JPEG; any may be missing.
        note: What else the reader should know.
    """
    found, record, moments = outcome.findings, outcome.record, outcome.moments
    pictures = {place: thumbnails[m.peak_s] for place, m in enumerate(moments) if m.peak_s in thumbnails}
    return report_html(
        Report(
            title=f"Moments of {record.name}",
            video=_video_facts(record),
            model=outcome.model,
            settings=found.recipe.as_mapping(),
            moments=moments,
            unit=found.scores.unit,
            thumbnails=pictures,
            figure=still_figure(replace(view, theme="light")),
            dark_figure=still_figure(replace(view, theme="dark")),
            notes=[*_notes(outcome), *([note] if note else [])],
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


def _notes(outcome: Outcome) -> Iterator[str]:
    """What a reader must know to trust the moments or not."""
    found, encoder = outcome.findings, outcome.encoder
    unit = found.scores.unit
    of = _MADE_OF.get(unit, f"{unit} of cosine similarity")
    samples = f"{len(found.scores):,} sampled frames" + ("" if found.scores.complete else ", not indexed to the end")
    yield f"Scores are {of} under the model {encoder.name or encoder.id}, of {samples}."
    if outcome.pictures is not None:
        yield f"The prompts are pictures, not texts: {', '.join(map(short_prompt, outcome.pictures)) or 'none'}."
    cuts = [f"{short_prompt(prompt)} {value_text(cut, unit)}" for prompt, cut in found.thresholds.items()]
    none = "No prompt is sure to be there." if found.not_sure else "No prompt is flagged."
    yield f"Thresholds in {unit}: {'; '.join(cuts)}." if cuts else none
    for prompt, verdict in found.verdicts.items():
        if prompt not in found.recipe.unflagged:
            yield f"{short_prompt(prompt)}: {verdict.kind}. {verdict.reason}"
    yield _judged(outcome)


def _judged(outcome: Outcome) -> str:
    verdicts = [r.edit.verdict for r in outcome.judged if r.edit is not None]
    if not verdicts:
        return "No moment was judged by hand: all are as computed."
    names = (("accepted", "accepted"), ("rejected", "rejected"), ("added", "added"), ("", "changed"))
    counts = [f"{verdicts.count(verdict)} {name}" for verdict, name in names if verdict in verdicts]
    return f"Judged by hand: {', '.join(counts)}, of {len(outcome.judged)}. Rejected ones count no more."
