"""Write moments as lists of markers: DaVinci Resolve, Premiere (Final Cut 7 XML) and LosslessCut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from clip_core.export.data_files import csv_text, harmless
from clip_core.export.selection import Cut, Selection, marked_timeline
from clip_core.export.source import Source
from clip_core.export.text import by_time, judged_text, one_line, title_of
from clip_core.text import number_text
from clip_core.types import Moment

MOST_NAME = 200
COLOURS = ("Blue", "Green", "Yellow", "Red", "Pink", "Purple", "Cyan", "Fuchsia", "Lemon", "Sand", "Mint", "Lavender")
"""Names of Resolve's colours for markers; each prompt has one, and they repeat."""


def markers_resolve(selection: Selection) -> str:
    """Return an EDL as DaVinci Resolve writes it with "Timelines > Export > Timeline Markers to EDL".

    An event of one frame for each moment; below it the note (peak and mean), the colour ``|C:``, the name ``|M:``
    (prompt and label, at most 200 characters) and the length in frames ``|D:``. A vertical bar in a name becomes a
    broken one, because bars separate the fields.
    """
    cut = marked_timeline(selection)
    colours = {prompt: COLOURS[k % len(COLOURS)] for k, prompt in enumerate(dict.fromkeys(_prompts(selection)))}
    lines = [f"TITLE: {selection.name[:MOST_NAME]}", f"FCM: {'' if cut.drops else 'NON-'}DROP FRAME", ""]
    for number, marker in enumerate(cut.markers(), 1):
        place = f"{cut.timecode(marker.at)} {cut.timecode(marker.at + 1)}"
        name = title_of(marker.moment)[:MOST_NAME].replace("|", "¦")
        colour, note = colours[marker.moment.prompt], judged_text(marker.moment, selection.unit)
        lines += [f"{number:03d}  001      V     C        {place} {place}  "]
        lines += [f"{note} |C:ResolveColor{colour} |M:{name} |D:{marker.frames}", ""]
    return "\n".join([*lines, ""])


def _prompts(selection: Selection) -> list[str]:
    return [*selection.prompts, *(moment.prompt for moment in selection.moments)]


def markers_losslesscut(moments: Sequence[Moment], first_frame_s: Fraction = Fraction(0)) -> str:
    """Return segments for LosslessCut's "Import project > Times in seconds (CSV)": start, end and name, by time.

    There is no header. Times are seconds from the start of the file, see ``Source``. A name that a spreadsheet would
    run as a formula gets a quote in front.
    """
    rows = [
        (*(number_text(float(first_frame_s) + time_s, 6) for time_s in (m.start_s, m.end_s)), harmless(title_of(m)))
        for m in sorted(moments, key=by_time)
    ]
    return csv_text(rows)


def markers_premiere(selection: Selection) -> str:
    """Return Final Cut 7 XML (xmeml 4), which Premiere imports: a sequence with a marker per moment, over its span.

    One video is shown whole, several moment after moment. Only pictures are placed, in the size of the largest video.
    See Apple, "Final Cut Pro XML Interchange Format".
    """
    cut = marked_timeline(selection)
    root = Element("xmeml", version="4")
    sequence = SubElement(root, "sequence", id="sequence-1")
    _add(sequence, name=f"Markers of {selection.name}", duration=cut.frames)
    _add_rate(sequence, cut.rate)
    _add_timecode(sequence, cut.rate, cut.timecode(0), cut.start_frame, cut.drops)
    video = SubElement(SubElement(sequence, "media"), "video")
    shape = SubElement(SubElement(video, "format"), "samplecharacteristics")
    _add_rate(shape, cut.rate)
    _add(shape, width=selection.size[0], height=selection.size[1])
    _add_clips(SubElement(video, "track"), cut, {id(v): f"file-{k}" for k, v in enumerate(selection.videos, 1)})
    for marker in cut.markers():
        about = SubElement(sequence, "marker")
        _add(about, name=title_of(marker.moment), comment=judged_text(marker.moment, selection.unit))
        # "in" is a keyword of Python
        _add(about, **{"in": marker.at, "out": marker.at + marker.frames})
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n{tostring(root, encoding="unicode")}\n'


def _add_clips(track: Element, cut: Cut, files: dict[int, str]) -> None:
    """Add a clip for each event; a file is described where it occurs first."""
    described = set[str]()
    for number, event in enumerate(cut.events, 1):
        source, file = event.video.source, files[id(event.video)]
        clip = SubElement(track, "clipitem", id=f"clipitem-{number}")
        _add(clip, name=one_line(source.name), duration=source.frames)
        _add_rate(clip, source.timeline_rate)
        _add(clip, start=event.at, end=event.at + event.frames, **{"in": event.first, "out": event.stop})
        about = SubElement(clip, "file", id=file)
        if file not in described:
            _describe_file(about, source)
        described.add(file)


def _describe_file(file: Element, source: Source) -> None:
    local = source.url.replace("file:///", "file://localhost/", 1)  # as Final Cut and Premiere write it
    _add(file, name=one_line(source.name), pathurl=local)
    _add_rate(file, source.timeline_rate)
    _add(file, duration=source.frames)
    _add_timecode(file, source.timeline_rate, source.timecode(0), source.start_frame, source.drops)
    shape = SubElement(SubElement(SubElement(file, "media"), "video"), "samplecharacteristics")
    _add(shape, width=source.width, height=source.height)


def _add(parent: Element, **values: object) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = str(value)


def _add_rate(parent: Element, rate: Fraction) -> None:
    _add(SubElement(parent, "rate"), timebase=math.ceil(rate), ntsc="FALSE" if rate.denominator == 1 else "TRUE")


def _add_timecode(parent: Element, rate: Fraction, text: str, frame: int, drops: bool) -> None:
    code = SubElement(parent, "timecode")
    _add_rate(code, rate)
    _add(code, string=text, frame=frame, displayformat="DF" if drops else "NDF")
