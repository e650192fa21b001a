"""Evaluate, Truth: when each prompt can be seen, according to a file and to marks made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from clip_core.analysis.export_bundle import truth_csv
from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import MOST_BYTES, Truth, joined, of_video, read_truth
from clip_core.evaluation.marks import Marked, truth_of
from clip_core.files import named_after
from clip_core.text import short_prompt
from clip_core.types import VideoRecord
from pages.regions.evaluation.marks import marks_of
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.page import draw_error
from pages.shared.theme import unseen

FORMATS = (
    "CSV: prompt, start, end (seconds or HH:MM:SS.mmm; a prompt without times is never there). QVHighlights JSON "
    "Lines: query, relevant_windows. Or JSON as data/sample.truth.json."
)


@dataclass(frozen=True)
class GroundTruthInput:
    """The ground truth of a video.

    Attributes:
        truth: From the file and the marks together; None: nothing is known.
        warnings: What was left out of the file, one sentence each.
        marks: All marks of this video, including those of single frames.
        error: Why the file says nothing about this video.
    """

    truth: Truth | None
    warnings: Sequence[str]
    marks: tuple[Marked, ...]
    error: TruthError | None = None


def known_truth(record: VideoRecord) -> GroundTruthInput:
    """Return the ground truth of the video, from the loaded file and the marks."""
    marks = marks_of(record.video_id)
    truth, warnings, error = truth_of(marks), list[str](), None
    kept = _file_of(record.video_id)
    if kept is not None:
        try:
            by_file, warnings = of_video(kept[1], [record.name, record.video_id])
            truth = joined(by_file, truth)
        except TruthError as found:
            error = found
    return GroundTruthInput(truth if truth.prompts else None, warnings, marks, error)


def _file_of(video_id: str) -> tuple[str, Truth] | None:
    """Return name and content of the loaded file, if it was loaded for this video or names the videos it is about."""
    loaded: tuple[str, Truth, str] | None = st.session_state.get("truth_file")
    if loaded is None:
        return None
    name, truth, loaded_for = loaded
    names_videos = any(span.video for span in truth.spans) or any(absence.video for absence in truth.absent)
    return (name, truth) if names_videos or loaded_for == video_id else None


def draw_source(given: GroundTruthInput, record: VideoRecord, draw_notes: Callable[[], None]) -> None:
    """Draw the file or the uploader, then the notes on it, and the button that downloads the ground truth."""
    kept = _file_of(record.video_id)
    empty = kept is None and given.truth is None and not given.marks
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="truth_row"):
        if kept is not None:
            _draw_file(*kept)
        elif not empty:
            with st.popover("Load a file", icon=":material/upload_file:"):
                _draw_upload(record.video_id)
        draw_notes()
        if given.truth is not None:
            st.download_button(
                "Save as CSV", truth_csv(given.truth), named_after(record.name, "truth.csv"), "text/csv",
                key="truth_csv", icon=":material/download:", on_click="ignore",
                help="All of it, to load here again, for the command evaluate, or for Compare with a file on "
                "Investigate. Of prompts that are only marked as not there it says that they are never there.",
            )  # fmt: skip
    if empty:
        _draw_upload(record.video_id)
    if given.error is not None:
        draw_error(given.error)
    elif st.session_state.get("truth_error"):
        st.error(st.session_state.truth_error, icon=":material/error:")


def _draw_file(name: str, truth: Truth) -> None:
    spans = f"{len(truth.spans):,} span{'' if len(truth.spans) == 1 else 's'}"
    prompts = f"{len(truth.prompts)} prompt{'' if len(truth.prompts) == 1 else 's'}"
    st.caption(f":material/check: {escape_markdown(short_prompt(name))} · {spans} · {prompts}", width="content")
    st.button(
        unseen("Take the file away"),
        icon=":material/close:",
        key="forget_truth",
        help="Take the file away",
        on_click=_forget_file,
    )


def _draw_upload(video_id: str) -> None:
    """Draw the uploader. The file is kept in the session: an uploader forgets it when another page is visited."""
    state = st.session_state
    number = state.setdefault("truth_number", 0)
    file = st.file_uploader(
        "Truth", ["csv", "jsonl", "json"], max_upload_size=MOST_BYTES // 10**6, key=f"truth_upload_{number}",
        label_visibility="collapsed", help=FORMATS,
    )  # fmt: skip
    if file is None:
        return
    state.truth_number, state.truth_error = number + 1, None
    try:
        state.truth_file = (file.name, read_truth(file.getvalue()[: MOST_BYTES + 1], file.name), video_id)
    except TruthError as error:
        state.truth_error = error_markdown(error)
    st.rerun()


def _forget_file() -> None:
    st.session_state.truth_file = st.session_state.truth_error = None
