"""Which moment is selected and which are ticked: kept by name, for the browser knows rows by number alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import streamlit as st

from clip_core.scoring.reviewed import Reviewed
from pages.parts.tables import select_row, selected_cell, take_click, ticked_rows

Name: TypeAlias = tuple[str, str, float]
"""Video, prompt, and where the moment was highest when it was first touched: what its judgement is known by."""


def name_of(reviewed: Reviewed, video_id: str) -> Name:
    """The name of a moment, which stays when it is judged."""
    anchor_s = reviewed.moment.peak_s if reviewed.edit is None else reviewed.edit.anchor_s
    return video_id, reviewed.moment.prompt, anchor_s


def table_key() -> str:
    """The key of the table of moments."""
    key: str = st.session_state.setdefault("moments_key", "moments")
    return key


def settle_rows(names: list[Name], starts_s: Sequence[float]) -> tuple[int | None, list[int]]:
    """Say which row of a list is selected and which are ticked. Call before anything is drawn.

    A click selects its moment and wants its start to be shown; ticks that come later take its place. In another list
    both go along with their moments, and the table is another one: a late message of the browser would mean other
    moments by the numbers of the old list.

    Args:
        names: Of the moments in the list of now.
        starts_s: Where they begin, in seconds.
    """
    state, key = st.session_state, table_key()
    before, state.moments_names = state.get("moments_names", names), names
    places = {name: place for place, name in enumerate(names)}
    ticked = [before[row] for row in ticked_rows(key) if row < len(before)]
    click = take_click(key)
    if click is not None:
        state.moment_selected = before[click.row] if click.row is not None and click.row < len(before) else None
    elif set(ticked) - set(state.get("moments_ticked", [])):
        state.moment_selected = None
    if (click is not None or state.pop("moment_to_show", False)) and state.get("moment_selected") in places:
        state.moment_clicked_s = starts_s[places[state.moment_selected]]
    state.moments_ticked = ticked
    place, rows = places.get(state.get("moment_selected")), sorted(places[name] for name in ticked if name in places)
    _put(key, place, rows, is_other=before != names)
    return place, rows


def _put(key: str, place: int | None, rows: list[int], *, is_other: bool) -> None:
    """Let the browser show what is selected, where it does not."""
    cell = selected_cell(key)
    shown = None if cell is None else cell[0]
    if is_other and (rows or shown is not None or ticked_rows(key)):
        key = st.session_state.moments_key = f"moments-{int(key.partition('-')[2] or 0) + 1}"
        select_row(key, place, rows)
    elif shown != place:
        select_row(key, place, rows)


def show_next(name: Name) -> None:
    """Select what stands behind a moment in the list as it was drawn last, and show its start. For a callback."""
    names = _drawn()
    if name in names[:-1]:
        show_moment(names[names.index(name) + 1])


def show_moment(name: Name) -> None:
    """Select a moment and show its start, if it is in the list. For a callback."""
    state, key, names = st.session_state, table_key(), _drawn()
    state.moment_selected, state.moment_to_show = name, True
    select_row(key, names.index(name) if name in names else None, ticked_rows(key), early=True)


def place_in_browser() -> int | None:
    """The row that the browser shows as selected, in the list as it was drawn last. For a callback."""
    cell = selected_cell(table_key())
    return cell[0] if cell is not None and cell[0] < len(_drawn()) else None


def _drawn() -> list[Name]:
    """The moments of the list as it was drawn last."""
    names: list[Name] = st.session_state.get("moments_names", [])
    return names
