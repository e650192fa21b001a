"""OpenTimelineIO JSON → moments.

Read as plain JSON, not by OpenTimelineIO: its own reader (0.18) ends the whole process with a segmentation fault when
lists or objects are nested 100,000 deep. Nothing that the file names is opened, and no plugin is asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from clip_core.errors import MomentsFileError
from clip_core.text import unicode_text
from clip_core.values import Moment

OURS = "clip_video"
MOST_DEPTH = 200
MOST_SECONDS = 1e7
_HOLDERS = ("Timeline.", "SerializableCollection.", "Stack.", "Track.")
_SAVE_AGAIN = "Export it again as .otio."


def read_otio(text: str, shown: str) -> list[Moment]:
    """Return a moment per clip, in the order of the file.

    A clip's source range, less the start of its media's available range, gives the times in the video. Where a clip
    carries markers that are longer than a frame, these are the moments instead. Prompt, label, peak and mean are those
    that we once wrote; else the prompt is the name of the clip or marker, and the scores are 0.

    Args:
        text: The file.
        shown: Its name as it may stand in a message.

    Raises:
        MomentsFileError: It is no OTIO JSON, or a time in it is none; the message tells which clip.
    """
    try:
        whole = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
        raise MomentsFileError(f"{shown} is no JSON: {why}.", _SAVE_AGAIN) from None
    if not isinstance(whole, dict) or not _kind(whole).startswith((*_HOLDERS, "Clip.")):
        raise MomentsFileError(f"{shown} is JSON, but no OpenTimelineIO timeline.", _SAVE_AGAIN)
    found: list[Moment] = []
    for number, clip in enumerate(_clips(whole, shown), 1):
        try:
            found += _moments(clip)
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError):
            what = f"{shown}, clip {number}: its range is missing or no range of time."
            raise MomentsFileError(what, "Correct or delete that clip.") from None
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _kind(thing: Mapping[str, Any]) -> str:
    kind = thing.get("OTIO_SCHEMA")
    return kind if isinstance(kind, str) else ""


def _clips(whole: Mapping[str, Any], shown: str) -> Iterator[Mapping[str, Any]]:
    """The clips in order, without recursion."""
    waiting: list[tuple[Any, int]] = [(whole, 0)]
    while waiting:
        thing, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise MomentsFileError(f"{shown} is nested too deeply.", _SAVE_AGAIN)
        if not isinstance(thing, dict):
            continue
        kind = _kind(thing)
        if kind.startswith("Clip."):
            yield thing
        elif kind.startswith(_HOLDERS):
            inside = thing.get("tracks") if kind.startswith("Timeline.") else thing.get("children")
            inside = inside if isinstance(inside, list) else [inside]
            waiting += [(child, depth + 1) for child in reversed(inside)]


def _moments(clip: Mapping[str, Any]) -> list[Moment]:
    media = _media(clip)
    available = media.get("available_range")
    zero_s = _seconds(available["start_time"]) if available else 0.0
    spans = clip.get("markers") or []
    longer = [mark for mark in spans if mark["marked_range"]["duration"]["value"] > 1]
    if longer:
        return [_moment(mark, mark["marked_range"], zero_s) for mark in longer]
    return [_moment(clip, clip.get("source_range") or media["available_range"], zero_s)]


def _media(clip: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its media reference: Clip.1 has one, Clip.2 has several with a key."""
    several = clip.get("media_references") or {}
    media = several.get(clip.get("active_media_reference_key")) or clip.get("media_reference") or {}
    if not isinstance(media, dict):
        raise TypeError
    return media


def _moment(thing: Mapping[str, Any], span: Mapping[str, Any], zero_s: float) -> Moment:
    ours = (thing.get("metadata") or {}).get(OURS)
    facts: Mapping[str, Any] = ours if isinstance(ours, dict) else {}
    length_s = _seconds(span["duration"])
    start_s = max(0.0, _seconds(span["start_time"]) - zero_s)
    end_s = start_s + length_s
    if length_s <= 0 or end_s > MOST_SECONDS:
        raise ValueError
    peak_s = min(max(start_s, _number(facts.get("peak_s"), start_s)), end_s)
    prompt, label = (_text(facts.get(key)) for key in ("prompt", "label"))
    peak, mean = (_number(facts.get(key), 0.0) for key in ("peak", "mean"))
    return Moment(prompt or _text(thing.get("name")), start_s, end_s, peak_s, peak, mean, label)


def _seconds(time: Mapping[str, Any]) -> float:
    seconds = _finite(time["value"]) / _finite(time["rate"])
    if not math.isfinite(seconds):
        raise ValueError
    return seconds


def _number(value: object, otherwise: float) -> float:
    return _finite(value) if isinstance(value, int | float) else otherwise


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)


def _text(value: object) -> str:
    return unicode_text(value) if isinstance(value, str) else ""
