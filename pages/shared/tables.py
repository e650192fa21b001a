"""Tables of times: a click on a row goes to its time, even if it is already selected; boxes at the left tick rows.

The browser reports which cell is selected, and reports nothing when that cell is clicked again. So after each click
the server selects another cell of that row, in a column too narrow to click. Until the browser has drawn that
selection, its messages still name the previous cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from clip_core.text import clock
from pages.shared.session import region_state
from pages.shared.theme import theme

ROW_PX, HEAD_PX, MOST_ROWS = 28, 34, 7
HANDLES = ("handle_1", "handle_2", "handle_3")
"""Columns too narrow to click, in which the server selects a cell."""
FEWEST_ROWS = 4
"""Rows that stay visible however low the picture beside the table is."""
_AS_HIGH_AS_ITS_ROWS = """<style>
[data-testid="stLayoutWrapper"]:has(>.st-key-list_table){{
flex:1 1 0;height:0;min-height:{least}px;max-height:{most}px}}
.st-key-list_table{{height:100%}}
.st-key-list_table :is([data-testid="stDataFrameResizable"],.stDataFrameGlideDataEditor,:has(>.dvn-scroller)){{
height:100%!important;min-height:0!important}}
</style>"""
HOUR_S, TEN_MINUTES_S = 3600.0, 600.0
Cell: TypeAlias = tuple[int, str] | None
"""Row and column."""


@dataclass(frozen=True)
class Click:
    """A click on ``row`` of a table; None: the selection was cleared."""

    row: int | None


@dataclass(frozen=True)
class _Selected:
    """The cell that the server selected.

    Attributes:
        cell: That cell.
        before: The cell that the browser still names until it has drawn ``cell``; then ``cell`` itself.
        is_new: Whether it was selected in a callback, after the message of this run had arrived.
    """

    cell: Cell = None
    before: Cell = None
    is_new: bool = False


@dataclass
class TableState:
    """What is kept of the tables.

    Attributes:
        selected: Table → the cell that the server selected.
        places: The table whose rows are places in the video, and their times in seconds; None: none is drawn.
    """

    selected: dict[str, _Selected] = field(default_factory=dict)
    places: tuple[str, list[float]] | None = None


def draw_numbers(key: str, table: pd.DataFrame, columns: dict[str, Any], most_rows: int) -> None:
    """Draw a table that does not react to clicks.

    Args:
        key: The widget key.
        table: The rows; missing numbers are shown as dashes.
        columns: The ``column_config`` of ``st.dataframe``.
        most_rows: How many rows are visible at a time.
    """
    height = HEAD_PX + ROW_PX * min(len(table), most_rows)
    st.dataframe(
        table, key=key, hide_index=True, placeholder="–", row_height=ROW_PX, height=height, column_config=columns
    )


def draw_table(
    key: str, table: pd.DataFrame, columns: dict[str, Any], *, rows_too: bool = False, selected: int | None = None
) -> None:
    """Draw a table in a stretched column: all rows, or as many as fit the height of the columns beside it.

    Args:
        key: The widget key; ``take_click`` returns the clicks for it.
        table: The rows; ``HANDLES`` are inserted into it.
        columns: The ``column_config`` of ``st.dataframe``.
        rows_too: Whether rows can be ticked as well.
        selected: The row to shade.
    """
    for place, name in enumerate(HANDLES, 1):
        table.insert(place, name, "")
    handles = {name: st.column_config.TextColumn("", width=1) for name in HANDLES}
    least, most = (HEAD_PX + ROW_PX * rows for rows in (min(len(table), FEWEST_ROWS), len(table)))
    st.html(_AS_HIGH_AS_ITS_ROWS.format(least=least, most=most))
    with st.container(height="stretch", key="list_table"):
        st.dataframe(
            table if selected is None else table.style.apply(_shades, axis=None, row=selected),
            key=key,
            hide_index=True,
            row_height=ROW_PX,
            height="stretch",
            on_select="rerun",
            selection_mode=["multi-row", "single-cell"] if rows_too else "single-cell",
            column_config=columns | handles,
        )


def _shades(table: pd.DataFrame, row: int) -> pd.DataFrame:
    found = pd.DataFrame("", index=table.index, columns=table.columns)
    found.iloc[row] = f"background-color: {theme().edge}"
    return found


def draw_places(key: str, table: pd.DataFrame, columns: dict[str, Any], times_s: Sequence[float]) -> None:
    """Draw a table whose rows are places in the video; ``clicked_time`` returns the clicks."""
    region_state(TableState).places = (key, list(times_s))
    draw_table(key, table, columns)


def clear_places() -> None:
    """Forget the places that were drawn. Call before another list is drawn."""
    region_state(TableState).places = None


def clicked_time() -> float | None:
    """Return the time of the place that was clicked since the last run, or None. Call once per run."""
    places = region_state(TableState).places
    if places is None:
        return None
    key, times_s = places
    click = take_click(key)
    return times_s[click.row] if click is not None and click.row is not None and click.row < len(times_s) else None


def take_click(key: str) -> Click | None:
    """Return the click on a table since the last run, or None. Call before the table is drawn.

    Args:
        key: The widget key. A table that was not drawn in the last run has no clicks.
    """
    if key not in st.session_state:
        return None
    selected = region_state(TableState).selected
    cell, own = selected_cell(key), selected.get(key, _Selected())
    if own.is_new:
        selected[key] = replace(own, is_new=False)
        return None
    if cell == own.cell:
        selected[key] = _Selected(cell, cell)
        return None
    if cell == own.before or _is_handle_of(own.cell, cell):
        # Either the browser had not yet drawn the server's selection, or the same cell was clicked again and both
        # changes came in one message. Select another handle; a second such message counts, so that no cell is dead.
        again = None if own.cell is None else _handle(own.cell[0], own.cell, cell)
        clicked = cell is not None and cell[1] not in HANDLES
        selected[key] = _Selected(again, again if clicked else own.before)
        _write(key, again, ticked_rows(key))
        return None
    if cell is None:
        selected[key] = _Selected()
        return Click(None)
    select_row(key, cell[0], ticked_rows(key))
    return Click(cell[0])


def select_row(key: str, row: int | None, ticked: Sequence[int], *, early: bool = False) -> None:
    """Select a row (the table scrolls to it) or none, and tick rows. Call before the table is drawn.

    Args:
        key: The widget key.
        row: The row to select; None clears the selection.
        ticked: The rows whose boxes are ticked.
        early: Whether this is called in a callback, before ``take_click`` in the same run.
    """
    before, selected = selected_cell(key), region_state(TableState).selected
    cell = None if row is None else _handle(row, before, selected.get(key, _Selected()).cell)
    selected[key] = _Selected(cell, before, is_new=early)
    _write(key, cell, ticked)


def _handle(row: int, *known: Cell) -> Cell:
    """Return a handle of ``row`` that is not in ``known``: the browser redraws only what is new to it."""
    return next((row, name) for name in HANDLES if (row, name) not in known)


def _is_handle_of(own: Cell, cell: Cell) -> bool:
    """Return whether ``cell`` is a handle, which nobody can click, in the row that the server selected."""
    return own is not None and cell is not None and cell[0] == own[0] and cell[1] in HANDLES


def _write(key: str, cell: Cell, ticked: Sequence[int]) -> None:
    cells = [] if cell is None else [list(cell)]
    st.session_state[key] = {"selection": {"rows": list(ticked), "columns": [], "cells": cells}}


def ticked_rows(key: str) -> list[int]:
    """Return the rows whose boxes are ticked."""
    return list(_selection(key).get("rows") or [])


def selected_cell(key: str) -> Cell:
    """Return the cell that the browser's last message names as selected."""
    cells = _selection(key).get("cells") or []
    return (int(cells[0][0]), str(cells[0][1])) if cells else None


def _selection(key: str) -> dict[str, Any]:
    return (st.session_state.get(key) or {}).get("selection") or {}


def table_of(columns: dict[str, tuple[Sequence[Any], Any]]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table and its ``column_config``. Each of ``columns`` has its values and its config."""
    table = pd.DataFrame({name: values for name, (values, _) in columns.items()})
    return table, {name: config for name, (_, config) in columns.items()}


def time_text(time_s: float, end_s: float) -> str:
    """Return a time as text, padded to the length of the video's end, so that the texts of a list sort as times do."""
    return clock(time_s, width=len(clock(end_s)))


def time_column(label: str, end_s: float) -> Any:  # noqa: ANN401 - Streamlit's own type is private
    """Return the config of a column of ``time_text``."""
    return st.column_config.TextColumn(label, width=time_px(end_s))


def time_px(end_s: float) -> int:
    """Return the width of such a column in pixels."""
    return 66 if end_s < TEN_MINUTES_S else 74 if end_s < HOUR_S else 88
