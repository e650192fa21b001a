"""When a video was recorded, as the tags of its container say. Nobody checks them, so they are read leniently."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from clip_core.errors import VideoError

TAGS = ("com.apple.quicktime.creationdate", "date_recorded", "datetimeoriginal", "creation_time", "date")
"""Names of tags in lower case, the most reliable first: some programs set ``creation_time`` when they export."""
_DATE = re.compile(
    r"\s*(?P<year>\d{4})(?P<mark>[-:/.]?)(?P<month>\d\d)(?P=mark)(?P<day>\d\d)"
    r"(?:[T\s]+(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d+)?)?\s*"
    r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<zone_h>\d\d):?(?P<zone_min>\d\d)?)?)?(?!\d)",
    re.ASCII,
)
_ZEROS = tuple(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp() for year in (1904, 1970, 1980))
"""Where the clocks of QuickTime, Unix and DOS begin: what a device writes whose clock was never set."""
_FIRST_YEAR = 1888
_DAY_S = 86_400


def recorded_s(tags: Iterable[Mapping[str, str]]) -> float | None:
    """Return when a video was recorded, seconds since 1970, from tags of its container and its streams.

    A time without a zone counts as UTC. None if no tag holds a date, or only nonsense: one that no calendar has, one
    near the beginning of a clock, or one in the future.
    """
    found: dict[str, float] = {}
    for name, text in (item for mapping in tags for item in mapping.items()):
        seconds = _seconds(text)
        if seconds is not None:
            found.setdefault(name.lower(), seconds)
    return next((found[name] for name in TAGS if name in found), None)


def recorded_in(path: Path) -> float | None:
    """Return ``recorded_s`` of a file; None also if it cannot be read."""
    try:
        from clip_core.video.containers import open_container

        with open_container(path) as container:
            return recorded_s((container.metadata, *(stream.metadata for stream in container.streams.video)))
    except (ImportError, VideoError, OSError):
        return None


def _seconds(text: str) -> float | None:
    match = _DATE.match(text)
    if match is None:
        return None
    parts = [int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    zone_s = 3600 * int(match["zone_h"] or 0) + 60 * int(match["zone_min"] or 0)
    try:
        clock = dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    seconds = clock.timestamp() - (-zone_s if match["sign"] == "-" else zone_s)
    is_zero = any(abs(seconds - zero) < _DAY_S for zero in _ZEROS)
    is_possible = clock.year >= _FIRST_YEAR and seconds < time.time() + _DAY_S
    return seconds if is_possible and not is_zero else None
