"""The export formats of moments and scores, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec

from clip_core.export.data_files import (
    moments_csv,
    moments_json,
    moments_qvhighlights,
    scores_csv,
    scores_jsonl,
    scores_parquet,
)
from clip_core.export.source import Source
from clip_core.export.timelines import moments_edl, moments_fcpxml, moments_otio, moments_srt, moments_vtt
from clip_core.types import Moment, Scores, TimeTable

Written = ParamSpec("Written")


@dataclass(frozen=True)
class MomentExport:
    """The moments of a video and the settings that made them.

    Attributes:
        moments: In the order to write; timelines and chapters sort them by time.
        source: The video.
        prompts: All prompts, including those without a moment.
        settings: The settings that made the moments, as JSON values; "unit" is the unit of peak and mean.
        table: The presentation times of the video's frames, for frame numbers.
    """

    moments: Sequence[Moment]
    source: Source
    prompts: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    table: TimeTable | None = None


@dataclass(frozen=True)
class Format(Generic[Written]):
    """One row of a table of formats; menus, help, checks and file names are built from the tables.

    Attributes:
        file_name: The default file name.
        mime: The MIME type.
        title: The name to show.
        write: Returns the content of the file; text is encoded as UTF-8.
        counts_frames: Whether its times are frames at ``Source.timeline_rate``, so that ``Source.note`` applies.
    """

    file_name: str
    mime: str
    title: str
    write: Callable[Written, str | bytes]
    counts_frames: bool = False


MOMENT_FORMATS: Mapping[str, Format[[MomentExport]]] = {
    "csv": Format(
        "moments.csv", "text/csv", "CSV",
        lambda f: moments_csv(f.moments, f.source.name, str(f.settings.get("unit", "")), f.table),
    ),
    "json": Format(
        "moments.json", "application/json", "JSON",
        lambda f: moments_json(f.moments, f.source, f.settings),
    ),
    "vtt": Format(
        "moments.vtt", "text/vtt", "WebVTT chapters", lambda f: moments_vtt(f.moments, f.source.first_frame_s)
    ),
    "srt": Format(
        "moments.srt", "application/x-subrip", "SRT subtitles",
        lambda f: moments_srt(f.moments, f.source.first_frame_s),
    ),
    "edl": Format(
        "moments.edl", "text/plain", "EDL (CMX 3600)",
        lambda f: moments_edl(f.moments, f.source, f.settings), counts_frames=True,
    ),
    "fcpxml": Format(
        "moments.fcpxml", "application/xml", "Final Cut Pro XML",
        lambda f: moments_fcpxml(f.moments, f.source, f.settings), counts_frames=True,
    ),
    "otio": Format(
        "moments.otio", "application/json", "OpenTimelineIO",
        lambda f: moments_otio(f.moments, f.source, f.settings), counts_frames=True,
    ),
    "qvhighlights": Format(
        "moments.qvhighlights.jsonl", "application/jsonl", "QVHighlights predictions",
        lambda f: moments_qvhighlights(f.moments, f.prompts, f.source.name),
    ),
}  # fmt: skip
SCORE_FORMATS: Mapping[str, Format[[Scores, Mapping[str, Any]]]] = {
    "csv": Format("scores.csv", "text/csv", "CSV", lambda scores, _: scores_csv(scores)),
    "parquet": Format("scores.parquet", "application/vnd.apache.parquet", "Parquet", scores_parquet),
    "jsonl": Format("scores.jsonl", "application/jsonl", "JSON Lines", lambda scores, _: scores_jsonl(scores)),
}


def write_moments(kind: str, detection: MomentExport) -> bytes:
    """Return the content of a moments file; ``kind`` is a key of ``MOMENT_FORMATS``.

    Raises:
        ValueError: The kind is unknown, or the settings cannot be written as JSON.
    """
    return _written(MOMENT_FORMATS, kind, detection)


def write_scores(kind: str, scores: Scores, settings: Mapping[str, Any]) -> bytes:
    """Return the content of a scores file; ``kind`` is a key of ``SCORE_FORMATS``. Only Parquet includes the settings.

    Raises:
        ValueError: As ``write_moments``.
    """
    return _written(SCORE_FORMATS, kind, scores, settings)


def _written(
    formats: Mapping[str, Format[Written]], kind: str, *what: Written.args, **options: Written.kwargs
) -> bytes:
    if kind not in formats:
        raise ValueError(f"there is no format {kind!r}; there are {', '.join(formats)}")
    content = formats[kind].write(*what, **options)
    return content if isinstance(content, bytes) else content.encode()
