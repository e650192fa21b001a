"""Moments as an OpenTimelineIO timeline.

One clip per moment, in order of time, one behind the other. OpenTimelineIO is imported when first used (0.1 s).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from clip_core.export.source import Source
from clip_core.export.text import by_time, one_line, title_of, xml_text
from clip_core.text import number_text
from clip_core.values import Moment

if TYPE_CHECKING:
    import opentimelineio as otio

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

OURS = "clip_video"
"""Under which our own facts stand in the metadata of clips and timelines."""


def moments_otio(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return a timeline as OpenTimelineIO JSON.

    A clip is named for prompt and label; its source range counts from the source's start timecode; a marker of no
    length stands at the peak; ``metadata["clip_video"]`` has prompt, label, start_s, end_s, peak_s, peak, mean and
    unit, the timeline's has the settings, and a note where the rate is not the video's own.

    Raises:
        ValueError: The settings cannot be written as JSON.
    """
    import opentimelineio as otio

    unit = settings.get("unit", "")
    clips = [_clip(moment, source, unit) for moment in sorted(moments, key=by_time)]
    timeline = _timeline(source, clips)
    about = json.loads(json.dumps({"settings": dict(settings), "note": source.note}, allow_nan=False))
    timeline.metadata[OURS] = _clean(about)
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def _timeline(source: Source, clips: Sequence[otio.schema.Clip]) -> otio.schema.Timeline:
    import opentimelineio as otio

    timeline = otio.schema.Timeline(one_line(source.name))
    timeline.tracks.append(otio.schema.Track("V1", children=list(clips), kind=otio.schema.TrackKind.Video))
    return timeline


def _clip(moment: Moment, source: Source, unit: str) -> otio.schema.Clip:
    import opentimelineio as otio

    rate = float(source.timeline_rate)

    def span(first: int, frames: int) -> otio.opentime.TimeRange:
        start = otio.opentime.RationalTime(source.start_frame + first, rate)
        return otio.opentime.TimeRange(start, otio.opentime.RationalTime(frames, rate))

    first, stop = source.frame_range(moment)
    media = otio.schema.ExternalReference(source.url, span(0, source.frames))
    media.name = one_line(source.name)
    facts = {"peak_s": moment.peak_s, "peak": moment.peak, "mean": moment.mean, "unit": unit}
    facts |= {"start_s": moment.start_s, "end_s": moment.end_s}
    facts = {"prompt": xml_text(moment.prompt), "label": xml_text(moment.label)} | facts
    clip = otio.schema.Clip(title_of(moment), media, span(first, stop - first), metadata={OURS: facts})
    peak = otio.schema.Marker(f"peak {number_text(moment.peak, 3)}", span(source.peak_frame(moment), 0))
    clip.markers.append(peak)
    return clip


def _clean(value: Plain) -> Plain:
    """Without control characters: OpenTimelineIO cuts a text at its first NUL."""
    if isinstance(value, str):
        return xml_text(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {xml_text(key): _clean(item) for key, item in value.items()} if isinstance(value, dict) else value
