"""At the bottom of the Settings menu: compare somebody else's moments, from a file, with those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.column_config import NumberColumn, TextColumn

from clip_core.analysis.export_bundle import ExportBundle
from clip_core.errors import ClipVideoError
from clip_core.evaluation.metrics import Match, best_matches
from clip_core.export.read_moments import LIST_SUFFIXES, MOST_BYTES, read_moments
from clip_core.text import MOST_SECONDS, clock, counted, short_prompt
from clip_core.types import Moment
from pages.regions.download.files import DownloadState
from pages.shared.markdown import error_markdown
from pages.shared.session import Remembered, region_state
from pages.shared.tables import draw_numbers, table_of

MOST_COMPARED = 500
"""Each is compared with all of ours whenever ours change."""
MOST_ROWS = 6
GOOD = 0.5


def draw_comparison(ours: Sequence[Moment], bundle: ExportBundle) -> None:
    """Draw the uploader, and how well our moments, which are among those of ``bundle``, match each one of the file."""
    prompts, end_s = bundle.detection.scores.prompts, bundle.record.table.end_s
    st.markdown("**Compare with a file**")
    upload = st.file_uploader(
        "Moments as CSV or OTIO",
        [suffix[1:] for suffix in LIST_SUFFIXES],
        key="compare_file",
        max_upload_size=MOST_BYTES // 10**6,
        help="CSV: a header with start_s and end_s, and prompt if there are several; times in seconds or "
        "HH:MM:SS.mmm. WebVTT, SRT and lists of LosslessCut, PySceneDetect and Audacity are read too. "
        "A moment is compared with those of its prompt, or with all if its prompt is not in the list.",
    )
    state = region_state(DownloadState)
    if upload is None:
        state.theirs, state.matches = Remembered(), Remembered()
        return
    asked = (upload.file_id, bundle.record.video_id)
    theirs = state.theirs.of(asked, lambda: _read(upload.name, upload.getvalue(), bundle))
    if isinstance(theirs, ClipVideoError):
        st.error(error_markdown(theirs), icon=":material/error:")
        return
    inputs = (*asked, list(ours), tuple(prompts))
    matches = state.matches.of(inputs, lambda: best_matches(_closed(theirs[:MOST_COMPARED], end_s), ours, prompts))
    _draw(matches, len(theirs))


def _read(name: str, content: bytes, bundle: ExportBundle) -> list[Moment] | ClipVideoError:
    """Return the moments of the file, or why it cannot be read."""
    try:
        return read_moments(content, name, lambda: float(bundle.source.first_frame_s))
    except ClipVideoError as error:
        return error


def _closed(moments: Sequence[Moment], end_s: float) -> list[Moment]:
    """Return the moments; those that last to the end of any video end with this one."""
    return [replace(m, end_s=max(m.start_s, end_s)) if m.end_s == MOST_SECONDS else m for m in moments]


def _draw(matches: Sequence[Match], count: int) -> None:
    if not matches:
        st.caption("There is no moment in the file.")
        return
    mean = sum(match.iou for match in matches) / len(matches)
    good = sum(match.iou >= GOOD for match in matches)
    cut = f" (the first {MOST_COMPARED} are compared)" if count > MOST_COMPARED else ""
    st.caption(f"{counted(count, 'moment')}{cut}: mean IoU {mean:.2f}, {good} found at IoU {GOOD} or better.")
    ours = [match.best for match in matches]
    best = ["none" if m is None else f"{clock(m.start_s)} – {clock(m.end_s)}" for m in ours]
    table, columns = table_of(
        {
            "prompt": ([short_prompt(match.interval.prompt) for match in matches], TextColumn("In the file", width=90)),
            "start": ([clock(match.interval.start_s) for match in matches], TextColumn("Start", width=66)),
            "end": ([clock(match.interval.end_s) for match in matches], TextColumn("End", width=66)),
            "iou": ([match.iou for match in matches], NumberColumn("IoU", format="%.2f", width=44)),
            "ours": (best, TextColumn("The best here", width=130)),
        }
    )
    draw_numbers("compared_table", table, columns, MOST_ROWS)
