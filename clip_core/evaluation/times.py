"""Times and prompts as they stand in files of truth → seconds and texts."""

from __future__ import annotations

import re
import unicodedata

MOST_SECONDS = 1e7
"""116 days: what is later is no time in a video."""
_CLOCK = re.compile(r"(?:(\d{1,5}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)
_SECONDS = re.compile(r"\+?(?:\d{1,12}(?:[.,]\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)


def seconds(text: str) -> float | None:
    """Return a time in seconds, of ``12.5``, ``12,5``, ``1:02.5`` or ``01:01:02.500``; None if it is none."""
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        last = float(clock[3].replace(",", "."))
        time_s = 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + last if last < 60 else None
    elif _SECONDS.fullmatch(text):
        time_s = float(text.replace(",", "."))
    else:
        return None
    return time_s if time_s is not None and time_s <= MOST_SECONDS else None


def clean(text: str) -> str:
    """Return a prompt as prompts are kept here: NFC, without outer blanks, whatever cannot be UTF-8 replaced."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8")).strip()
