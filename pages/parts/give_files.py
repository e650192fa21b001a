"""The box Download: moments and scores as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, Format
from clip_core.files import named_after
from clip_core.pipeline.write_outcome import Outcome, moments_file, scores_file
from pages.parts.text import literal


def draw_files(outcome: Outcome) -> None:
    """Draw a button for each format that moments and scores can be written in.

    One button beside a list of formats would race: until the page has run again, it gives the format chosen before.
    """
    _draw_formats("moments", MOMENT_FORMATS, moments_file, outcome)
    if note := _rate_note(outcome):
        counting = ", ".join(form.title for form in MOMENT_FORMATS.values() if form.counts_frames)
        st.caption(literal(f"{counting}: {note}"))
    _draw_formats("scores", SCORE_FORMATS, scores_file, outcome)


def _draw_formats(
    name: str, formats: Mapping[str, Format[...]], write: Callable[[str, Outcome], bytes], outcome: Outcome
) -> None:
    st.caption(f"{name.capitalize()} as")
    with st.container(horizontal=True, gap="xsmall", key=f"{name}_files"):
        for kind, form in formats.items():
            st.download_button(
                form.title,
                partial(write, kind, outcome),
                named_after(outcome.record.name, form.file_name),
                form.mime,
                key=f"{name}_as_{kind}",
                on_click="ignore",
                help=form.file_name,
            )


def _rate_note(outcome: Outcome) -> str:
    """``Outcome.rate_note``, looked up anew only when the table of times changed: it may have a million of them."""
    state, table = st.session_state, outcome.record.table
    asked = (outcome.record.video_id, len(table), table.confirmed)
    if "rate_note" not in state or state.rate_note[0] != asked:
        state.rate_note = (asked, outcome.rate_note)
    note: str = state.rate_note[1]
    return note
