"""Moments as a Final Cut Pro timeline (FCPXML 1.8). Neither tried in an editor nor validated by Apple's definition.

Written here and not by OpenTimelineIO's adapter (1.0.0), which gives 23.98, 29.97 and 59.94 no frame duration, stops
at an apostrophe in a name, starts ffprobe on the source's path, and writes neither sizes nor drop-frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from clip_core.export.source import Source
from clip_core.export.text import by_time, one_line, title_of, xml_text
from clip_core.text import number_text
from clip_core.values import Moment


def moments_fcpxml(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return a project: one clip per moment, in order of time, with a note and a marker at its peak.

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
    peak = _seconds(source.start_frame + source.peak_frame(moment), source)
    SubElement(
        clip,
        "marker",
        start=peak,
        duration=_seconds(1, source),
        value=f"peak {number_text(moment.peak, 3)}",
        note=judged,
    )


def _seconds(frames: int, source: Source) -> str:
    """Frames as rational seconds, such as ``1001/30000s``; whole ones without a denominator."""
    time = Fraction(frames) / source.timeline_rate
    return f"{time}s"


def _timecodes(source: Source) -> str:
    return "DF" if source.drops else "NDF"
