"""A file of truth: CSV, QVHighlights JSON Lines, or JSON as the sample's. Nothing in it is trusted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from clip_core.cells import as_typed, filled_rows, places_of
from clip_core.errors import TruthError, shown_name
from clip_core.evaluation.read_json import read_json
from clip_core.evaluation.truth import Absence, Span, Truth
from clip_core.text import clean_prompt, parse_time, size_text

MOST_BYTES = 10_000_000
MOST_SPANS = 100_000
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt", "query", "text", "name"),
    "start": ("start_s", "start", "start_time", "begin"),
    "end": ("end_s", "end", "end_time", "stop"),
    "video": ("video", "vid", "video_name", "file"),
}
"""Names that a column may have, the best first; capitals do not count."""


def read_truth(content: bytes, name: str) -> Truth:
    """Return the truth in a file: JSON or JSON Lines if it begins with ``{``, else CSV.

    Args:
        content: The file's bytes: at most 10 MB of UTF-8.
        name: What it is called, for messages; decides nothing.

    Raises:
        TruthError: It is too large, empty, or cannot be understood; the message names the row or line.
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
    """Return the truth of a table: a row per span, with a prompt, a start and an end, and perhaps a video's name.

    Times are seconds or [HH:]MM:SS[.mmm]; columns are parted by comma, semicolon or tab; other columns are ignored. A
    row with a prompt and neither start nor end says that this prompt is never there.

    Args:
        text: The table, its head first.
        shown: Its name as it may stand in a message.

    Raises:
        TruthError: As in ``read_truth``; the head is row 1.
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
