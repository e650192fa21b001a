"""Write moments as Final Cut Pro XML: a cut, or markers."""

from __future__ import annotations

from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from clip_core.export.selection import Cut, CutEvent, Selection, cut_of, marked_timeline
from clip_core.export.source import Source
from clip_core.export.text import judged_text, one_line, title_of, xml_text
from clip_core.text import number_text


def moments_fcpxml(selection: Selection) -> str:
    """Return an FCPXML project: one clip per moment, in the order of ``cut_of``, with a note and a marker at its peak.

    All times are rational seconds: starts and markers whole frames of the source, places and lengths whole frames of
    the timeline. Source times count from the source's start timecode. The picture has the size of the largest video.
    See Apple, "FCPXML Reference" and its document type definition 1.8.
    """
    cut = cut_of(selection)
    project = FcpxmlProject(selection, cut, f"Moments of {selection.name}")
    for event in cut.events:
        moment, source, judged = event.moment, event.video.source, judged_text(event.moment, selection.unit)
        clip = project.add_clip(event, title_of(moment))
        SubElement(clip, "note").text = f"{xml_text(moment.prompt)}\n{judged}"
        _add_marker(clip, source, source.peak_frame(moment), 1, f"peak {number_text(moment.peak, 3)}", judged)
    return project.text()


def markers_fcpxml(selection: Selection) -> str:
    """Return an FCPXML project with a marker per moment, over its span, named by prompt and label.

    One video is shown whole, several as in ``moments_fcpxml``. Of the span, Final Cut shows the beginning.
    """
    cut = marked_timeline(selection)
    project = FcpxmlProject(selection, cut, f"Markers of {selection.name}")
    for event in cut.events:
        source = event.video.source
        whole = len(selection.videos) == 1
        clip = project.add_clip(event, one_line(source.name) if whole else title_of(event.moment))
        for moment in event.moments:
            first, stop = source.frame_range(moment)
            _add_marker(clip, source, first, stop - first, title_of(moment), judged_text(moment, selection.unit))
    return project.text()


def _add_marker(clip: Element, source: Source, first: int, frames: int, name: str, note: str) -> None:
    place = {"start": _seconds(source.start_frame + first, source), "duration": _seconds(frames, source)}
    SubElement(clip, "marker", {**place, "value": name, "note": note})


class FcpxmlProject:
    """A project with one sequence, to which clips are added.

    Args:
        selection: The videos; each becomes an asset, and each of their formats a resource.
        cut: The timeline.
        name: The project's name.
    """

    def __init__(self, selection: Selection, cut: Cut, name: str) -> None:
        self._cut, self._root = cut, Element("fcpxml", version="1.8")
        resources, self._formats = SubElement(self._root, "resources"), dict[tuple[Fraction, int, int], str]()
        sources = [video.source for video in selection.videos]
        whole = self._format(resources, cut.rate, *selection.size)
        formats = [self._format(resources, s.timeline_rate, s.width, s.height) for s in sources]
        self._assets = {}
        for number, (video, form) in enumerate(zip(selection.videos, formats, strict=True), len(self._formats) + 1):
            self._assets[id(video)] = f"r{number}"
            _add_asset(resources, f"r{number}", form, video.source)
        event = SubElement(SubElement(self._root, "library"), "event", name=selection.name)
        project = SubElement(event, "project", name=name)
        sequence = SubElement(project, "sequence", format=whole, tcStart=cut.seconds(cut.start_frame))
        sequence.set("tcFormat", _timecodes(cut.drops))
        sequence.set("duration", cut.seconds(cut.frames))
        self._spine = SubElement(sequence, "spine")

    def _format(self, resources: Element, rate: Fraction, width: int, height: int) -> str:
        """Return the id of a format; one that is not there yet is added."""
        key = (rate, width, height)
        if key not in self._formats:
            self._formats[key] = f"r{len(self._formats) + 1}"
            size = {"width": str(width), "height": str(height)}
            SubElement(resources, "format", {"id": self._formats[key], "frameDuration": f"{1 / rate}s", **size})
        return self._formats[key]

    def add_clip(self, event: CutEvent, name: str) -> Element:
        """Add a clip to the sequence and return it."""
        source = event.video.source
        return SubElement(
            self._spine, "asset-clip", ref=self._assets[id(event.video)], name=name,
            offset=self._cut.seconds(self._cut.start_frame + event.at),
            start=_seconds(source.start_frame + event.first, source), duration=self._cut.seconds(event.frames),
            tcFormat=_timecodes(source.drops),
        )  # fmt: skip

    def text(self) -> str:
        """Return the whole file."""
        indent(self._root)
        body = tostring(self._root, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _add_asset(resources: Element, own_id: str, form: str, source: Source) -> None:
    sound = {"hasAudio": "1"} if source.has_audio else {}
    place = {"start": _seconds(source.start_frame, source), "duration": _seconds(source.frames, source)}
    about = {"id": own_id, "name": one_line(source.name), "src": source.url, **place, "format": form}
    SubElement(resources, "asset", {**about, "hasVideo": "1", **sound})


def _seconds(frames: int, source: Source) -> str:
    return f"{Fraction(frames) / source.timeline_rate}s"


def _timecodes(drops: bool) -> str:
    return "DF" if drops else "NDF"
