"""A file of moments that somebody gives us, CSV or OTIO → moments to compare with. Nothing in it is trusted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from clip_core.cells import as_typed, filled_rows, places_of
from clip_core.errors import MomentsFileError, shown_name
from clip_core.export.read_otio import read_otio
from clip_core.text import parse_number, parse_time, size_text
from clip_core.values import Moment

MOST_BYTES = 20_000_000
MOST_MOMENTS = 100_000
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "start_s": ("start_s", "start", "start_time", "begin"),
    "end_s": ("end_s", "end", "end_time", "stop"),
    "prompt": ("prompt", "query", "name", "text", "title"),
    "label": ("label",),
    "peak_s": ("peak_s", "peak_time"),
    "peak": ("peak", "score"),
    "mean": ("mean",),
}
"""Names that a column may have, the best first; capitals do not count."""


def read_moments(content: bytes, name: str) -> list[Moment]:
    """Return the moments in a file: OTIO if it begins with ``{``, else CSV; see ``read_csv`` and ``read_otio``.

    Args:
        content: The file's bytes.
        name: What it is called, for messages; decides nothing.

    Raises:
        MomentsFileError: It is too large, or cannot be understood; the message says where.
    """
    shown = shown_name(name)
    if len(content) > MOST_BYTES:
        raise MomentsFileError(
            f"{shown} has {size_text(len(content))}: that is no list of moments.", f"At most {MOST_BYTES // 10**6} MB."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"{shown} is not UTF-8 text (byte {error.start + 1})."
        raise MomentsFileError(what, "Save it as CSV in UTF-8, or as .otio.") from None
    return read_otio(text, shown) if text.lstrip().startswith("{") else read_csv(text, shown)


def read_csv(text: str, shown: str) -> list[Moment]:
    """Return the moments of a table with a head: a start and an end per row, and a prompt, label, peak … if there.

    Times are seconds or [HH:]MM:SS[.mmm]; columns are parted by comma, semicolon or tab. Empty rows are left out,
    and those of a prompt without times: in a list to evaluate by, it is never there. A missing prompt is "", a missing
    peak_s the start, missing scores are 0. Other columns are ignored.

    Args:
        text: The table.
        shown: Its name as it may stand in a message.

    Raises:
        MomentsFileError: As in ``read_moments``; with the row, the head being row 1, and the column.
    """
    try:
        filled = filled_rows(text)
    except csv.Error as error:
        raise MomentsFileError(f"{shown} is no CSV: {error}.", "Save it as CSV in UTF-8.") from None
    if not filled:
        raise MomentsFileError(f"{shown} is empty.", "It needs a head with the columns start_s and end_s.")
    if len(filled) > MOST_MOMENTS + 1:
        raise MomentsFileError(f"{shown} has {len(filled) - 1:,} rows.", f"At most {MOST_MOMENTS:,} are read.")
    where = _columns(filled[0][1], shown)
    rows = (_Row(shown, number, row, where) for number, row in filled[1:])
    return [row.moment() for row in rows if not row.is_of_an_absent_prompt()]


def _columns(head: Sequence[str], shown: str) -> dict[str, int]:
    where = places_of(head, _COLUMNS)
    for field in ("start_s", "end_s"):
        if field not in where:
            listed = ", ".join(shown_name(cell, 20) for cell in head[:8])
            what = f"{shown} has no column {field}; its head is: {listed}."
            raise MomentsFileError(what, f"It may be called {', '.join(_COLUMNS[field])}.")
    return where


class _Row:
    """One row, with what a message needs to name its place."""

    def __init__(self, shown: str, number: int, cells: Sequence[str], where: Mapping[str, int]) -> None:
        self._shown, self._number, self._cells, self._where = shown, number, cells, where

    def moment(self) -> Moment:
        start_s, end_s = self._time("start_s"), self._time("end_s")
        if end_s <= start_s:
            raise self._wrong("end_s", "is not after the start")
        peak_s = self._time("peak_s") if self._cell("peak_s") else start_s
        peak, mean = self._score("peak"), self._score("mean")
        prompt, label = as_typed(self._cell("prompt")), as_typed(self._cell("label"))
        return Moment(prompt, start_s, end_s, min(max(start_s, peak_s), end_s), peak, mean, label)

    def is_of_an_absent_prompt(self) -> bool:
        return bool(self._cell("prompt")) and not (self._cell("start_s") or self._cell("end_s"))

    def _cell(self, field: str) -> str:
        at = self._where.get(field, len(self._cells))
        return self._cells[at].strip() if at < len(self._cells) else ""

    def _time(self, field: str) -> float:
        cell = self._cell(field)
        time_s = parse_time(cell)
        if time_s is None:
            raise self._wrong(field, "is no time in seconds or HH:MM:SS.mmm")
        return time_s

    def _score(self, field: str) -> float:
        cell = self._cell(field)
        score = parse_number(cell) if ":" not in cell else None
        if cell and score is None:
            raise self._wrong(field, "is no number")
        return score or 0.0

    def _wrong(self, field: str, why: str) -> MomentsFileError:
        cell = shown_name(self._cell(field).replace("/", "∕"), 30)
        place = f"row {self._number}, column {field}"
        return MomentsFileError(f"{self._shown}, {place}: {cell} {why}.", "Correct that row, or leave it out.")
