"""Tables that people give us and take from us: their rows, their columns, and what stands in a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The last four are the full-width forms, which some spreadsheets take for the others."""


def filled_rows(text: str) -> list[tuple[int, list[str]]]:
    """The rows of a table in which something stands, each with its number from 1; empty ones are left out.

    Columns are parted by comma, semicolon or tab: by what the first line has most of.

    Raises:
        csv.Error: It is no table.
    """
    head = text.lstrip("\r\n").partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    return [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]


def places_of(head: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Field → place of its column, for those that the head has.

    Args:
        head: The names of the columns; capitals do not count.
        known: Field → names that its column may have, the best first.
    """
    names = [cell.strip().casefold() for cell in head]
    found = {field: next((name for name in may_be if name in names), None) for field, may_be in known.items()}
    return {field: names.index(name) for field, name in found.items() if name is not None}


def as_typed(cell: str) -> str:
    """A cell without the quote that an export puts before what a spreadsheet would run as a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" '").startswith(FORMULA_STARTS) else cell
