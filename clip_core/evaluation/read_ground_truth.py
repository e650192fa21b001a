"""Read ground truth from CSV, TSV, JSON and JSON Lines files."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from clip_core.errors import TruthError, shown_name
from clip_core.evaluation.ground_truth import Absence, Span, Truth
from clip_core.text import MOST_SECONDS, as_typed, clean_prompt, filled_rows, parse_time, places_of, size_text

_LINE = 'Lines look like {"query": "a dog", "relevant_windows": [[0, 4]]}.'
_ENTRY = 'Entries look like {"prompt": "a dog", "start_s": 0, "end_s": 4}.'
_CORRECT = "Correct that line, or leave it out."


def read_json(text: str, shown: str) -> Truth:
    """Return the ground truth from JSON Lines of QVHighlights, or from one object like data/sample.truth.json.

    - A line: ``{"qid": 1, "query": "a dog", "vid": "holiday", "relevant_windows": [[0, 4.5]]}``. Times are in seconds,
      other keys are ignored, and a query without windows is never visible.
    - One object: ``{"visible": [{"prompt": "a dog", "start_s": 0, "end_s": 4.5}], "absent": ["a cat"]}``.

    Args:
        text: The text of the file.
        shown: Its name for messages.

    Raises:
        TruthError: It is neither; the message names the line or the list entry.
    """
    try:
        whole = _parsed(text)
    except (ValueError, RecursionError) as error:
        if '"visible"' in text and '"relevant_windows"' not in text:
            raise TruthError(f"{shown} is no JSON ({_why(error)}).", "See data/sample.truth.json.") from None
        return _lines(text, shown)
    return _object(whole, shown) if isinstance(whole, dict) and "visible" in whole else _lines(text, shown)


def _lines(text: str, shown: str) -> Truth:
    spans: list[Span] = []
    absent: list[Absence] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            own, absence = _line(line, f"{shown}, line {number}")
            spans += own
            absent += [] if own else [absence]
    return Truth(tuple(spans), tuple(dict.fromkeys(absent)))


def _line(line: str, place: str) -> tuple[list[Span], Absence]:
    """Return the spans of one line, and the absence that it states if it has none."""
    try:
        given = _parsed(line)
    except (ValueError, RecursionError) as error:
        raise TruthError(f"{place}: no JSON ({_why(error)}).", _CORRECT) from None
    if not isinstance(given, dict) or not isinstance(given.get("query"), str) or not clean_prompt(given["query"]):
        raise TruthError(f"{place}: there is no query.", _LINE)
    windows = given.get("relevant_windows")
    if not isinstance(windows, list):
        raise TruthError(f"{place}: there are no relevant_windows.", _LINE)
    query = clean_prompt(given["query"])
    video = clean_prompt(given["vid"]) if isinstance(given.get("vid"), str) else ""
    return [Span(query, *_pair(window, place), video=video) for window in windows], Absence(query, video)


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:60]


def _object(whole: Mapping[str, Any], shown: str) -> Truth:
    visible, absent = whole["visible"], whole.get("absent", [])
    if not isinstance(visible, list) or not isinstance(absent, list):
        raise TruthError(f"{shown}: 'visible' and 'absent' must be lists.", "See data/sample.truth.json.")
    spans = []
    for number, given in enumerate(visible, 1):
        place = f"{shown}, entry {number} of 'visible'"
        prompt = given.get("prompt") if isinstance(given, dict) else None
        if not isinstance(prompt, str) or not clean_prompt(prompt):
            raise TruthError(f"{place}: there is no prompt.", _ENTRY)
        spans.append(Span(clean_prompt(prompt), *_pair([given.get("start_s"), given.get("end_s")], place)))
    if not all(isinstance(prompt, str) and clean_prompt(prompt) for prompt in absent):
        raise TruthError(f"{shown}: an entry of 'absent' is no prompt.", "List texts there.")
    return Truth(tuple(spans), tuple(Absence(clean_prompt(prompt)) for prompt in absent))


def _pair(given: object, place: str) -> tuple[float, float]:
    if not isinstance(given, list) or len(given) != 2 or not all(_is_time(time) for time in given):
        shown = json.dumps(given, ensure_ascii=True, default=str)[:40]
        raise TruthError(f"{place}: {shown} is no [start, end] in seconds.", _CORRECT)
    start_s, end_s = float(given[0]), float(given[1])
    if end_s <= start_s:
        raise TruthError(f"{place}: the end {end_s:g} is not after the start {start_s:g}.", _CORRECT)
    return start_s, end_s


def _is_time(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= MOST_SECONDS


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever it holds
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


MOST_BYTES = 10_000_000
MOST_SPANS = 100_000
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "query", "text", "name"),
    "start": ("start_s", "start", "start_time", "begin"),
    "end": ("end_s", "end", "end_time", "stop"),
    "video": ("video", "vid", "video_name", "file"),
}
"""Accepted column names, the preferred one first; case is ignored."""


def read_truth(content: bytes, name: str) -> Truth:
    """Return the ground truth in a file: JSON or JSON Lines if it begins with ``{``, else CSV.

    Args:
        content: The file's bytes: at most 10 MB of UTF-8.
        name: Its name, used only in messages.

    Raises:
        TruthError: It is too large, empty or invalid; the message names the row or line.
    """
    shown = shown_name(name)
    if len(content) > MOST_BYTES:
        what = f"{shown} has {size_text(len(content))}: that is no list of moments."
        raise TruthError(what, f"At most {MOST_BYTES // 10**6} MB are read.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{shown} is not UTF-8 text (byte {error.start + 1})."
        raise TruthError(what, "Save it as CSV in UTF-8, or as JSON Lines.") from None
    truth = read_json(text, shown) if text.lstrip().startswith("{") else read_csv(text, shown)
    if len(truth.spans) > MOST_SPANS:
        raise TruthError(f"{shown} has {len(truth.spans):,} spans.", f"At most {MOST_SPANS:,} are read.")
    return truth


def read_csv(text: str, shown: str) -> Truth:
    """Return the ground truth in a table: one row per span, with a prompt, a start, an end and optionally a video.

    Times are seconds or [HH:]MM:SS[.mmm]; columns are separated by comma, semicolon or tab; other columns are ignored.
    A row with a prompt but no start and no end says that the prompt is never visible.

    Args:
        text: The table, header first.
        shown: Its name for messages.

    Raises:
        TruthError: As in ``read_truth``; the header is row 1.
    """
    try:
        filled = filled_rows(text)
    except csv.Error as error:
        raise TruthError(f"{shown} is no CSV: {error}.", "Save it as CSV in UTF-8.") from None
    if len(filled) < 2:
        raise TruthError(f"{shown} says nothing.", "It needs a head (prompt,start,end) and a row for each moment.")
    where = _columns(filled[0][1], shown)
    spans: list[Span] = []
    absent: list[Absence] = []
    for number, row in filled[1:]:
        cells = {field: row[at].strip() if at < len(row) else "" for field, at in where.items()}
        prompt = clean_prompt(as_typed(cells["prompt"]))
        video = as_typed(cells.get("video", ""))
        if not prompt:
            raise TruthError(f"{shown}, row {number}: the prompt is missing.", "Correct that row, or leave it out.")
        if cells["start"] or cells["end"]:
            start_s, end_s = (_time(cells[field], f"{shown}, row {number}", field) for field in ("start", "end"))
            if end_s <= start_s:
                what = (
                    f"{shown}, row {number}: the end {cells['end'][:20]} is not after the start {cells['start'][:20]}."
                )
                raise TruthError(what, "Correct that row, or leave it out.")
            spans.append(Span(prompt, start_s, end_s, video))
        else:
            absent.append(Absence(prompt, video))
    return Truth(tuple(spans), tuple(dict.fromkeys(absent)))


def _columns(head: Sequence[str], shown: str) -> dict[str, int]:
    where = places_of(head, _COLUMNS)
    for field, known in _COLUMNS.items():
        if field not in where and field != "video":
            listed = ", ".join(shown_name(cell, 20) for cell in head[:6])
            what = f"{shown} has no column {field}; its head is: {listed}."
            raise TruthError(what, f"It may be called {', '.join(known)}.")
    return where


def _time(cell: str, place: str, field: str) -> float:
    time_s = parse_time(cell)
    if time_s is None:
        given = shown_name(cell.replace("/", "∕"), 30) if cell else "nothing"
        raise TruthError(f"{place}: the {field} is {given}, which is no time.", "Write seconds or HH:MM:SS.mmm.")
    return time_s
