"""The table of moments, and which of them are selected or ticked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.column_config import ImageColumn, NumberColumn, TextColumn

from clip_core.analysis.annotations import Reviewed
from clip_core.errors import ClipVideoError
from clip_core.indexing.thumbnails import peak_pts
from clip_core.text import short_prompt, shown_value, value_decimals
from clip_core.types import Moment, Scores, VideoRecord
from clip_core.video.drawing import jpeg_uri
from pages.regions.moments.state import MomentId, MomentsState
from pages.regions.sidebar.prompts import Prompts
from pages.shared import cache
from pages.shared.markdown import error_markdown
from pages.shared.session import region_state
from pages.shared.tables import (
    draw_table,
    select_row,
    selected_cell,
    table_of,
    take_click,
    ticked_rows,
    time_column,
    time_px,
    time_text,
)
from pages.shared.theme import question_mark


def moment_id(reviewed: Reviewed, video_id: str) -> MomentId:
    """Return what identifies a moment; it stays the same when the moment is annotated."""
    anchor_s = reviewed.moment.peak_s if reviewed.annotation is None else reviewed.annotation.anchor_s
    return MomentId(video_id, reviewed.moment.prompt, anchor_s)


def settle_rows(ids: list[MomentId], starts_s: Sequence[float]) -> tuple[int | None, list[int]]:
    """Return the selected row, or None, and the ticked rows. Call before anything is drawn.

    A click selects its moment and asks to show its start; a later tick clears the selection. If the list changes,
    selection and ticks follow their moments, and the table gets a new key: a late browser message has the row
    numbers of the old list.

    Args:
        ids: The moments of the current list.
        starts_s: Their start times, in seconds.
    """
    state = region_state(MomentsState)
    before, state.in_table = state.in_table, ids
    row_of = {moment: row for row, moment in enumerate(ids)}
    ticked = [before[row] for row in ticked_rows(state.table_key) if row < len(before)]
    click = take_click(state.table_key)
    if click is not None:
        state.selected = before[click.row] if click.row is not None and click.row < len(before) else None
    elif set(ticked) - set(state.ticked):
        state.selected = None
    selected = None if state.selected is None else row_of.get(state.selected)
    if (click is not None or state.show_selected) and selected is not None:
        state.clicked_start_s = starts_s[selected]
    state.ticked, state.show_selected = ticked, False
    rows = sorted(row_of[moment] for moment in ticked if moment in row_of)
    _show(selected, rows, is_other=before != ids)
    return selected, rows


def _show(selected: int | None, rows: list[int], *, is_other: bool) -> None:
    """Make the browser show the selection and the ticks, if it does not yet."""
    state = region_state(MomentsState)
    shown = _row_in_browser()
    if is_other and (rows or shown is not None or ticked_rows(state.table_key)):
        state.table_key = f"moments-{int(state.table_key.partition('-')[2] or 0) + 1}"
    elif shown == selected:
        return
    select_row(state.table_key, selected, rows)


def take_clicked_start() -> float | None:
    """Return the start, in seconds, of a moment to which the playhead is to go, once."""
    state = region_state(MomentsState)
    start_s, state.clicked_start_s = state.clicked_start_s, None
    return start_s


def show_next(moment: MomentId) -> None:
    """Select the moment after this one in the list as last drawn, and show its start. For a callback."""
    ids = region_state(MomentsState).in_table
    if moment in ids[:-1]:
        show_moment(ids[ids.index(moment) + 1])


def show_moment(moment: MomentId) -> None:
    """Select a moment and show its start, if it is in the list. For a callback."""
    state = region_state(MomentsState)
    state.selected, state.show_selected = moment, True
    row = state.in_table.index(moment) if moment in state.in_table else None
    select_row(state.table_key, row, ticked_rows(state.table_key), early=True)


def selected_in_browser() -> int | None:
    """Return the row that the browser shows as selected in the list as last drawn, or None. For a callback."""
    row = _row_in_browser()
    return row if row is not None and row < len(region_state(MomentsState).in_table) else None


def _row_in_browser() -> int | None:
    cell = selected_cell(region_state(MomentsState).table_key)
    return None if cell is None else cell[0]


PATIENCE_S = 0.5
"""Time that one run spends on drawing missing pictures; few are missing, because indexing stores them."""


def thumbnails_at(
    moments: Sequence[Moment], scores: Scores, record: VideoRecord, path: str, *, patience_s: float = PATIENCE_S
) -> dict[float, bytes]:
    """Return peak time in seconds → JPEG, for pictures that are stored or can be drawn within ``patience_s``.

    Raises:
        VideoError: The file is gone.
        StoreError: The store cannot be used.
    """
    pts = peak_pts(moments, scores, record)
    jpegs = cache.thumbnails(path, record, list(pts.values()), cache.config().embeddings, patience_s=patience_s)
    return {peak_s: jpegs[p] for peak_s, p in pts.items() if p in jpegs}


def thumbnail_uris(moments: Sequence[Moment], scores: Scores, record: VideoRecord, path: str) -> dict[float, str]:
    """Return peak time → the picture as a data URI. Raises what ``thumbnails_at`` raises."""
    jpegs = thumbnails_at(moments, scores, record, path)
    return {peak_s: jpeg_uri(jpeg) for peak_s, jpeg in jpegs.items()}


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
    """Draw the table of ``reviewed``; its row ``selected`` is shaded. ``scores``: the samples of the peaks."""
    moments, end_s, unit = [r.moment for r in reviewed], scores.end_s, scores.unit
    number, prompt_px = f"%.{value_decimals(unit)}f", UP_TO_PEAK_PX - 2 * SIGN_PX - time_px(end_s)
    uris, why_not = dict[float, str](), ""
    try:
        uris = thumbnail_uris(moments[:MOST_PICTURES], scores, record, path)
    except ClipVideoError as error:
        why_not = error_markdown(error)
    peaks = [shown_value(m.peak, unit) for m in moments]
    table, columns = table_of(
        {
            "judged": ([_sign(r) for r in reviewed], TextColumn("", width=SIGN_PX, help=JUDGED_HELP)),
            "colour": ([_colour(r, prompts) for r in reviewed], ImageColumn("", width=SIGN_PX)),
            "prompt": ([short_prompt(m.prompt) for m in moments], TextColumn("Prompt", width=prompt_px)),
            "start": ([time_text(m.start_s, end_s) for m in moments], time_column("Start", end_s)),
            "peak": (peaks, NumberColumn("Peak", format=number, width=PEAK_PX, help=PEAK_HELP)),
            "end": ([time_text(m.end_s, end_s) for m in moments], time_column("End", end_s)),
            "duration": ([m.duration_s for m in moments], NumberColumn("Duration", format="%.2f s", width=66)),
            "peak_at": ([time_text(m.peak_s, end_s) for m in moments], time_column("Peak at", end_s)),
            "mean": ([shown_value(m.mean, unit) for m in moments], NumberColumn("Mean", format=number, width=PEAK_PX)),
            "label": ([m.label for m in moments], TextColumn("Label", width=100)),
            "picture": ([uris.get(m.peak_s) for m in moments], ImageColumn("At the peak", width=64)),
        }
    )
    draw_table(region_state(MomentsState).table_key, table, columns, rows_too=True, selected=selected)
    if why_not:
        st.caption(f"Pictures cannot be shown: {why_not}")


def _sign(reviewed: Reviewed) -> str:
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
