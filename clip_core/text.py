"""Format and parse what people read and type: times, sizes, scores, prompts and tables; clean and shorten texts."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from clip_core.types import Unit

Row = TypeVar("Row")
MOST_SECONDS = 1e7
"""116 days: no time in a video is later."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The last four are full-width forms, which some spreadsheets treat like the ASCII ones."""
_CLOCK = re.compile(r"(?:(\d{1,5}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,12}(?:[.,]\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SIZE_STEP = 1000  # as drives and networks count: 1 kB = 1000 B
_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
_DECIMALS: dict[Unit, int] = {"corrected": 3, "cosine": 3, "margin": 3, "softmax": 3, "z": 2, "percentile": 1}
_MOST_MARKS = 30
_SHORT_ID = 12
_MOST_LINES = 1_000_000
_MOST_OF_PROMPT, _TAIL_OF_PROMPT = 26, 8


def clock(time_s: float, decimals: int = 3, width: int = 0) -> str:
    """Write a time as ``m:ss.mmm``, from one hour on as ``h:mm:ss.mmm``; a negative one counts as zero.

    Args:
        time_s, decimals: The time, and the decimals of its seconds; 0 also drops the point.
        width: The least number of characters, filled from ``HH:MM:SS.mmm``.
    """
    seconds, fraction = divmod(max(0, round(time_s * 10**decimals)), 10**decimals)
    text, least = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}", len("0:00")
    if decimals:
        text, least = f"{text}.{fraction:0{decimals}d}", least + 1 + decimals
    least = max(least, width)
    return text[:-least].lstrip("0:") + text[-least:]


def full_clock(time_s: float) -> str:
    """Write a time as ``HH:MM:SS.mmm``, the form used in files; the hours may have more digits."""
    return clock(time_s, width=len("00:00:00.000"))


def parse_number(text: str) -> float | None:
    """Parse a number, or a time in seconds, such as ``12.5``, ``12,5``, ``1:02.5``, ``01:01:02.500``; else None."""
    text = text.strip()
    if clock := _CLOCK.fullmatch(text):
        last = float(clock[3].replace(",", "."))
        return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + last if last < 60 else None
    number = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def parse_time(text: str) -> float | None:
    """Parse a time in a video, 0 to 1e7 seconds, written as for ``parse_number``; return None if it is not one."""
    time_s = parse_number(text)
    return time_s if time_s is not None and 0 <= time_s <= MOST_SECONDS else None


def duration_text(seconds: float) -> str:
    """Return a rounded duration such as "33 s", "12 min", "5 h" or "30 days"."""
    for unit, length_s, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if round(seconds / length_s) < most:
            return f"{round(seconds / length_s)} {unit}"
    return f"{round(seconds / 86400):,} days"


def size_text(size_bytes: float) -> str:
    """Return a size with up to three digits, without decimals below 1 MB: such as "71 kB", "1.72 MB", "156 MB"."""
    size, place = float(size_bytes), 0
    while size >= _SIZE_STEP - 0.5 and place < len(_SIZE_UNITS) - 1:
        size, place = size / _SIZE_STEP, place + 1
    decimals = 0 if place < 2 or size >= 99.95 else 1 if size >= 9.995 else 2
    text = f"{size:,.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if decimals else text} {_SIZE_UNITS[place]}"


def short_id(video_id: str) -> str:
    """Return the first 12 hex digits of a video's id, which name it in links and lists."""
    return video_id[:_SHORT_ID]


def value_decimals(unit: Unit) -> int:
    """Return the number of decimals for a score or threshold in this unit."""
    return _DECIMALS[unit]


def shown_value(value: float, unit: Unit) -> float:
    """Return the value rounded as ``value_text`` writes it."""
    return _rounded(value, value_decimals(unit))


def value_text(value: float, unit: Unit) -> str:
    """Return one score as text."""
    return number_text(value, value_decimals(unit))


def number_text(value: float, decimals: int) -> str:
    """Return a number as text with so many decimals, "-" as minus sign, and never minus zero."""
    return f"{_rounded(value, decimals):.{decimals}f}"


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0


def unicode_text(text: str) -> str:
    """Return ``text`` with a question mark for each surrogate, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def clean_prompt(prompt: str) -> str:
    """Return a prompt as it is embedded and shown: NFC, stripped, with surrogates replaced, without endless accents."""
    return unicodedata.normalize("NFC", without_many_marks(unicode_text(prompt))).strip()


def without_many_marks(text: str) -> str:
    """Return ``text`` with at most 30 combining marks in a row, so that normalising it takes linear time.

    No language needs more: the limit is that of Unicode's stream-safe text (UAX #15).
    """
    if text.isascii():
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def printable(text: str, instead: str = "?") -> str:
    """Return ``text`` with non-printable characters replaced, so that none can move a terminal's cursor."""
    return "".join(c if c.isprintable() else instead for c in text)


def shorten(text: str, most: int, tail: int = 0) -> str:
    """Return at most ``most`` characters of ``text``: its beginning, "…", and its last ``tail`` characters."""
    if len(text) <= most:
        return text
    return text[: most - tail - 1] + "…" + text[len(text) - tail :]


def single_line(text: str, most: int = 150) -> str:
    """Return untrusted text as one printable line of at most ``most`` characters, whitespace collapsed."""
    return shorten(" ".join(printable(text, " ").split()), most)


def short_prompt(prompt: str) -> str:
    """Return at most 26 characters of ``prompt``: its beginning, "…", and its last 8 characters."""
    if len(prompt) <= _MOST_OF_PROMPT:
        return prompt
    head, tail = prompt[: _MOST_OF_PROMPT - _TAIL_OF_PROMPT - 2], prompt[-_TAIL_OF_PROMPT:]
    return f"{head.rstrip()}…{tail.lstrip()}"


def alternatives(names: Iterable[str]) -> str:
    """Return names as a choice, such as "corrected, cosine or z"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def counted(count: int, one: str, more: str = "") -> str:
    """Return a count with its noun: "1 moment", "1,200 moments"; ``more`` is the plural if it is not ``one`` + "s"."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def decode_text(content: bytes) -> str:
    """Return the text of a file: UTF-32 or UTF-16 if it begins with a byte order mark of these, else UTF-8.

    Without a mark it is UTF-16 too where every other one of its first bytes is 0, as in texts that begin with ASCII.

    Raises:
        UnicodeDecodeError: It is none of these.
    """
    head = content[:8]
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return content.decode("utf-32")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    for encoding, zeros, letters in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if len(head) == 8 and not any(zeros) and all(letters):
            return content.decode(encoding)
    return content.decode("utf-8-sig")


def filled_rows(text: str, delimiter: str = "") -> list[tuple[int, list[str]]]:
    """Return the non-empty rows of a table, each with its row number counted from 1.

    Unless a delimiter is passed, it is the comma, semicolon or tab, whichever is most frequent in the first line.

    Raises:
        csv.Error: The text cannot be parsed as CSV, has over 1,000,000 rows, empty ones included, or a quotation mark
            that is never closed takes rows in.
    """
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = delimiter or max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    filled = [(number, row) for number, row in numbered(rows) if any(cell.strip() for cell in row)]
    if filled and "\n" in filled[-1][1][-1].rstrip("\r\n") and _has_open_quote(text, delimiter):
        raise csv.Error(f"a quotation mark in row {filled[-1][0]} is never closed")
    return filled


def _has_open_quote(text: str, delimiter: str) -> bool:
    """Return whether a table ends within quotation marks."""
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def numbered(rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number, counted from 1.

    Raises:
        csv.Error: There are over 1,000,000.
    """
    for number, row in enumerate(rows, 1):
        if number > _MOST_LINES:
            raise csv.Error(f"it has over {_MOST_LINES:,} lines")
        yield number, row


def places_of(head: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return field → index of its column in ``head``, by the accepted names in order of preference; case is ignored."""
    names = [cell.strip().casefold() for cell in head]
    used = {field: next((name for name in may_be if name in names), None) for field, may_be in known.items()}
    return {field: names.index(name) for field, name in used.items() if name is not None}


def as_typed(cell: str) -> str:
    """Return a cell without the leading quote that our export puts before text that looks like a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" '").startswith(FORMULA_STARTS) else cell
