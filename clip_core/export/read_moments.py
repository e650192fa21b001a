"""Read moments from files: tables, labels and OpenTimelineIO, ours or those of other programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from clip_core.errors import MomentsFileError, shown_name
from clip_core.export.read_projects import from_first_frame, is_subtitles, read_project, read_subtitles
from clip_core.export.timelines import METADATA_KEY
from clip_core.text import (
    MOST_SECONDS,
    as_typed,
    decode_text,
    filled_rows,
    numbered,
    parse_number,
    parse_time,
    places_of,
    size_text,
    unicode_text,
)
from clip_core.types import Moment, RoundedTime

MOST_DEPTH = 200
_HOLDERS = ("Timeline.", "SerializableCollection.", "Stack.", "Track.")
_ROUNDING_S = 0.0005
"""Times are rounded to a millisecond by many programs, and by containers such as Matroska."""
_FLOAT_S = 1e-7
_SAVE_AGAIN = "Export it again as .otio."


def read_otio(text: str, shown: str) -> list[Moment]:
    """Return a moment per clip, in the order of the file.

    A clip's source range, minus the start of its media's available range, gives the times in the file; our own files
    also say where the first frame lies, and times count from there. If a clip has markers longer than one frame, these
    are the moments instead. Prompt, label, peak and mean come from our own metadata if there is any; else the prompt
    is the name of the clip or marker, and the scores are 0. Our metadata also give the exact times, unless an editor
    has moved the range since.

    Args:
        text: The file's content.
        shown: Its name for messages.

    Raises:
        MomentsFileError: It is not OTIO JSON, or a time range in it is invalid; the message says which clip.
    """
    try:
        whole = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
        raise MomentsFileError(f"{shown} is not JSON: {why}.", _SAVE_AGAIN) from None
    if not isinstance(whole, dict) or not _kind(whole).startswith((*_HOLDERS, "Clip.")):
        raise MomentsFileError(f"{shown} is JSON, but not an OpenTimelineIO timeline.", _SAVE_AGAIN)
    moments: list[Moment] = []
    for place, clip in enumerate(_clips(whole, shown), 1):
        try:
            moments += _moments(clip)
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError):
            what = f"{shown}, clip {place}: its range is missing or is not a range of time."
            raise MomentsFileError(what, "Correct or delete that clip.") from None
    return moments


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _kind(thing: Mapping[str, Any]) -> str:
    kind = thing.get("OTIO_SCHEMA")
    return kind if isinstance(kind, str) else ""


def _clips(whole: Mapping[str, Any], shown: str) -> Iterator[Mapping[str, Any]]:
    """Yield the clips in order, without recursion."""
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
    zero_s += _number(_ours(media).get("first_frame_s"), 0.0)
    spans = clip.get("markers") or []
    longer = [mark for mark in spans if mark["marked_range"]["duration"]["value"] > 1]
    if longer:
        return [_moment(mark, mark["marked_range"], zero_s) for mark in longer]
    return [_moment(clip, clip.get("source_range") or media["available_range"], zero_s)]


def _media(clip: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a clip's media reference: Clip.1 has one, Clip.2 has several and the key of the active one."""
    several = clip.get("media_references") or {}
    media = several.get(clip.get("active_media_reference_key")) or clip.get("media_reference") or {}
    if not isinstance(media, dict):
        raise TypeError
    return media


def _ours(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    ours = (thing.get("metadata") or {}).get(METADATA_KEY)
    return ours if isinstance(ours, dict) else {}


def _moment(thing: Mapping[str, Any], span: Mapping[str, Any], zero_s: float) -> Moment:
    facts = _ours(thing)
    length_s = _seconds(span["duration"])
    start_s = max(0.0, _seconds(span["start_time"]) - zero_s)
    end_s = start_s + length_s
    if length_s <= 0 or end_s > MOST_SECONDS:
        raise ValueError
    frame_s = 1 / _finite(span["start_time"]["rate"])
    exact = [_number(facts.get(key), math.nan) for key in ("start_s", "end_s")]
    in_frames = (_is_in_frame(*pair, frame_s) for pair in zip(exact, (start_s, end_s), strict=True))
    if 0 <= exact[0] < exact[1] and all(in_frames):
        start_s, end_s = exact
    else:
        start_s, end_s = (RoundedTime(time_s, min(_ROUNDING_S, frame_s / 2)) for time_s in (start_s, end_s))
    peak_s = min(max(start_s, _number(facts.get("peak_s"), start_s)), end_s)
    prompt, label = (_text(facts.get(key)) for key in ("prompt", "label"))
    peak, mean = (_number(facts.get(key), 0.0) for key in ("peak", "mean"))
    return Moment(prompt or _text(thing.get("name")), start_s, end_s, peak_s, peak, mean, label)


def _is_in_frame(exact_s: float, time_s: float, frame_s: float) -> bool:
    """Return whether an exact time was rounded up to ``time_s``, the beginning of a frame of the timeline."""
    return -_FLOAT_S <= time_s - exact_s < frame_s - _FLOAT_S


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


MOST_BYTES = 20_000_000
LIST_SUFFIXES = (".csv", ".tsv", ".txt", ".otio", ".json", ".llc", ".vtt", ".srt")
MOST_MOMENTS = 100_000
_LEAST_DECIMALS = 3
_EXPONENT_DECIMALS = 30
_ABOVE = re.compile(r'"?Timecode List:.*|"?sep=(?P<sep>.)"?|#(?!,|;|\t).*', re.IGNORECASE)
"""Lines above the header: PySceneDetect's cuts, the delimiter for Excel, and comments."""
_READABLE = "Give CSV, OTIO, WebVTT, SRT, or a list of LosslessCut, PySceneDetect or Audacity."
_LINE = re.compile(r"([^\r\n]*)(?:\r\n?|\n|\Z)")
_FRAMES = re.compile(r"\d+:\d+:\d+[:;]\d+")
_HEADLESS = {"start_s": 0, "end_s": 1, "prompt": 2}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start_s": (
        "start_s",
        "start",
        "start_time",
        "start time (seconds)",
        "start time",
        "start timecode",
        "begin",
        "in",
    ),
    "end_s": ("end_s", "end", "end_time", "end time (seconds)", "end time", "end timecode", "stop", "out"),
    "prompt": ("prompt", "query", "name", "text", "title", "marker name"),
    "label": ("label",),
    "peak_s": ("peak_s", "peak_time"),
    "peak": ("peak", "score"),
    "mean": ("mean",),
}
"""Field → accepted column names, in order of preference; case is ignored."""


def read_moments(content: bytes, name: str, first_frame_s: Callable[[], float] = float) -> list[Moment]:
    """Return the moments in a file; see ``read_csv``, ``read_otio``, ``read_project`` and ``read_subtitles``.

    Their times count from the first frame. Lists of players and editors count from the start of the file, as these do:
    subtitles, projects of LosslessCut, and tables without a header, which LosslessCut and Audacity write. Their times
    are moved by ``first_frame_s``.

    Args:
        content: The file's bytes: UTF-8, UTF-16, or UTF-32 with its byte order mark.
        name: Its name, used only in messages.
        first_frame_s: Returns when the first frame is shown, in seconds from the start of the file. Called only if
            the list counts from there.

    Raises:
        MomentsFileError: It is too large, or cannot be parsed; the message says where.
    """
    shown = shown_name(name)
    if len(content) > MOST_BYTES:
        raise MomentsFileError(
            f"{shown} has {size_text(len(content))}: that is not a list of moments.",
            f"At most {MOST_BYTES // 10**6} MB.",
        )
    try:
        text = decode_text(content)
    except UnicodeDecodeError as error:
        what = f"{shown} is not {error.encoding.upper()} text (byte {error.start + 1})."
        raise MomentsFileError(what, "Save it as CSV in UTF-8, or as .otio.") from None
    moments, counts_from_file = _of_its_kind(text, shown)
    if len(moments) > MOST_MOMENTS:
        raise MomentsFileError(f"{shown} has {len(moments):,} moments.", f"At most {MOST_MOMENTS:,} are read.")
    return from_first_frame(moments, first_frame_s()) if counts_from_file else moments


def _of_its_kind(text: str, shown: str) -> tuple[list[Moment], bool]:
    """Return the moments, and whether they count from the start of the file instead of from the first frame."""
    if text.lstrip().startswith("{"):
        return read_project(text, shown) or (read_otio(text, shown), False)
    if is_subtitles(text):
        return read_subtitles(_LINE.sub(r"\1\n", text), shown), True
    return read_csv(text, shown), bool(_headless_delimiter(_above(text)[0]))


def read_csv(text: str, shown: str) -> list[Moment]:
    """Return the moments of a table: start and end per row, and prompt, label, peak … if present.

    Times are seconds or [HH:]MM:SS[.mmm]; the delimiter is a comma, semicolon or tab. Empty rows are skipped. So are
    rows with a prompt but no times: in ground truth they mean that the prompt never occurs. A missing prompt is "",
    a missing peak_s the start, missing scores are 0. Other columns are ignored.

    A table whose first row has times has no header; its columns are start, end and name. In those of LosslessCut, an
    empty start is the beginning of the video and an empty end is its end (``MOST_SECONDS``). Those with tabs are also
    written by Audacity: a label at one time is one frame. Skipped above the header are PySceneDetect's list of cuts,
    comments (#), and Excel's ``sep=;``, which names the delimiter.

    Args:
        text: The table.
        shown: Its name for messages.

    Raises:
        MomentsFileError: As in ``read_moments``, with the column and the row; the first line is row 1.
    """
    text, delimiter = _above(text)
    headless = _headless_delimiter(text)
    try:
        filled = _label_rows(_LINE.sub(r"\1\n", text)) if headless == "\t" else filled_rows(text, headless or delimiter)
    except csv.Error as error:
        raise MomentsFileError(f"{shown} is not CSV: {error}.", "Save it as CSV in UTF-8.") from None
    filled = [(n, cells) for n, cells in filled if len(cells) > 1 or not cells[0].startswith("#")]
    if not filled:
        raise MomentsFileError(f"{shown} is empty.", "It needs a head with the columns start_s and end_s.")
    where = _HEADLESS if headless else _columns(filled.pop(0)[1], shown)
    if len(filled) > MOST_MOMENTS:
        raise MomentsFileError(f"{shown} has {len(filled):,} rows.", f"At most {MOST_MOMENTS:,} are read.")
    table = _Table(shown, where, headless, _most_decimals(filled, where))
    rows = [_Row(table, number, cells) for number, cells in filled]
    return [row.moment() for row in rows if not row.is_of_an_absent_prompt()]


def _above(text: str) -> tuple[str, str]:
    """Return a table with the lines above its header emptied, and the delimiter that one of them names, or ""."""
    at, delimiter = 0, ""
    for line in _LINE.finditer(text):
        above = _ABOVE.fullmatch(line[1].strip(" "))
        if above is None and line[1].strip():
            break
        at, delimiter = line.end(), (above and above["sep"]) or delimiter
    return re.sub(r"[^\r\n]", "", text[:at]) + text[at:], delimiter


def _headless_delimiter(text: str) -> str:
    """Return the delimiter of a table that begins with two times, one of them perhaps empty; else ""."""
    first = next((line[1] for line in _LINE.finditer(text) if line[1].strip()), "")
    for delimiter in "\t;,":
        cells = [cell.strip(' "\r\n') for cell in first.split(delimiter, 2)[:2]]
        if len(cells) == 2 and any(cells) and all(not cell or parse_number(cell) is not None for cell in cells):
            return delimiter
    return ""


def _label_rows(text: str) -> list[tuple[int, list[str]]]:
    """Return start, end and label of each line, with its number. Audacity does not quote labels.

    A line that begins with a backslash has the frequencies of the label above.
    """
    lines = numbered(io.StringIO(text))
    return [(n, line.rstrip("\r\n").split("\t", 2)) for n, line in lines if line.strip() and line[0] != "\\"]


def _most_decimals(rows: Sequence[tuple[int, Sequence[str]]], where: Mapping[str, int]) -> dict[bool, int]:
    """Return how many decimals the starts and ends of a list have, at least 3: clocks (True) and seconds (False).

    Programs that trim zeros write 0.5 in a list of microseconds too, so the list as a whole shows how precise it is.
    """
    most = {True: _LEAST_DECIMALS, False: _LEAST_DECIMALS}
    places = where["start_s"], where["end_s"]
    for time in (cells[place].strip() for _, cells in rows for place in places if place < len(cells)):
        has_exponent = "e" in time.lower()
        decimals = _EXPONENT_DECIMALS if has_exponent else len(time.replace(",", ".").partition(".")[2])
        most[":" in time] = max(most[":" in time], decimals)
    return most


def _columns(head: Sequence[str], shown: str) -> dict[str, int]:
    where = places_of(head, _COLUMNS)
    for field in ("start_s", "end_s"):
        if field not in where:
            listed = ", ".join(shown_name(cell, 20) for cell in head[:8])
            what = f"{shown} has no column {field}; its head is: {listed}."
            step = f"It may be called {', '.join(_COLUMNS[field])}." if len(head) > 1 else _READABLE
            raise MomentsFileError(what, step)
    return where


@dataclass(frozen=True, slots=True)
class _Table:
    """What the rows of a table share.

    Attributes:
        shown: The file's name for messages.
        where: Field → index of its column.
        headless: The delimiter of a table without a header, else "".
        decimals: See ``_most_decimals``.
    """

    shown: str
    where: Mapping[str, int]
    headless: str
    decimals: Mapping[bool, int]


class _Row:
    """One row, with its number for messages."""

    def __init__(self, table: _Table, number: int, cells: Sequence[str]) -> None:
        self._table, self._number, self._cells = table, number, cells

    def moment(self) -> Moment:
        start_s, end_s = self._limit("start_s", 0.0), self._limit("end_s", MOST_SECONDS)
        if end_s < start_s or (end_s == start_s and self._table.headless != "\t"):
            raise self._wrong("end_s", "is not after the start")
        peak_s = self._time("peak_s") if self._cell("peak_s") else start_s
        peak, mean = self._score("peak"), self._score("mean")
        prompt, label = as_typed(self._cell("prompt")), as_typed(self._cell("label"))
        return Moment(prompt, start_s, end_s, min(max(start_s, peak_s), end_s), peak, mean, label)

    def is_of_an_absent_prompt(self) -> bool:
        times = self._cell("start_s") or self._cell("end_s")
        return bool(self._cell("prompt")) and not times and not self._table.headless

    def _cell(self, field: str) -> str:
        at = self._table.where.get(field, len(self._cells))
        return self._cells[at].strip() if at < len(self._cells) else ""

    def _limit(self, field: str, open_s: float) -> float:
        """Return a start or an end; without a header it may be empty, which means ``open_s``."""
        is_open = self._table.headless and self._table.where[field] < len(self._cells) and not self._cell(field)
        return open_s if is_open else self._time(field)

    def _time(self, field: str) -> float:
        cell = self._cell(field)
        time_s = parse_time(cell)
        if time_s is None and _FRAMES.fullmatch(cell):
            raise self._wrong(field, "counts frames, and how long they are is not known: write seconds or HH:MM:SS.mmm")
        if time_s is None:
            raise self._wrong(field, "is not a time in seconds or HH:MM:SS.mmm")
        return RoundedTime(time_s, 0.5 * 10.0 ** -self._table.decimals[":" in cell])

    def _score(self, field: str) -> float:
        cell = self._cell(field)
        score = parse_number(cell) if ":" not in cell else None
        if cell and score is None:
            raise self._wrong(field, "is not a number")
        return score or 0.0

    def _wrong(self, field: str, why: str) -> MomentsFileError:
        cell = shown_name(self._cell(field).replace("/", "∕"), 30)
        place = f"row {self._number}, column {field}"
        return MomentsFileError(f"{self._table.shown}, {place}: {cell} {why}.", "Correct that row, or leave it out.")
