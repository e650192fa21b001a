"""The formats that moments and scores can be written in, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clip_core.export.csv_files import moments_csv, scores_csv
from clip_core.export.edl import moments_edl
from clip_core.export.fcpxml import moments_fcpxml
from clip_core.export.json_files import moments_json, moments_qvhighlights, scores_jsonl
from clip_core.export.otio_file import moments_otio
from clip_core.export.parquet import scores_parquet
from clip_core.export.source import Source
from clip_core.export.subtitles import moments_srt, moments_vtt
from clip_core.values import Moment, Scores


@dataclass(frozen=True)
class Findings:
    """What was found in a video, and how.

    Attributes:
        moments: In the order to write them in; timelines and chapters sort them by time.
        source: The video.
        prompts: What was asked for, also without a moment.
        settings: All that made them, as JSON can carry it; its "unit" says what peak and mean are.
    """

    moments: Sequence[Moment]
    source: Source
    prompts: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """How one kind of file is written.

    Attributes:
        file_name: The constant name of such a file.
        mime: What a browser calls it.
        title: To show.
        counts_frames: Whether its times are frames of ``Source.timeline_rate``, so that ``Source.note`` concerns it.
    """

    file_name: str
    mime: str
    title: str
    counts_frames: bool = False


MOMENT_FORMATS: Mapping[str, Format] = {
    "csv": Format("moments.csv", "text/csv", "CSV"),
    "json": Format("moments.json", "application/json", "JSON"),
    "vtt": Format("moments.vtt", "text/vtt", "WebVTT chapters"),
    "srt": Format("moments.srt", "application/x-subrip", "SRT subtitles"),
    "edl": Format("moments.edl", "text/plain", "EDL (CMX 3600)", counts_frames=True),
    "fcpxml": Format("moments.fcpxml", "application/xml", "Final Cut Pro XML", counts_frames=True),
    "otio": Format("moments.otio", "application/json", "OpenTimelineIO", counts_frames=True),
    "qvhighlights": Format("moments.qvhighlights.jsonl", "application/jsonl", "QVHighlights predictions"),
}
SCORE_FORMATS: Mapping[str, Format] = {
    "csv": Format("scores.csv", "text/csv", "CSV"),
    "parquet": Format("scores.parquet", "application/vnd.apache.parquet", "Parquet"),
    "jsonl": Format("scores.jsonl", "application/jsonl", "JSON Lines"),
}
_MOMENT_WRITERS: Mapping[str, Callable[[Findings], str]] = {
    "csv": lambda f: moments_csv(f.moments, f.source.name, str(f.settings.get("unit", ""))),
    "json": lambda f: moments_json(f.moments, f.source, f.settings),
    "vtt": lambda f: moments_vtt(f.moments),
    "srt": lambda f: moments_srt(f.moments),
    "edl": lambda f: moments_edl(f.moments, f.source, f.settings),
    "fcpxml": lambda f: moments_fcpxml(f.moments, f.source, f.settings),
    "otio": lambda f: moments_otio(f.moments, f.source, f.settings),
    "qvhighlights": lambda f: moments_qvhighlights(f.moments, f.prompts, f.source.name),
}


def write_moments(kind: str, findings: Findings) -> bytes:
    """Return the findings as a file of a kind in ``MOMENT_FORMATS``, UTF-8.

    Raises:
        ValueError: There is no such kind, or the settings cannot be written as JSON.
    """
    _check(kind, MOMENT_FORMATS)
    return _MOMENT_WRITERS[kind](findings).encode()


def write_scores(kind: str, scores: Scores, settings: Mapping[str, Any]) -> bytes:
    """Return scores as a file of a kind in ``SCORE_FORMATS``; only Parquet has room for the settings.

    Raises:
        ValueError: As ``write_moments``.
    """
    _check(kind, SCORE_FORMATS)
    if kind == "parquet":
        return scores_parquet(scores, settings)
    return (scores_csv(scores) if kind == "csv" else scores_jsonl(scores)).encode()


def _check(kind: str, known: Mapping[str, Format]) -> None:
    if kind not in known:
        raise ValueError(f"there is no format {kind!r}; there are {', '.join(known)}")
