"""Moments as an edit decision list (CMX 3600).

Written here: OpenTimelineIO's adapter (1.0.0) stumbles on an empty list, writes no FCM line, lets a line break in a
name begin a line, counts every 29.97 and 59.94 as drop-frame, and slows down with length (750 events 0.4 s, 3,000
2.7 s). It reads these files in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clip_core.export.source import Source, timecode
from clip_core.export.text import by_time, one_line, title_of
from clip_core.text import number_text
from clip_core.values import Moment

MOST_TITLE = 70
MOST_COMMENT = 200


def moments_edl(moments: Sequence[Moment], source: Source, settings: Mapping[str, Any]) -> str:
    """Return a list with an event per moment, in order of time, one behind the other from 00:00:00:00.

    Source times count from the source's start timecode; out times are the first frame behind. ``FROM CLIP NAME`` is
    the source's name, by which editors find the file; comments have prompt and label, peak, mean and unit. Names are
    one line, and cut at 200 characters. CMX 3600 ends at 999 events; those beyond get four digits, which is untried in
    editors.
    """
    name, unit = one_line(source.name), str(settings.get("unit", ""))
    lines = [f"TITLE: {name[:MOST_TITLE]}", f"FCM: {'' if source.drops else 'NON-'}DROP FRAME", ""]
    at = 0
    for number, moment in enumerate(sorted(moments, key=by_time), 1):
        first, stop = source.frame_range(moment)
        taken = f"{source.timecode(first)} {source.timecode(stop)}"
        placed = f"{_record(at, source)} {_record(at + stop - first, source)}"
        lines += [f"{number:03d}  AX       V     C        {taken} {placed}"]
        lines += [f"* {comment}"[:MOST_COMMENT] for comment in _comments(moment, source, name, unit)]
        at += stop - first
    return "\n".join([*lines, ""])


def _comments(moment: Moment, source: Source, name: str, unit: str) -> list[str]:
    peak = f"PEAK {number_text(moment.peak, 6)} AT {source.timecode(source.peak_frame(moment))}"
    judged = f"{peak} MEAN {number_text(moment.mean, 6)} {one_line(unit).upper()}".rstrip()
    return [f"FROM CLIP NAME:  {name}", f"MOMENT: {title_of(moment)}", judged]


def _record(frame: int, source: Source) -> str:
    return timecode(frame, source.timeline_rate, source.drops)
