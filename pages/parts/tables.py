"""Tables of times: a click on a cell seeks, the boxes at the left select rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.playhead import EPOCH

ROW_PX, HEAD_PX, MOST_ROWS = 28, 34, 7
FEWEST_ROWS = 4
"""So many are seen however low the picture beside the table is."""
_AS_HIGH_AS_ITS_ROWS = """<style>
[data-testid="stLayoutWrapper"]:has(>.st-key-list_table){{
flex:1 1 0;height:0;min-height:{least}px;max-height:{most}px}}
.st-key-list_table{{height:100%}}
.st-key-list_table :is([data-testid="stDataFrameResizable"],.stDataFrameGlideDataEditor,:has(>.dvn-scroller)){{
height:100%!important;min-height:0!important}}
</style>"""
HOUR_S = 3600.0


def draw_table(key: str, table: pd.DataFrame, columns: dict[str, Any], *, rows_too: bool = False) -> None:
    """Draw a table in a column that is stretched: all rows, or as many as the columns beside it leave room for.

    ``rows_too`` lets rows be selected as well.
    """
    least, most = (HEAD_PX + ROW_PX * rows for rows in (min(len(table), FEWEST_ROWS), len(table)))
    st.html(_AS_HIGH_AS_ITS_ROWS.format(least=least, most=most))
    with st.container(height="stretch", key="list_table"):
        st.dataframe(
            table,
            key=key,
            hide_index=True,
            row_height=ROW_PX,
            height="stretch",
            on_select="rerun",
            selection_mode=["multi-row", "single-cell"] if rows_too else "single-cell",
            column_config=columns,
        )


def selected_rows(key: str) -> list[int]:
    """The rows whose boxes are ticked."""
    return list(((st.session_state.get(key) or {}).get("selection") or {}).get("rows") or [])


def instant(time_s: float) -> dt.datetime:
    """A time as a date, so that the table's header sorts it rightly."""
    return EPOCH + dt.timedelta(seconds=time_s)


def time_column(label: str, end_s: float) -> Any:  # noqa: ANN401 - Streamlit's own type is private
    """A column of instants."""
    return st.column_config.DatetimeColumn(label, format="H:mm:ss.SSS" if end_s >= HOUR_S else "m:ss.SSS", width=66)
