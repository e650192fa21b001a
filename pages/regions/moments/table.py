"""The table of moments, and which of them are selected or ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pandas as pd
import streamlit as st

from clip_core.analysis.annotations import Reviewed
from clip_core.errors import ClipVideoError
from clip_core.text import short_prompt, shown_value, value_decimals
from clip_core.types import Scores, VideoRecord
from pages.regions.moments.contact_sheet import thumbnail_uris
from pages.regions.sidebar.prompts import Prompts
from pages.shared.markdown import error_markdown
from pages.shared.tables import (
    draw_table,
    select_row,
    selected_cell,
    take_click,
    ticked_rows,
    time_column,
    time_px,
    time_text,
)
from pages.shared.theme import question_mark

Name: TypeAlias = tuple[str, str, float]
"""Video id, prompt, and peak time of the moment when it was first annotated: this identifies its annotation."""


def name_of(reviewed: Reviewed, video_id: str) -> Name:
    """Return the name of a moment, which stays the same when it is annotated."""
    anchor_s = reviewed.moment.peak_s if reviewed.annotation is None else reviewed.annotation.anchor_s
    return video_id, reviewed.moment.prompt, anchor_s


def table_key() -> str:
    """Return the widget key of the table of moments."""
    key: str = st.session_state.setdefault("moments_key", "moments")
    return key


def settle_rows(names: list[Name], starts_s: Sequence[float]) -> tuple[int | None, list[int]]:
    """Return the selected row, or None, and the ticked rows. Call before anything is drawn.

    A click selects its moment and asks to show its start; a later tick clears the selection. If the list changes,
    selection and ticks follow their moments, and the table gets a new key: a late browser message has the row
    numbers of the old list.

    Args:
        names: Names of the moments in the current list.
        starts_s: Their start times, in seconds.
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
    selected: Name | None = state.get("moment_selected")
    place = None if selected is None else places.get(selected)
    rows = sorted(places[name] for name in ticked if name in places)
    _put(key, place, rows, is_other=before != names)
    return place, rows


def _put(key: str, place: int | None, rows: list[int], *, is_other: bool) -> None:
    """Make the browser show the selection and the ticks, if it does not yet."""
    cell = selected_cell(key)
    shown = None if cell is None else cell[0]
    if is_other and (rows or shown is not None or ticked_rows(key)):
        key = st.session_state.moments_key = f"moments-{int(key.partition('-')[2] or 0) + 1}"
        select_row(key, place, rows)
    elif shown != place:
        select_row(key, place, rows)


def show_next(name: Name) -> None:
    """Select the moment after ``name`` in the list as last drawn, and show its start. For a callback."""
    names = _drawn()
    if name in names[:-1]:
        show_moment(names[names.index(name) + 1])


def show_moment(name: Name) -> None:
    """Select a moment and show its start, if it is in the list. For a callback."""
    state, key, names = st.session_state, table_key(), _drawn()
    state.moment_selected, state.moment_to_show = name, True
    select_row(key, names.index(name) if name in names else None, ticked_rows(key), early=True)


def place_in_browser() -> int | None:
    """Return the row that the browser shows as selected in the list as last drawn, or None. For a callback."""
    cell = selected_cell(table_key())
    return cell[0] if cell is not None and cell[0] < len(_drawn()) else None


def _drawn() -> list[Name]:
    """Return the moments of the list as last drawn."""
    names: list[Name] = st.session_state.get("moments_names", [])
    return names


MOST_PICTURES = 40
"""Most pictures in the table; each adds 5 kB to what is sent when the table changes."""
VERDICTS = {"accepted": "✓", "rejected": "✗", "added": "+", "": "✎"}
JUDGED_HELP = "✓ accepted, ✗ rejected, + added, ✎ changed by hand, ? a candidate: not sure that it is one"
PEAK_HELP = (
    "With one threshold for all: the highest value of the drawn curve. With Adapt: the level of the best segment, a "
    "mean before smoothing; the curve may rise above it. The list is ordered by it."
)
SIGN_PX, PEAK_PX, UP_TO_PEAK_PX = 24, 50, 200
"""Verdict or colour; peak; all columns before it. The peak is visible at 1366 px, where the list is 290 px wide."""


def draw_moment_table(
    reviewed: list[Reviewed], selected: int | None, scores: Scores, prompts: Prompts, record: VideoRecord, path: str
) -> None:
    """Draw the table.

    Args:
        reviewed: Its rows.
        selected: The row that is selected, or None.
        scores: The samples in which the peaks lie, and their unit.
        prompts: Gives the colours.
        record: The video.
        path: The video's file.
    """
    moments, end_s, unit = [r.moment for r in reviewed], scores.end_s, scores.unit
    number = f"%.{value_decimals(unit)}f"
    uris, why_not = dict[float, str](), ""
    try:
        uris = thumbnail_uris(moments[:MOST_PICTURES], scores, record, path)
    except ClipVideoError as error:
        why_not = error_markdown(error)
    table = pd.DataFrame(
        {
            "judged": [judged_sign(r) for r in reviewed],
            "colour": [_colour(r, prompts) for r in reviewed],
            "prompt": [short_prompt(m.prompt) for m in moments],
            "start": [time_text(m.start_s, end_s) for m in moments],
            "peak": [shown_value(m.peak, unit) for m in moments],
            "end": [time_text(m.end_s, end_s) for m in moments],
            "duration": [m.duration_s for m in moments],
            "peak_at": [time_text(m.peak_s, end_s) for m in moments],
            "mean": [shown_value(m.mean, unit) for m in moments],
            "label": [m.label for m in moments],
            "picture": [uris.get(m.peak_s) for m in moments],
        }
    )
    columns = {
        "judged": st.column_config.TextColumn("", width=SIGN_PX, help=JUDGED_HELP),
        "colour": st.column_config.ImageColumn("", width=SIGN_PX),
        "prompt": st.column_config.TextColumn("Prompt", width=UP_TO_PEAK_PX - 2 * SIGN_PX - time_px(end_s)),
        "start": time_column("Start", end_s),
        "peak": st.column_config.NumberColumn("Peak", format=number, width=PEAK_PX, help=PEAK_HELP),
        "end": time_column("End", end_s),
        "duration": st.column_config.NumberColumn("Duration", format="%.2f s", width=66),
        "peak_at": time_column("Peak at", end_s),
        "mean": st.column_config.NumberColumn("Mean", format=number, width=PEAK_PX),
        "label": st.column_config.TextColumn("Label", width=100),
        "picture": st.column_config.ImageColumn("At the peak", width=64),
    }
    draw_table(table_key(), table, columns, rows_too=True, selected=selected)
    if why_not:
        st.caption(f"Pictures cannot be shown: {why_not}")


def judged_sign(reviewed: Reviewed) -> str:
    """Return the annotation of a moment as one sign."""
    if reviewed.is_candidate:
        return "?"
    return "" if reviewed.annotation is None else VERDICTS[reviewed.annotation.verdict]


def _colour(reviewed: Reviewed, prompts: Prompts) -> str | None:
    """Return the swatch of its prompt; None for a combination, or a prompt that is no longer in the list."""
    prompt = reviewed.moment.prompt
    if prompt not in prompts.numbers:
        return None
    return question_mark(prompts.colour(prompt), 20) if reviewed.is_candidate else prompts.swatch(prompt, 20)
