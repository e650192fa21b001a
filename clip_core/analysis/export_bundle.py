"""Export moments, scores, spikes and ground truth of a video, and its report, with the settings that produced them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from clip_core.analysis.annotations import Reviewed
from clip_core.analysis.score_prompts import unread_notes
from clip_core.charts.timeline import still_figure
from clip_core.charts.view import Line, Timeline
from clip_core.encoders.base import ShownEncoder
from clip_core.errors import VideoError
from clip_core.evaluation.ground_truth import Truth
from clip_core.export import formats
from clip_core.export.data_files import csv_text, harmless, spikes_csv
from clip_core.export.html_report import Report, report_html
from clip_core.export.selection import Selection, select_from_one
from clip_core.export.source import Source, source_of
from clip_core.library.identify import placed
from clip_core.scoring.curve_features import Spike
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.smoothing import width_s
from clip_core.text import clock, short_prompt, value_text
from clip_core.types import Moment, Unit, VideoRecord
from clip_core.video.sequence import parse_sequence

MARGIN = 0.05
"""Above and below the curves of a report, as a fraction of their range."""
MOST_PICTURES = 60
_MADE_OF: Mapping[Unit, str] = {
    "cosine": "cosine similarity",
    "corrected": "cosine similarity, less what 300 neutral texts score on the same frame,",
}


@dataclass(frozen=True, eq=False)
class ExportBundle:
    """Everything that an exported file is made from.

    Attributes:
        moments: The moments to write, in this order.
        path: Where the video lies now.
        reviewed: All moments with their annotations, rejected ones too; empty if annotations are not used.
        pictures: Names of the pictures that serve as prompts; None if the prompts are texts.
    """

    detection: MomentDetection
    moments: Sequence[Moment]
    record: VideoRecord
    path: str
    encoder: ShownEncoder
    reviewed: Sequence[Reviewed] = ()
    pictures: Sequence[str] | None = None

    @property
    def model(self) -> dict[str, str]:
        """Facts about the model by name; empty ones are left out."""
        encoder = self.encoder
        facts = {
            "id": encoder.id, "name": encoder.name, "precision": encoder.precision, "sees": encoder.framing,
            "fingerprint": encoder.fingerprint,
        }  # fmt: skip
        return {name: fact for name, fact in facts.items() if fact}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings, with the model, the thresholds in force and the verdicts."""
        found = self.detection
        return {
            **found.settings.as_mapping(),
            **({} if self.pictures is None else {"pictures": list(self.pictures)}),
            "model": self.model,
            "video_id": self.record.video_id,
            "thresholds_in_force": {prompt: float(threshold) for prompt, threshold in found.thresholds.items()},
            "verdicts": {prompt: verdict.kind for prompt, verdict in found.verdicts.items()},
            "beats_of_null_bank": {prompt: verdict.confidence for prompt, verdict in found.verdicts.items()},
            "judged_by_hand": any(r.annotation is not None for r in self.reviewed),
        }

    @cached_property
    def rate_note(self) -> str:
        """What the user should know about the frame rate of timelines; empty if it is the video's own."""
        return source_of(self.record).note

    @cached_property
    def source(self) -> Source:
        """The video as timelines refer to it, at its current path. Opens the file for its sound, timecode and start.

        An uploaded file is named by its hash, so the source has the name of the file that the user uploaded.
        """
        return source_in_file(placed(self.record, self.path), self.path)

    @property
    def selection(self) -> Selection:
        """The moments as formats are written from them."""
        prompts = dict.fromkeys((*self.detection.scores.prompts, *(moment.prompt for moment in self.moments)))
        return select_from_one(
            self.moments, self.source, self.settings,
            prompts=tuple(prompts), table=self.record.table, video_id=self.record.video_id,
        )  # fmt: skip


def moments_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the moments as a file of a kind in ``MOMENT_FORMATS``; without moments the file is valid too.

    The file lists all prompts of the detection first, then the prompts of other moments (combinations and moments
    added by hand) in their order.

    Raises:
        ValueError: There is no such kind.
    """
    return formats.write_moments(kind, bundle.selection)


def scores_file(kind: str, bundle: ExportBundle) -> bytes:
    """Return the scores, in the unit of the settings and not smoothed, as a file of a kind in ``SCORE_FORMATS``.

    Raises:
        ValueError: There is no such kind.
    """
    return formats.write_scores(kind, bundle.detection.scores, bundle.settings)


def spikes_file(bundle: ExportBundle, spikes: Sequence[Spike]) -> bytes:
    """Return spikes of the curves as CSV with the columns ``data_files.SPIKE_COLUMNS``."""
    rows = ((spike.prompt, spike.time_s, spike.change) for spike in spikes)
    return spikes_csv(rows, bundle.source.name, bundle.detection.scores.unit).encode()


def source_in_file(record: VideoRecord, path: str) -> Source:
    """Return the source with what only its file says; without that if the file cannot be read."""
    if parse_sequence(path) is not None:
        return source_of(record)
    from clip_core.video import file_clock
    from clip_core.video.container_bytes import timecode_base
    from clip_core.video.containers import open_container, video_stream

    try:
        with open_container(Path(path)) as container:
            stream, has_audio = video_stream(container, Path(path)), bool(container.streams.audio)
            timecode = file_clock.start_timecode(container, stream)
            shown_s = file_clock.first_frame_s(container, stream, record.table)
            clock = (shown_s, file_clock.earliest_stream_s(container))
            base = timecode_base(Path(path), stream.id) if record.container == "mov" else None
    except (VideoError, OSError):
        return source_of(record)
    try:
        return source_of(record, has_audio, timecode, *clock, base)
    except ValueError:  # a timecode that counts in another rate than the video
        return source_of(record, has_audio, "", *clock)


def truth_csv(truth: Truth) -> str:
    """Return ground truth as CSV: prompt, start_s, end_s (6 decimals); a prompt that never occurs has empty times."""
    rows = [(harmless(span.prompt), f"{span.start_s:.6f}", f"{span.end_s:.6f}") for span in truth.spans]
    absent = [(harmless(absence.prompt), "", "") for absence in truth.absent]
    return csv_text([("prompt", "start_s", "end_s"), *rows, *absent])


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


def make_report(bundle: ExportBundle, view: Timeline, thumbnails: Mapping[float, bytes], note: str = "") -> str:
    """Return the report as one HTML page, with the chart ``view`` and an extra remark for the reader.

    ``thumbnails`` is the time of a peak → JPEG; any may be missing.
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
    if bundle.pictures is None:
        yield from unread_notes(found.settings.texts, encoder)
    yield _annotation_note(bundle.reviewed)


def _annotation_note(reviewed: Sequence[Reviewed]) -> str:
    verdicts = [each.annotation.verdict for each in reviewed if each.annotation is not None]
    if not verdicts:
        return "No moment was judged by hand: all are as computed."
    names = (("accepted", "accepted"), ("rejected", "rejected"), ("added", "added"), ("", "changed"))
    counts = [f"{verdicts.count(verdict)} {name}" for verdict, name in names if verdict in verdicts]
    return f"Judged by hand: {', '.join(counts)}, of {len(reviewed)}. Rejected ones count no more."
