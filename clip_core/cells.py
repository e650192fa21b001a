"""Read the rows, columns and cells of imported tables, and know which cells a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The last four are full-width forms, which some spreadsheets treat like the ASCII ones."""


def filled_rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the non-empty rows of a table, each with its row number counted from 1.

    The delimiter is the comma, semicolon or tab, whichever is most frequent in the first line.

    Raises:
        csv.Error: The text cannot be parsed as CSV.
    """
    head = text.lstrip("\r\n").partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    return [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]


def places_of(head: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return field → column index, for the fields that have a column.

    Args:
        head: The column names; case is ignored.
        known: Field → accepted column names, in order of preference.
    """
    names = [cell.strip().casefold() for cell in head]
    found = {field: next((name for name in may_be if name in names), None) for field, may_be in known.items()}
    return {field: names.index(name) for field, name in found.items() if name is not None}


def as_typed(cell: str) -> str:
    """Return a cell without the leading quote that our export puts before text that looks like a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" '").startswith(FORMULA_STARTS) else cell
