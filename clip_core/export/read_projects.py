"""Read moments from what is neither a table nor OpenTimelineIO: our JSON, LosslessCut's projects, WebVTT and SubRip."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clip_core.errors import MomentsFileError
from clip_core.text import MOST_SECONDS, parse_time, unicode_text
from clip_core.types import Moment, RoundedTime

_MICROSECOND_S, _MILLISECOND_S = 1e-6, 1e-3
_CUE = re.compile(r"\s*([\d:.,]+)[ \t]+-->[ \t]+([\d:.,]+)(?:\s.*)?")
_TAG = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_JSON5 = re.compile(
    r"""(?P<double>"(?:\\.|[^"\\])*+(?:"|\\?\Z))|'(?P<single>(?:\\.|[^'\\])*+)(?:'|\\?\Z)"""
    r"""|(?P<comment>//[^\n]*+|/\*.*?(?:\*/|\Z))|(?P<word>[A-Za-z_$][\w$]*+)(?P<key>(?=\s*+:))?|(?P<comma>,(?=\s*+[}\]]))""",
    re.DOTALL,
)
"""What JSON5 allows beyond JSON, as far as LosslessCut writes it. Strings in double quotes are matched to be kept.

A string or a comment that is not closed is matched too, so that no text is searched twice.
"""


def from_first_frame(moments: Sequence[Moment], first_frame_s: float) -> list[Moment]:
    """Return moments that count from the start of the file as they count from the first frame, ``first_frame_s`` later.

    An end that means the end of any video (``MOST_SECONDS``) stays; a time before the first frame becomes 0.
    """
    return [
        replace(
            moment,
            start_s=_moved(moment.start_s, first_frame_s),
            end_s=_moved(moment.end_s, first_frame_s),
            peak_s=_moved(moment.peak_s, first_frame_s),
        )
        for moment in moments
    ]


def _moved(time_s: float, by_s: float) -> float:
    if time_s == MOST_SECONDS or by_s == 0:
        return time_s
    moved_s = max(0.0, time_s - by_s)
    return RoundedTime(moved_s, time_s.rounding_s) if isinstance(time_s, RoundedTime) else moved_s


def is_subtitles(text: str) -> bool:
    """Return whether a text is WebVTT or SubRip: one of its first lines with text is a cue's times."""
    lines = [line for line in text[:4000].splitlines() if line.strip()]
    return text.startswith("WEBVTT") or any(_CUE.fullmatch(line) for line in lines[:2])


def read_subtitles(text: str, shown: str) -> list[Moment]:
    """Return a moment for each cue of WebVTT or SubRip; its prompt is the cue's text on one line, without markup.

    Times count from the start of the file, as players do.

    Raises:
        MomentsFileError: A cue's times cannot be read; the message says in which line. ``shown`` is the file's name.
    """
    lines, found = text.split("\n"), list[Moment]()
    for number, line in enumerate(lines, 1):
        if "-->" not in line or line.startswith("NOTE"):
            continue
        cue = _CUE.fullmatch(line)
        times = [parse_time(time) if ":" in time else None for time in cue.groups()] if cue else [None]
        start_s, end_s = times[0], times[-1]
        if start_s is None or end_s is None or end_s <= start_s:
            what = f"{shown}, line {number}: these are not the times of a cue, from start to end."
            raise MomentsFileError(what, "Correct that line, or leave the cue out.")
        words = " ".join(_cue_text(lines, number))
        found.append(_moment(html.unescape(_TAG.sub("", words)).strip(), start_s, end_s, _MILLISECOND_S))
    return found


def _cue_text(lines: Sequence[str], at: int) -> Iterator[str]:
    """Yield the lines from ``at`` to the next blank one, or to the number or the times of the next cue."""
    while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
        if lines[at].strip().isdecimal() and "-->" in "".join(lines[at + 1 : at + 2]):
            return
        yield lines[at].strip()
        at += 1


def read_project(text: str, shown: str) -> tuple[list[Moment], bool] | None:
    """Return the moments of our ``moments.json`` or of a LosslessCut project (.llc); None if it is neither.

    Also return whether it is of LosslessCut, whose times count from the start of the file. Segments without a start
    begin with the video. Without an end they last to its end (``MOST_SECONDS``); from version 2 of the format on, they
    are markers, so one frame.

    Raises:
        MomentsFileError: A moment in it has no times; the message says which. ``shown`` is the file's name.
    """
    whole = _parsed(text)
    if not isinstance(whole, dict):
        return None
    rows = whole.get("moments", whole.get("cutSegments"))
    if not isinstance(rows, list) or "OTIO_SCHEMA" in whole:
        return None
    read = _own if "moments" in whole else _segment_of_newer if _version(whole) > 1 else _segment
    moments = []
    for place, row in enumerate(rows, 1):
        try:
            moments.append(read(row))
        except (AttributeError, KeyError, TypeError, ValueError):
            what = f"{shown}, moment {place}: its times are missing or are not seconds, from start to end."
            raise MomentsFileError(what, "Correct or delete that moment.") from None
    return moments, read is not _own


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass  # it may be JSON5
    try:
        return json.loads(_JSON5.sub(_as_json, text)) if "cutSegments" in text else None
    except (ValueError, RecursionError):
        return None


def _as_json(found: re.Match[str]) -> str:
    if (inner := found["single"]) is not None:
        plain = re.sub(r"\\(.)|\"", lambda m: '\\"' if m[0] == '"' else "'" if m[1] == "'" else m[0], inner)
        return f'"{plain}"'
    if found["word"] is not None:
        return found["word"] if found["key"] is None else f'"{found["word"]}"'
    return found["double"] or ""


def _version(whole: Mapping[str, Any]) -> float:
    version = whole.get("version")
    return version if isinstance(version, int | float) else 1


def _own(row: Mapping[str, Any]) -> Moment:
    moment = _moment(_text(row.get("prompt")), _seconds(row["start_s"]), _seconds(row["end_s"]), _MICROSECOND_S)
    scores: dict[str, Any] = {key: _seconds(row[key]) for key in ("peak_s", "peak", "mean") if key in row}
    return replace(moment, label=_text(row.get("label")), **scores)


def _segment(row: Mapping[str, Any], end_s: float = MOST_SECONDS) -> Moment:
    start_s = 0.0 if row.get("start") is None else _seconds(row["start"])
    end_s = end_s if row.get("end") is None else _seconds(row["end"])
    return _moment(_text(row.get("name")), start_s, end_s, _MICROSECOND_S)


def _segment_of_newer(row: Mapping[str, Any]) -> Moment:
    return _segment(row, MOST_SECONDS if row.get("start") is None else _seconds(row["start"]))


def _moment(prompt: str, start_s: float, end_s: float, step_s: float) -> Moment:
    if not 0 <= start_s <= end_s <= MOST_SECONDS:
        raise ValueError
    start = RoundedTime(start_s, step_s / 2)
    end = end_s if end_s == MOST_SECONDS else RoundedTime(end_s, step_s / 2)
    return Moment(unicode_text(prompt), start, end, start, 0.0, 0.0)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
