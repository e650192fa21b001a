"""Subtitles as plain text with times: the cues of a SubRip or WebVTT file, whatever state the file is in."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from clip_core.text import MOST_SECONDS, counted, decode_text, parse_time, size_text, unicode_text, without_many_marks

MOST_BYTES = 16_000_000
MOST_CUES = 100_000
MOST_LETTERS = 1000
"""Limits of one file or stream, and of one cue: far more than a film has."""
_REPEAT_S = 0.05
"""A cue that begins so soon after another goes on with it."""
_ENCODING = "windows-1252"
_TIMES = re.compile(r"\s*(-?[\d:.,]+)\s*-->\s*(-?[\d:.,]+)(?:\s.*)?")
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]*|[\d:.]+)>|\{\\[^{}]*\}")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}[^{}]*")
"""What ASS draws with the letters that follow."""
_ASS_BREAK, _ASS_SPACE = re.compile(r"\\[Nn]"), "\\h"
_ASS_FIELDS = 8
"""So many stand before the text in a line of ASS as FFmpeg gives it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """What is said in a span of a video.

    Attributes:
        start_s, end_s: The span [start_s, end_s), in seconds.
        text: Plain text without markup; lines are separated by a line feed.
    """

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class ReadCues:
    """Cues sorted by time, and sentences that say what was left out or guessed."""

    cues: tuple[Cue, ...]
    notes: tuple[str, ...] = ()


def read_cues(content: bytes) -> ReadCues:
    """Read the cues of a SubRip or WebVTT file; what is no cue is skipped, and no content is an error.

    Times count from the start of the file, as players do. Of captions that roll up, in which each cue repeats a line of
    the one before, every line is kept once.
    """
    if len(content) > MOST_BYTES:
        return ReadCues((), (f"It has more than {size_text(MOST_BYTES)}, so it is not read.",))
    try:
        text, notes = decode_text(content), []
    except UnicodeDecodeError:
        text, notes = content.decode(_ENCODING, "replace"), [f"It is not Unicode, so it was read as {_ENCODING}."]
    found = CueList()
    for times, lines in _blocks(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        start_s, end_s = (parse_time(time) if ":" in time else None for time in times)
        found.add(start_s, end_s, html.unescape(_TAG.sub("", "\n".join(lines))))
    read = found.read()
    return ReadCues(read.cues, (*notes, *read.notes))


def _blocks(lines: Sequence[str]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """Yield the two times of each cue and the lines of its text, which ends at a blank line or at the next cue."""
    at = 0
    while at < len(lines):
        times = _TIMES.fullmatch(lines[at]) if "-->" in lines[at] else None
        at += 1
        if times is None:
            continue
        first = at
        while at < len(lines) and lines[at] and not _begins_cue(lines, at):
            at += 1
        yield (times[1], times[2]), [line.strip() for line in lines[first:at]]


def _begins_cue(lines: Sequence[str], at: int) -> bool:
    is_number = lines[at].strip().isdecimal() and at + 1 < len(lines)
    return "-->" in lines[at] or (is_number and "-->" in lines[at + 1])


def ass_text(dialogue: str) -> str:
    """Return the plain text of a line of ASS, "ReadOrder,Layer,Style,Name,3 margins,Effect,Text"."""
    text = dialogue.split(",", _ASS_FIELDS)[-1]
    plain = _TAG.sub("", _DRAWING.sub("", text))
    return _ASS_BREAK.sub("\n", plain).replace(_ASS_SPACE, " ")


class CueList:
    """Collects cues; counts what it leaves out."""

    def __init__(self) -> None:
        self._cues = set[Cue]()
        self._wrong = self._shortened = self._left = 0

    def add(self, start_s: float | None, end_s: float | None, text: str) -> None:
        """Add a cue, unless its text is empty or its times are none; a time of None could not be read."""
        shortened, clean = len(text) > MOST_LETTERS, _clean(text[: 2 * MOST_LETTERS])[:MOST_LETTERS]
        if not clean:
            return
        if start_s is None or end_s is None or not -MOST_SECONDS <= start_s < end_s <= MOST_SECONDS:
            self._wrong += 1
        elif len(self._cues) >= MOST_CUES:
            self._left += 1
        else:
            self._shortened += shortened
            self._cues.add(Cue(start_s, end_s, clean))

    def read(self) -> ReadCues:
        """Return what was collected."""
        notes = []
        if self._wrong:
            notes.append(f"{counted(self._wrong, 'cue')} without usable times left out.")
        if self._shortened:
            notes.append(f"{counted(self._shortened, 'cue')} shortened to {MOST_LETTERS:,} letters.")
        if self._left:
            notes.append(f"Only the first {MOST_CUES:,} cues are kept.")
        cues = sorted(self._cues, key=lambda cue: (cue.start_s, cue.end_s, cue.text))
        return ReadCues(tuple(_without_repeats(cues)), tuple(notes))


def _clean(text: str) -> str:
    """Return a text in NFC without control characters, its lines stripped, empty ones left out."""
    plain = unicodedata.normalize("NFC", without_many_marks(unicode_text(text)))
    lines = ("".join(c if unicodedata.category(c) != "Cc" else " " for c in line) for line in plain.split("\n"))
    return "\n".join(line for each in lines if (line := " ".join(each.split())))


def _without_repeats(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Leave out the first line of a cue that follows at once on one that ends with the same line.

    If nothing is left of it, the earlier cue lasts until its end.
    """
    held: Cue | None = None
    for cue in cues:
        first, _, rest = cue.text.partition("\n")
        if held is not None and abs(cue.start_s - held.end_s) <= _REPEAT_S and held.text.split("\n")[-1] == first:
            if not rest:
                held = replace(held, end_s=max(held.end_s, cue.end_s))
                continue
            cue = replace(cue, text=rest)  # noqa: PLW2901
        if held is not None:
            yield held
        held = cue
    if held is not None:
        yield held


def from_first_frame(read: ReadCues, first_frame_s: float, end_s: float) -> ReadCues:
    """Return cues that count from the start of the file as they count from the first frame, ``first_frame_s`` later.

    What lies before the first frame or after ``end_s``, the end of the video, is left out; the note says how much.
    """
    moved = [Cue(max(0.0, cue.start_s - first_frame_s), cue.end_s - first_frame_s, cue.text) for cue in read.cues]
    within = tuple(cue for cue in moved if cue.end_s > 0 and cue.start_s < (end_s or math.inf))
    outside = len(moved) - len(within)
    notes = (f"{counted(outside, 'cue')} outside the video left out: is the file of another cut?",) if outside else ()
    return ReadCues(within, (*read.notes, *notes))
