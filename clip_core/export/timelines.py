"""Write moments as subtitles (WebVTT, SRT) and as timelines (EDL, Final Cut Pro XML, OpenTimelineIO)."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from clip_core.export.source import Source, timecode
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


def moments_edl(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return an EDL with an event per moment, ordered by time, back to back from 00:00:00:00.

    Source times count from the source's start timecode; out times are exclusive. ``FROM CLIP NAME`` is the source's
    name, by which editing programs find the file. Comments hold prompt and label, peak, mean and unit, and are
    truncated to 200 characters; the title to 70. CMX 3600 ends at 999 events; those beyond get four digits, which is
    not tested in editing programs.
    """
    name, unit = one_line(source.name), str(settings.get("unit", ""))
    lines = [f"TITLE: {name[:MOST_TITLE]}", f"FCM: {'' if source.drops else 'NON-'}DROP FRAME", ""]
    at = 0
    for number, moment in enumerate(sorted(moments, key=by_time), 1):
        first, stop = source.frame_range(moment)
        taken = f"{source.timecode(first)} {source.timecode(stop)}"
        placed = " ".join(timecode(frame, source.timeline_rate, source.drops) for frame in (at, at + stop - first))
        lines += [f"{number:03d}  AX       V     C        {taken} {placed}"]
        lines += [f"* {comment}"[:MOST_COMMENT] for comment in _comments(moment, source, name, unit)]
        at += stop - first
    return "\n".join([*lines, ""])


def _comments(moment: Moment, source: Source, name: str, unit: str) -> list[str]:
    peak = f"PEAK {number_text(moment.peak, 6)} AT {source.timecode(source.peak_frame(moment))}"
    judged = f"{peak} MEAN {number_text(moment.mean, 6)} {one_line(unit).upper()}".rstrip()
    return [f"FROM CLIP NAME:  {name}", f"MOMENT: {title_of(moment)}", judged]


def moments_fcpxml(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return an FCPXML project: one clip per moment, ordered by time, with a note and a marker at its peak.

    All times are rational seconds, whole multiples of the frame duration. Source times count from the source's
    start timecode. See Apple, "FCPXML Reference" and its document type definition 1.8.
    """
    root = Element("fcpxml", version="1.8")
    resources = SubElement(root, "resources")
    SubElement(
        resources, "format", id="r1", frameDuration=_seconds(1, source),
        width=str(source.width), height=str(source.height),
    )  # fmt: skip
    length, start = _seconds(source.frames, source), _seconds(source.start_frame, source)
    sound = {"hasAudio": "1"} if source.has_audio else {}
    asset = {"id": "r2", "name": one_line(source.name), "src": source.url, "start": start, "duration": length}
    SubElement(resources, "asset", {**asset, "format": "r1", "hasVideo": "1", **sound})
    event = SubElement(SubElement(root, "library"), "event", name=one_line(source.name))
    project = SubElement(event, "project", name=f"Moments of {one_line(source.name)}")
    sequence = SubElement(project, "sequence", format="r1", tcStart="0s", tcFormat=_timecodes(source))
    spine, at = SubElement(sequence, "spine"), 0
    for moment in sorted(moments, key=by_time):
        first, stop = source.frame_range(moment)
        clip = SubElement(
            spine, "asset-clip", ref="r2", name=title_of(moment), offset=_seconds(at, source),
            start=_seconds(source.start_frame + first, source), duration=_seconds(stop - first, source),
            tcFormat=_timecodes(source),
        )  # fmt: skip
        _describe(clip, moment, source, str(settings.get("unit", "")))
        at += stop - first
    sequence.set("duration", _seconds(at, source))
    indent(root)
    body = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _describe(clip: Element, moment: Moment, source: Source, unit: str) -> None:
    judged = f"peak {number_text(moment.peak, 6)}, mean {number_text(moment.mean, 6)} {unit}".strip()
    SubElement(clip, "note").text = f"{xml_text(moment.prompt)}\n{judged}"
    place = {"start": _seconds(source.start_frame + source.peak_frame(moment), source), "duration": _seconds(1, source)}
    SubElement(clip, "marker", {**place, "value": f"peak {number_text(moment.peak, 3)}", "note": judged})


def _seconds(frames: int, source: Source) -> str:
    """Return frames as rational seconds, such as ``1001/30000s``; whole seconds have no denominator."""
    return f"{Fraction(frames) / source.timeline_rate}s"


def _timecodes(source: Source) -> str:
    return "DF" if source.drops else "NDF"


if TYPE_CHECKING:
    import opentimelineio as otio

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

METADATA_KEY = "clip_video"
"""The key of our own values in the metadata of clips and timelines."""


def moments_otio(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return a timeline as OpenTimelineIO JSON.

    A clip is named after prompt and label; its source range counts from the source's start timecode; a marker of
    zero length marks the peak. ``metadata["clip_video"]`` of a clip has prompt, label, start_s, end_s, peak_s, peak,
    mean and unit, with times from the first frame; that of its media has first_frame_s, where the first frame lies on
    the timeline; that of the timeline has the settings, and a note if the rate is not the video's own.

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import opentimelineio as otio

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.extend(_clip(moment, source, settings.get("unit", "")) for moment in sorted(moments, key=by_time))
    timeline = otio.schema.Timeline(one_line(source.name))
    timeline.tracks.append(track)
    about = json.loads(json.dumps({"settings": dict(settings), "note": source.note}, allow_nan=False))
    timeline.metadata[METADATA_KEY] = _clean(about)
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def _clip(moment: Moment, source: Source, unit: str) -> otio.schema.Clip:
    import opentimelineio as otio

    rate = float(source.timeline_rate)

    def span(first: int, frames: int) -> otio.opentime.TimeRange:
        start = otio.opentime.RationalTime(source.start_frame + first, rate)
        return otio.opentime.TimeRange(start, otio.opentime.RationalTime(frames, rate))

    first, stop = source.frame_range(moment)
    media = otio.schema.ExternalReference(source.url, span(0, source.frames))
    media.name = one_line(source.name)
    media.metadata[METADATA_KEY] = {"first_frame_s": float(source.first_frame / source.timeline_rate)}
    facts = {name: getattr(moment, name) for name in ("start_s", "end_s", "peak_s", "peak", "mean")}
    facts |= {"prompt": xml_text(moment.prompt), "label": xml_text(moment.label), "unit": unit}
    clip = otio.schema.Clip(title_of(moment), media, span(first, stop - first), metadata={METADATA_KEY: facts})
    clip.markers.append(otio.schema.Marker(f"peak {number_text(moment.peak, 3)}", span(source.peak_frame(moment), 0)))
    return clip


def _clean(value: Plain) -> Plain:
    """Remove control characters: OpenTimelineIO truncates a text at its first NUL."""
    if isinstance(value, str):
        return xml_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {xml_text(key): _clean(item) for key, item in value.items()} if isinstance(value, dict) else value
