"""Evaluate, Truth: when each prompt can be seen, according to a file and to marks made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from clip_core.analysis.export_bundle import truth_csv
from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import MOST_BYTES, Truth, joined, of_video, read_truth
from clip_core.evaluation.marks import Mark, truth_of
from clip_core.files import named_after
from clip_core.text import counted, short_prompt
from clip_core.types import VideoRecord
from pages.regions.evaluation.state import EvaluationState, TruthFile
from pages.regions.moments.in_out import ENDS, clear_in_out, draw_end, in_out, is_no_time_typed, settle_in_out
from pages.regions.viewer.playhead import Playhead
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.page import draw_error
from pages.shared.session import region_state
from pages.shared.theme import unseen
from pages.shared.uploads import free
from pages.shared.widgets import bound

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
    marks: tuple[Mark, ...]
    error: TruthError | None = None


def known_truth(record: VideoRecord) -> GroundTruthInput:
    """Return the ground truth of the video, from the loaded file and the marks."""
    marks = marks_of(record.video_id)
    truth, warnings, error = truth_of(marks), list[str](), None
    if (file := _file_of(record.video_id)) is not None:
        try:
            in_file, warnings = of_video(file.truth, [record.name, record.video_id])
            truth = joined(in_file, truth)
        except TruthError as unusable:
            error = unusable
    return GroundTruthInput(truth if truth.prompts else None, warnings, marks, error)


def _file_of(video_id: str) -> TruthFile | None:
    """Return the loaded file, if it was loaded for this video or names the videos it is about."""
    file = region_state(EvaluationState).truth_file
    if file is None:
        return None
    names_videos = any(span.video for span in file.truth.spans) or any(absence.video for absence in file.truth.absent)
    return file if names_videos or file.loaded_for == video_id else None


def draw_source(source: GroundTruthInput, record: VideoRecord, notes: Sequence[str]) -> None:
    """Draw the file or the uploader, then the notes on it, and the button that downloads the ground truth."""
    file = _file_of(record.video_id)
    empty = file is None and source.truth is None and not source.marks
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="truth_row"):
        if file is not None:
            _draw_file(file)
        elif not empty:
            with st.popover("Load a file", icon=":material/upload_file:"):
                _draw_upload(record.video_id)
        if notes:
            with st.popover(counted(len(notes), "note"), icon=":material/warning:", key="truth_notes"):
                for note in notes:
                    st.caption(f":material/warning: {escape_markdown(note)}")
        if source.truth is not None:
            st.download_button(
                "Save as CSV", truth_csv(source.truth), named_after(record.name, "truth.csv"), "text/csv",
                key="truth_csv", icon=":material/download:", on_click="ignore",
                help="The whole ground truth, to load here again, for the command evaluate, or for Compare with a file "
                "on Investigate. Prompts that are only marked as not there are saved as never there.",
            )  # fmt: skip
    if empty:
        _draw_upload(record.video_id)
    if source.error is not None:
        draw_error(source.error)
    elif (truth_error := region_state(EvaluationState).truth_error) is not None:
        st.error(truth_error, icon=":material/error:")


def _draw_file(file: TruthFile) -> None:
    counts = f"{counted(len(file.truth.spans), 'span')} · {counted(len(file.truth.prompts), 'prompt')}"
    st.caption(f":material/check: {escape_markdown(short_prompt(file.name))} · {counts}", width="content")
    label = "Take the file away"
    st.button(unseen(label), icon=":material/close:", key="forget_truth", help=label, on_click=_forget_file)


def _draw_upload(video_id: str) -> None:
    """Draw the uploader. The file is kept in the session: an uploader forgets it when another page is visited."""
    state = region_state(EvaluationState)
    file = st.file_uploader(
        "Truth", ["csv", "jsonl", "json"], max_upload_size=MOST_BYTES // 10**6, key=f"truth_upload_{state.uploads}",
        label_visibility="collapsed", help=FORMATS,
    )  # fmt: skip
    if file is None:
        return
    state.uploads, state.truth_error = state.uploads + 1, None
    try:
        state.truth_file = TruthFile(file.name, read_truth(file.getvalue()[: MOST_BYTES + 1], file.name), video_id)
    except TruthError as error:
        state.truth_error = error_markdown(error)
    free(file)
    st.rerun()


def _forget_file() -> None:
    state = region_state(EvaluationState)
    state.truth_file = state.truth_error = None


MOST_UNDONE = 50


def marks_of(video_id: str) -> tuple[Mark, ...]:
    """Return the marks of a video, in the order in which they were made."""
    return region_state(EvaluationState).marks.get(video_id, ())


def drop_marks(video_id: str, dropped: Sequence[Mark]) -> None:
    """Remove marks."""
    _set_marks(video_id, tuple(mark for mark in marks_of(video_id) if mark not in dropped))


def _set_marks(video_id: str, marks: tuple[Mark, ...]) -> None:
    state, before = region_state(EvaluationState), marks_of(video_id)
    if marks != before:
        state.undo[video_id] = [*state.undo.get(video_id, []), before][-MOST_UNDONE:]
        state.marks[video_id] = marks


def _undo(video_id: str) -> None:
    state = region_state(EvaluationState)
    if steps := state.undo.get(video_id):
        state.marks[video_id] = steps.pop()


YES_NO = ["There", "Not there"]
YES_NO_KEY = "mark_there"


def settle_marks(record: VideoRecord, prompts: Sequence[str], head: Playhead) -> None:
    """Turn what was pressed since the last run into marks of the chosen prompt."""
    state = region_state(EvaluationState)
    if prompts and state.mark_prompt not in prompts:
        state.mark_prompt = prompts[0]
    settle_in_out(record, head, partial(_add, record.video_id) if prompts else None)


def draw_mark_bar(record: VideoRecord, prompts: Sequence[str], *, keys: bool) -> None:
    """Draw the bar for marking ``prompts``; ``keys``: whether its buttons react to I and O, as no player does it."""
    if not prompts:
        st.caption("Type a prompt in the sidebar to mark where it can be seen.")
        return
    state, video_id = region_state(EvaluationState), record.video_id
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="mark_bar"):
        st.selectbox(
            "Prompt to mark", prompts, prompts.index(str(state.mark_prompt)), format_func=short_prompt, width=170,
            label_visibility="collapsed", **bound(state, "mark_prompt"),
        )  # fmt: skip
        st.segmented_control(
            "Is it there?", YES_NO, default=YES_NO[0], required=True, key=YES_NO_KEY, persist_state="session",
            label_visibility="collapsed", width="content",
        )  # fmt: skip
        for end in ENDS:
            draw_end(end, keys=keys)
        start_s, end_s = in_out(record.table.end_s)
        ready = start_s is not None and end_s is not None and start_s <= end_s
        st.button(
            "Add", icon=":material/add:", key="add_mark", disabled=not ready, on_click=_add_and_clear,
            args=(video_id, start_s, end_s), help="In and out typed by hand: seconds, or m:ss.mmm.",
        )  # fmt: skip
        st.button(
            unseen("Undo"), icon=":material/undo:", key="undo_mark", help="Take back the last mark, or its removal",
            disabled=not state.undo.get(video_id), on_click=_undo, args=(video_id,),
        )  # fmt: skip
        st.caption(_next_step(start_s, end_s), width="stretch")


def _next_step(start_s: float | None, end_s: float | None) -> str:
    if is_no_time_typed():
        return "That is not a time. Write seconds, or m:ss.mmm."
    if start_s is not None and end_s is not None:
        if end_s < start_s:
            return "It must not end before it starts."
        return "In and out are the same: Add marks one frame." if start_s == end_s else "Add marks this stretch."
    if end_s is not None:
        return "Press I first, where it begins."
    return "I: it begins. O: it ends, and is marked." if start_s is None else "Press O where it ends."


def _add(video_id: str, start_s: float, end_s: float) -> None:
    """Add a mark; an equal one is replaced."""
    there = st.session_state.get(YES_NO_KEY, YES_NO[0]) == YES_NO[0]
    mark = Mark(str(region_state(EvaluationState).mark_prompt), start_s, end_s, there)
    _set_marks(video_id, (*(known for known in marks_of(video_id) if known != mark), mark))


def _add_and_clear(video_id: str, start_s: float, end_s: float) -> None:
    _add(video_id, start_s, end_s)
    clear_in_out()
