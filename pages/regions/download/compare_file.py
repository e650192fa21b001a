"""At the bottom of the Settings menu: compare somebody else's moments, from a file, with those of the page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from clip_core.errors import ClipVideoError
from clip_core.evaluation.ground_truth import Span
from clip_core.evaluation.metrics import Match, best_matches
from clip_core.export.read_moments import MOST_BYTES, read_moments
from clip_core.text import clock, short_prompt
from clip_core.types import Moment
from pages.shared.markdown import error_markdown
from pages.shared.tables import draw_numbers

MOST_COMPARED = 500
"""Each is compared with all of ours whenever ours change."""
MOST_ROWS = 6
GOOD = 0.5


def draw_comparison(ours: Sequence[Moment], prompts: Sequence[str]) -> None:
    """Draw the uploader, and how well our moments match each moment of the file."""
    st.markdown("**Compare with a file**")
    upload = st.file_uploader(
        "Moments as CSV or OTIO",
        ["csv", "otio"],
        key="compare_file",
        max_upload_size=MOST_BYTES // 10**6,
        help="CSV: a head with start_s and end_s, and prompt if there are several; times in seconds or HH:MM:SS.mmm. "
        "A moment of a prompt that is asked here is held against moments of that prompt, any other against all.",
    )
    if upload is None:
        st.session_state.pop("compared", None)
        st.session_state.pop("file_matches", None)
        return
    try:
        theirs = _read(upload.file_id, upload.name, upload.getvalue())
    except ClipVideoError as error:
        st.error(error_markdown(error), icon=":material/error:")
        return
    _draw(_matches(upload.file_id, theirs, ours, prompts), len(theirs))


def _matches(file_id: str, theirs: Sequence[Moment], ours: Sequence[Moment], prompts: Sequence[str]) -> list[Match]:
    """Return the comparison, computed again only if the file, our moments or the prompts have changed."""
    state, asked = st.session_state, (file_id, list(ours), tuple(prompts))
    if "file_matches" not in state or state.file_matches[0] != asked:
        state.file_matches = (asked, best_matches(theirs[:MOST_COMPARED], ours, prompts))
    found: list[Match] = state.file_matches[1]
    return found


def _read(file_id: str, name: str, content: bytes) -> list[Moment]:
    """Return the moments of the file, which is read once; raise the same error each time if it cannot be read."""
    state = st.session_state
    if state.get("compared", ("", None))[0] != file_id:
        try:
            state.compared = (file_id, read_moments(content, name))
        except ClipVideoError as error:
            state.compared = (file_id, error)
    found: list[Moment] | ClipVideoError = state.compared[1]
    if isinstance(found, ClipVideoError):
        raise found
    return found


def _draw(matches: Sequence[Match], count: int) -> None:
    if not matches:
        st.caption("There is no moment in the file.")
        return
    mean = sum(match.iou for match in matches) / len(matches)
    good = sum(match.iou >= GOOD for match in matches)
    counted = "1 moment" if count == 1 else f"{count:,} moments"
    cut = f" (the first {MOST_COMPARED} are compared)" if count > MOST_COMPARED else ""
    st.caption(f"{counted}{cut}: mean IoU {mean:.2f}, {good} found at IoU {GOOD} or better.")
    table = pd.DataFrame(
        {
            "prompt": [short_prompt(match.interval.prompt) for match in matches],
            "start": [clock(match.interval.start_s) for match in matches],
            "end": [clock(match.interval.end_s) for match in matches],
            "iou": [match.iou for match in matches],
            "ours": ["none" if match.best is None else _span(match.best) for match in matches],
        }
    )
    columns = {
        "prompt": st.column_config.TextColumn("In the file", width=90),
        "start": st.column_config.TextColumn("Start", width=66),
        "end": st.column_config.TextColumn("End", width=66),
        "iou": st.column_config.NumberColumn("IoU", format="%.2f", width=44),
        "ours": st.column_config.TextColumn("The best here", width=130),
    }
    draw_numbers("compared_table", table, columns, MOST_ROWS)


def _span(moment: Moment | Span) -> str:
    return f"{clock(moment.start_s)} – {clock(moment.end_s)}"
