"""Moments as chapters or subtitles: WebVTT and SRT. In order of time; they may overlap."""

from __future__ import annotations

import html
from collections.abc import Sequence

from clip_core.export.text import by_time, title_of
from clip_core.text import full_clock
from clip_core.values import Moment

_SRT_HAS_NO_ESCAPE = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})


def moments_vtt(moments: Sequence[Moment]) -> str:
    """Return WebVTT with a numbered cue per moment, its text the prompt and the label, escaped, on one line.

    Times are rounded to milliseconds; a cue lasts at least one. See W3C, "WebVTT: The Web Video Text Tracks Format".
    """
    cues = [
        f"\n{number}\n{start} --> {end}\n{html.escape(text, quote=False)}\n"
        for number, (start, end, text) in enumerate(_cues(moments, "."), 1)
    ]
    return "WEBVTT\n" + "".join(cues)


def moments_srt(moments: Sequence[Moment]) -> str:
    """Return SubRip with an entry per moment; as ``moments_vtt``.

    SubRip knows no escapes, and players take ``<…>`` and ``{…}`` for markup: they are written ‹…› and (…).
    """
    entries = [
        f"{number}\n{start} --> {end}\n{text.translate(_SRT_HAS_NO_ESCAPE)}\n"
        for number, (start, end, text) in enumerate(_cues(moments, ","), 1)
    ]
    return "\n".join(entries)


def _cues(moments: Sequence[Moment], mark: str) -> list[tuple[str, str, str]]:
    cues = []
    for moment in sorted(moments, key=by_time):
        start_ms = max(0, round(moment.start_s * 1000))
        end_ms = max(start_ms + 1, round(moment.end_s * 1000))
        start, end = (full_clock(at / 1000).replace(".", mark) for at in (start_ms, end_ms))
        cues.append((start, end, title_of(moment)))
    return cues
