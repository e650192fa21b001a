"""Evaluate, Truth: when each prompt can be seen, from a file or marked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from clip_core.charts.labels import short
from clip_core.errors import TruthError
from clip_core.evaluation.marks import Marked, truth_of
from clip_core.evaluation.read_truth import MOST_BYTES, read_truth
from clip_core.evaluation.truth import Truth, of_video
from clip_core.pipeline.write_truth import truth_csv
from clip_core.values import VideoRecord, clock
from pages.parts.controls import held
from pages.parts.playhead import Playhead
from pages.parts.states import draw_error
from pages.parts.text import literal, told

SOURCES = ["File", "Marks"]
YES_NO = ["There", "Not there"]
MOST_LIST_PX = 150


@dataclass(frozen=True)
class Given:
    """The truth, if there is one, what was left out of it, and all marks of this video, whatever the truth is."""

    truth: Truth | None
    warnings: Sequence[str]
    marks: tuple[Marked, ...]


def choose_truth(record: VideoRecord, prompts: Sequence[str], head: Playhead) -> Given:
    """Draw the upload or the marks; return what is true of this video."""
    st.session_state.setdefault("truth_source", SOURCES[0])
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.markdown("##### Truth", width="stretch", help="When each prompt can be seen: what moments are judged by.")
        source = st.segmented_control(
            "Truth from", SOURCES, required=True, key="truth_source", persist_state="session",
            label_visibility="collapsed",
        )  # fmt: skip
    marks = _marks(record)
    if source == SOURCES[1]:
        _draw_marks(record, prompts, head)
        truth = truth_of(marks)
        return Given(truth if truth.prompts else None, (), marks)
    whole = _upload()
    if whole is None:
        return Given(None, (), marks)
    try:
        truth, warnings = of_video(whole, [record.name, record.video_id])
    except TruthError as error:
        draw_error(error)
        return Given(None, (), marks)
    return Given(truth, warnings, marks)


def _upload() -> Truth | None:
    """The file's truth. It is kept here, for an uploader forgets its file when another page is visited."""
    state = st.session_state
    number = state.setdefault("truth_number", 0)
    kept: tuple[str, Truth] | None = state.get("truth_file")
    if kept is not None:
        name, truth = kept
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            spans = f"{len(truth.spans):,} span{'' if len(truth.spans) == 1 else 's'}"
            st.caption(f":material/check: {literal(short(name))} · {spans} · {len(truth.prompts)} prompts")
            st.button("", icon=":material/close:", key="forget_truth", help="Take another file", on_click=_forget_file)
        return truth
    file = st.file_uploader(
        "Truth",
        type=["csv", "jsonl", "json"],
        max_upload_size=MOST_BYTES // 10**6,
        key=f"truth_upload_{number}",
        label_visibility="collapsed",
        help="CSV: prompt, start, end (seconds or HH:MM:SS.mmm; a prompt without times is never there). QVHighlights "
        "JSON Lines: query, relevant_windows. Or JSON as data/sample.truth.json.",
    )
    if file is not None:
        state.truth_number, state.truth_error = number + 1, None
        try:
            state.truth_file = (file.name, read_truth(file.getvalue()[: MOST_BYTES + 1], file.name))
        except TruthError as error:
            state.truth_error = told(error)
        st.rerun()
    if state.get("truth_error"):
        st.error(state.truth_error, icon=":material/error:")
    return None


def _forget_file() -> None:
    st.session_state.truth_file = st.session_state.truth_error = None


def _marks(record: VideoRecord) -> tuple[Marked, ...]:
    every: dict[str, tuple[Marked, ...]] = st.session_state.setdefault("truth_marks", {})
    return every.get(record.video_id, ())


def _draw_marks(record: VideoRecord, prompts: Sequence[str], head: Playhead) -> None:
    marks = _marks(record)
    if prompts:
        _draw_form(record, prompts, head)
    if marks:
        few = len(marks) <= 4
        with st.container(height="content" if few else MOST_LIST_PX, border=False, gap=None, key="mark_list"):
            for place, mark in enumerate(marks):
                _draw_mark(record, place, mark)
        st.download_button(
            "Marks as truth (CSV)",
            truth_csv(truth_of(marks)),
            "truth.csv",
            "text/csv",
            key="marks_file",
            icon=":material/download:",
            on_click="ignore",
            help="Stretches marked yes, and prompts that are only marked no, as never there.",
        )
    st.caption("What is not marked as there counts as not there, so mark every stretch of a prompt.")


def _draw_form(record: VideoRecord, prompts: Sequence[str], head: Playhead) -> None:
    state = st.session_state
    for key in ("mark_start", "mark_end"):
        state[key] = min(float(state.get(key, 0.0)), record.table.end_s)
    state.mark_prompt = state.mark_prompt if state.get("mark_prompt") in prompts else prompts[0]
    state.setdefault("mark_there", YES_NO[0])
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        prompt = st.selectbox(
            "Prompt", prompts, prompts.index(state.mark_prompt), format_func=short, **held("mark_prompt")
        )
        said = st.segmented_control(
            "Is it there?", YES_NO, required=True, key="mark_there", persist_state="session",
            label_visibility="collapsed",
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        start_s = _time("From", "mark_start", record.table.end_s, head)
        end_s = _time("To", "mark_end", record.table.end_s, head)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        backwards = end_s < start_s
        ready = prompt is not None and not backwards
        st.button(
            "Add",
            icon=":material/add:",
            key="add_mark",
            disabled=not ready,
            on_click=_add,
            args=(record.video_id, str(prompt), start_s, end_s, said == YES_NO[0]),
        )
        what = (
            "It must not end before it starts."
            if backwards
            else f":material/line_start: is the playhead, {clock(head.time_s)}."
        )
        one = " From and To the same marks one frame." if end_s == start_s else ""
        st.caption(what + one)


def _time(label: str, key: str, end_s: float, head: Playhead) -> float:
    """A time to type, or to take from the playhead of Investigate."""
    time_s = st.number_input(
        f"{label} (s)", 0.0, float(end_s), st.session_state[key], step=0.1, format="%.3f", **held(key)
    )
    st.button(
        "",
        icon=":material/line_start:",
        key=f"{key}_here",
        help=f"{label} the playhead, {clock(head.time_s)}. Move it on the page Investigate.",
        on_click=_take_playhead,
        args=(key, head.time_s),
    )
    return float(time_s)


def _take_playhead(key: str, time_s: float) -> None:
    st.session_state[key] = time_s


def _draw_mark(record: VideoRecord, place: int, mark: Marked) -> None:
    times = clock(mark.start_s) if mark.start_s == mark.end_s else f"{clock(mark.start_s)} … {clock(mark.end_s)}"
    icon = ":material/check:" if mark.there else ":material/block:"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        verdict = "" if mark.there else " is not there"
        st.caption(f"{icon} {times} {literal(short(mark.prompt))}{verdict}", width="stretch")
        st.button(
            "",
            icon=":material/close:",
            key=f"drop_mark_{place}",
            type="tertiary",
            help="Remove this mark",
            on_click=_drop,
            args=(record.video_id, place),
        )


def _add(video_id: str, prompt: str, start_s: float, end_s: float, there: bool) -> None:
    marks = st.session_state.truth_marks
    new = Marked(prompt, start_s, end_s, there)
    kept = tuple(mark for mark in marks.get(video_id, ()) if mark != new)
    marks[video_id] = (*kept, new)


def _drop(video_id: str, place: int) -> None:
    marks = st.session_state.truth_marks
    marks[video_id] = (*marks[video_id][:place], *marks[video_id][place + 1 :])
