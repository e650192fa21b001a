"""Write moments as subtitles (WebVTT, SRT) and as timelines (EDL, OpenTimelineIO)."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain, count
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from clip_core.export.selection import Cut, CutEvent, SelectedVideo, Selection, cut_of
from clip_core.export.source import DROPPING, Source, frame_of_timecode, timecode
from clip_core.export.text import by_time, one_line, title_of, xml_text
from clip_core.text import full_clock, number_text
from clip_core.types import Moment

_SRT_HAS_NO_ESCAPE = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})


def moments_vtt(moments: Sequence[Moment], first_frame_s: Fraction = Fraction(0)) -> str:
    """Return WebVTT with a numbered cue per moment; its text is the prompt and the label, escaped, on one line.

    Times count from the start of the file, which is ``first_frame_s`` before the first frame, see ``Source``. They
    are rounded to milliseconds; a cue lasts at least 1 ms. See W3C, "WebVTT: The Web Video Text Tracks Format".
    """
    cues = [
        f"\n{number}\n{start} --> {end}\n{html.escape(text, quote=False)}\n"
        for number, (start, end, text) in enumerate(_cues(moments, first_frame_s, "."), 1)
    ]
    return "WEBVTT\n" + "".join(cues)


def moments_srt(moments: Sequence[Moment], first_frame_s: Fraction = Fraction(0)) -> str:
    """Return SubRip with an entry per moment, like ``moments_vtt``.

    SubRip has no escapes, and players read ``<…>`` and ``{…}`` as markup, so they are written as ‹…› and (…).
    """
    entries = [
        f"{number}\n{start} --> {end}\n{text.translate(_SRT_HAS_NO_ESCAPE)}\n"
        for number, (start, end, text) in enumerate(_cues(moments, first_frame_s, ","), 1)
    ]
    return "\n".join(entries)


def _cues(moments: Sequence[Moment], first_frame_s: Fraction, mark: str) -> list[tuple[str, str, str]]:
    cues, lead_s = [], float(first_frame_s)
    for moment in sorted(moments, key=by_time):
        start_ms = max(0, round((lead_s + moment.start_s) * 1000))
        end_ms = max(start_ms + 1, round((lead_s + moment.end_s) * 1000))
        start, end = (full_clock(at / 1000).replace(".", mark) for at in (start_ms, end_ms))
        cues.append((start, end, title_of(moment)))
    return cues


MOST_TITLE = 70
MOST_COMMENT = 200
MOST_REEL = 8
_NOT_IN_REELS = re.compile("[^A-Z0-9]+")


def moments_edl(selection: Selection) -> str:
    """Return an EDL with an event per moment, back to back from 00:00:00:00, in the order of ``cut_of``.

    Source times count from the source's start timecode; out times are exclusive. An EDL knows one rate: the frames of
    a slower video's timecodes are converted to it. ``FROM CLIP NAME`` is the source's name, by which editing programs
    find the file. Comments hold prompt and label, peak, mean and unit, and are truncated to 200 characters; the title
    to 70. Of several videos each has a reel of its own, and a comment with its path. CMX 3600 ends at 999 events;
    those beyond get four digits, which is not tested in editing programs.
    """
    cut, reels = cut_of(selection), _reels(selection.videos)
    lines = [f"TITLE: {selection.name[:MOST_TITLE]}", f"FCM: {'' if cut.drops else 'NON-'}DROP FRAME", ""]
    for number, event in enumerate(cut.events, 1):
        source, reel = event.video.source, reels[id(event.video)]
        taken = " ".join(_source_timecodes(event, cut))
        placed = f"{cut.timecode(event.at)} {cut.timecode(event.at + event.frames)}"
        lines += [f"{number:03d}  {reel:<8} V     C        {taken} {placed}"]
        path = [f"SOURCE FILE: {one_line(source.path)}"] if len(selection.videos) > 1 else []
        comments = [*_comments(event, cut, selection.unit), *path]
        lines += [f"* {comment}"[:MOST_COMMENT] for comment in comments]
    return "\n".join([*lines, ""])


def _source_timecodes(event: CutEvent, cut: Cut) -> tuple[str, str]:
    """Return where an event begins and ends in its source, in frames of the timeline, beside the source's seconds."""
    source = event.video.source
    if source.timeline_rate == cut.rate:
        return source.timecode(event.first), source.timecode(event.stop)
    first = _converted(event.first, source, cut)
    drops = source.drops and cut.rate in DROPPING
    stop = frame_of_timecode(first, cut.rate, drops) + event.frames
    return first, timecode(stop, cut.rate, drops)


def _converted(frame: int, source: Source, cut: Cut) -> str:
    """Return the timecode of a frame of a source, counted in frames of the timeline beside the source's seconds."""
    own = source.timecode(frame)
    frames = math.ceil(Fraction(int(own[9:]) * math.ceil(cut.rate), math.ceil(source.timeline_rate)))
    drops = source.drops and cut.rate in DROPPING
    return timecode(frame_of_timecode(f"{own[:9]}{frames:02d}", cut.rate, drops), cut.rate, drops)


def _reels(videos: Sequence[SelectedVideo]) -> dict[int, str]:
    """Return the reel of each video by its ``id()``: "AX", or of several letters and digits of its name, at most 8."""
    if len(videos) == 1:
        return {id(videos[0]): "AX"}
    reels: dict[int, str] = {}
    taken = {"AX", "BL"}  # "auxiliary" and "black"
    for video in videos:
        stem = _NOT_IN_REELS.sub("", PurePath(video.source.name).stem.upper()) or "REEL"
        numbered = (f"{stem[: MOST_REEL - len(str(number))]}{number}" for number in count(2))
        reels[id(video)] = next(reel for reel in chain([stem[:MOST_REEL]], numbered) if reel not in taken)
        taken.add(reels[id(video)])
    return reels


def _comments(event: CutEvent, cut: Cut, unit: str) -> list[str]:
    moment, source = event.moment, event.video.source
    at = source.peak_frame(moment)
    time = source.timecode(at) if source.timeline_rate == cut.rate else _converted(at, source, cut)
    peak = f"PEAK {number_text(moment.peak, 6)} AT {time}"
    judged = f"{peak} MEAN {number_text(moment.mean, 6)} {one_line(unit).upper()}".rstrip()
    return [f"FROM CLIP NAME:  {one_line(source.name)}", f"MOMENT: {title_of(moment)}", judged]


if TYPE_CHECKING:
    import opentimelineio as otio

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

METADATA_KEY = "clip_video"
"""The key of our own values in the metadata of clips and timelines."""


def moments_otio(selection: Selection) -> str:
    """Return a timeline as OpenTimelineIO JSON, in the order of ``cut_of``.

    A clip is named after prompt and label; its source range counts from the source's start timecode, at the source's
    own rate; a marker of zero length marks the peak. ``metadata["clip_video"]`` of a clip has prompt, label, start_s,
    end_s, peak_s, peak, mean and unit, with times from the first frame; that of its media has first_frame_s, where the
    first frame lies on the timeline, and the video's id; that of the timeline has the settings, and a note if the rate
    is not the videos' own.

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import opentimelineio as otio

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.extend(_clip(event, selection.unit) for event in cut_of(selection).events)
    timeline = otio.schema.Timeline(selection.name)
    timeline.tracks.append(track)
    about = json.loads(json.dumps({"settings": dict(selection.settings), "note": selection.note}, allow_nan=False))
    timeline.metadata[METADATA_KEY] = _clean(about)
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def _clip(event: CutEvent, unit: str) -> otio.schema.Clip:
    import opentimelineio as otio

    moment, source = event.moment, event.video.source
    rate = float(source.timeline_rate)

    def span(first: int, frames: int) -> otio.opentime.TimeRange:
        start = otio.opentime.RationalTime(source.start_frame + first, rate)
        return otio.opentime.TimeRange(start, otio.opentime.RationalTime(frames, rate))

    media = otio.schema.ExternalReference(source.url, span(0, source.frames))
    media.name = one_line(source.name)
    about = {"first_frame_s": float(source.first_frame / source.timeline_rate), "video_id": event.video.video_id}
    media.metadata[METADATA_KEY] = about
    facts = {name: getattr(moment, name) for name in ("start_s", "end_s", "peak_s", "peak", "mean")}
    facts |= {"prompt": xml_text(moment.prompt), "label": xml_text(moment.label), "unit": unit}
    taken = span(event.first, event.stop - event.first)
    clip = otio.schema.Clip(title_of(moment), media, taken, metadata={METADATA_KEY: facts})
    clip.markers.append(otio.schema.Marker(f"peak {number_text(moment.peak, 3)}", span(source.peak_frame(moment), 0)))
    return clip


def _clean(value: Plain) -> Plain:
    """Remove control characters: OpenTimelineIO truncates a text at its first NUL."""
    if isinstance(value, str):
        return xml_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {xml_text(key): _clean(item) for key, item in value.items()} if isinstance(value, dict) else value
