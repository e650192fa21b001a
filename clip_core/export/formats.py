"""The export formats of moments and scores, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec

from clip_core.export.annotation_tools import labels_fiftyone, labels_labelstudio
from clip_core.export.chapters import chapters_ffmetadata, chapters_youtube, left_out_of_youtube
from clip_core.export.data_files import (
    moments_csv,
    moments_json,
    moments_parquet,
    moments_qvhighlights,
    scores_csv,
    scores_jsonl,
    scores_parquet,
)
from clip_core.export.fcpxml import markers_fcpxml, moments_fcpxml
from clip_core.export.markers import markers_losslesscut, markers_premiere, markers_resolve
from clip_core.export.selection import Selection
from clip_core.export.source import Source
from clip_core.export.timelines import moments_edl, moments_otio, moments_srt, moments_vtt
from clip_core.types import Moment, Scores

Written = ParamSpec("Written")


@dataclass(frozen=True)
class Format(Generic[Written]):
    """One row of a table of formats; menus, help, checks and file names are built from the tables.

    Attributes:
        file_name: The default file name.
        mime: The MIME type.
        title: The name to show.
        write: Returns the content of the file; text is encoded as UTF-8.
        counts_frames: Whether its times are frames at a standard rate, so that ``Selection.note`` applies.
        one_video: Whether it holds the moments of one video only.
        binary: Whether the content is not text.
        left_out: Returns what the format cannot hold of a selection, as sentences, or "".
    """

    file_name: str
    mime: str
    title: str
    write: Callable[Written, str | bytes]
    counts_frames: bool = False
    one_video: bool = False
    binary: bool = False
    left_out: Callable[Written, str] | None = None


def _of_one(write: Callable[[Sequence[Moment], Source], str]) -> Callable[[Selection], str]:
    """Return a function of a selection over one video, from one of its moments and its source."""
    return lambda selection: write(selection.moments, selection.video.source)


MOMENT_FORMATS: Mapping[str, Format[[Selection]]] = {
    "csv": Format("moments.csv", "text/csv", "CSV", moments_csv),
    "json": Format("moments.json", "application/json", "JSON", moments_json),
    "parquet": Format("moments.parquet", "application/vnd.apache.parquet", "Parquet", moments_parquet, binary=True),
    "vtt": Format(
        "moments.vtt", "text/vtt", "WebVTT chapters",
        _of_one(lambda moments, source: moments_vtt(moments, source.first_frame_s)), one_video=True,
    ),
    "srt": Format(
        "moments.srt", "application/x-subrip", "SRT subtitles",
        _of_one(lambda moments, source: moments_srt(moments, source.first_frame_s)), one_video=True,
    ),
    "edl": Format("moments.edl", "text/plain", "EDL (CMX 3600)", moments_edl, counts_frames=True),
    "fcpxml": Format("moments.fcpxml", "application/xml", "Final Cut Pro XML", moments_fcpxml, counts_frames=True),
    "otio": Format("moments.otio", "application/json", "OpenTimelineIO", moments_otio, counts_frames=True),
    "resolve": Format(
        "markers.resolve.edl", "text/plain", "DaVinci Resolve markers", markers_resolve, counts_frames=True
    ),
    "premiere": Format(
        "markers.premiere.xml", "application/xml", "Premiere markers", markers_premiere, counts_frames=True
    ),
    "finalcut": Format(
        "markers.fcpxml", "application/xml", "Final Cut markers", markers_fcpxml, counts_frames=True
    ),
    "losslesscut": Format(
        "moments.losslesscut.csv", "text/csv", "LosslessCut",
        _of_one(lambda moments, source: markers_losslesscut(moments, source.first_frame_s)), one_video=True,
    ),
    "youtube": Format(
        "chapters.youtube.txt", "text/plain", "YouTube chapters",
        _of_one(lambda moments, source: chapters_youtube(moments, source.first_frame_s, source.end_s)),
        one_video=True,
        left_out=_of_one(lambda moments, source: left_out_of_youtube(moments, source.first_frame_s, source.end_s)),
    ),
    "ffmetadata": Format(
        "chapters.ffmetadata", "text/plain", "FFmpeg chapters",
        _of_one(lambda moments, source: chapters_ffmetadata(moments, source.first_frame_s)), one_video=True,
    ),
    "labelstudio": Format("labelstudio.json", "application/json", "Label Studio", labels_labelstudio),
    "fiftyone": Format("labels.json", "application/json", "FiftyOne", labels_fiftyone),
    "qvhighlights": Format(
        "moments.qvhighlights.jsonl", "application/jsonl", "QVHighlights predictions",
        lambda f: moments_qvhighlights(f.moments, f.prompts, f.video.source.name), one_video=True,
    ),
}  # fmt: skip
SCORE_FORMATS: Mapping[str, Format[[Scores, Mapping[str, Any]]]] = {
    "csv": Format("scores.csv", "text/csv", "CSV", lambda scores, _: scores_csv(scores)),
    "parquet": Format("scores.parquet", "application/vnd.apache.parquet", "Parquet", scores_parquet, binary=True),
    "jsonl": Format("scores.jsonl", "application/jsonl", "JSON Lines", lambda scores, _: scores_jsonl(scores)),
}


def write_moments(kind: str, selection: Selection) -> bytes:
    """Return the content of a moments file; ``kind`` is a key of ``MOMENT_FORMATS``.

    Raises:
        ValueError: The kind is unknown, it holds the moments of one video and there are several, or the settings
            cannot be written as JSON.
    """
    return _written(MOMENT_FORMATS, kind, selection)


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
