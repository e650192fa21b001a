"""Frames and stretches that a person marked as showing a prompt or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from clip_core.evaluation.marks import Marked
from clip_core.text import short_prompt
from clip_core.types import VideoRecord
from pages.regions.moments.in_out import KEYS, clear_in_out, in_out, press, settle_in_out, time_text, type_time
from pages.regions.viewer.playhead import Playhead
from pages.shared.theme import unseen
from pages.shared.widgets import bound

MOST_UNDONE = 50


def marks_of(video_id: str) -> tuple[Marked, ...]:
    """Return the marks of a video, in the order in which they were made."""
    every: dict[str, tuple[Marked, ...]] = st.session_state.setdefault("truth_marks", {})
    return every.get(video_id, ())


def add_mark(video_id: str, mark: Marked) -> None:
    """Add a mark; an equal one is replaced."""
    _set(video_id, (*(known for known in marks_of(video_id) if known != mark), mark))


def drop_marks(video_id: str, dropped: Sequence[Marked]) -> None:
    """Remove marks."""
    _set(video_id, tuple(mark for mark in marks_of(video_id) if mark not in dropped))


def can_undo(video_id: str) -> bool:
    """Return whether there is a step to undo."""
    return bool(_undo().get(video_id))


def undo_mark(video_id: str) -> None:
    """Undo the last step."""
    steps = _undo().get(video_id, [])
    if steps:
        st.session_state.truth_marks[video_id] = steps.pop()


def _set(video_id: str, marks: tuple[Marked, ...]) -> None:
    before = marks_of(video_id)
    if marks != before:
        _undo()[video_id] = [*_undo().get(video_id, []), before][-MOST_UNDONE:]
        st.session_state.truth_marks[video_id] = marks


def _undo() -> dict[str, list[tuple[Marked, ...]]]:
    found: dict[str, list[tuple[Marked, ...]]] = st.session_state.setdefault("truth_marks_undo", {})
    return found


YES_NO = ["There", "Not there"]
LABELS = {"in": ("In", "I", ":material/line_start:"), "out": ("Out", "O", ":material/line_end:")}
HOW = "I: it begins. O: it ends, and is marked."


def settle_marks(record: VideoRecord, prompts: Sequence[str], head: Playhead) -> None:
    """Turn what was pressed since the last run into marks of the chosen prompt."""
    state = st.session_state
    if prompts and state.get("mark_prompt") not in prompts:
        state.mark_prompt = prompts[0]
    settle_in_out(record, head, partial(_add, record.video_id) if prompts else None)


def draw_bar(record: VideoRecord, prompts: Sequence[str], *, keys: bool) -> None:
    """Draw the bar for marking.

    Args:
        record: The video.
        prompts: The choice of prompts to mark; without any there is nothing to mark.
        keys: Whether the buttons react to I and O; a player handles these keys itself.
    """
    if not prompts:
        st.caption("Type a prompt in the sidebar to mark where it can be seen.")
        return
    state, video_id = st.session_state, record.video_id
    state.setdefault("mark_there", YES_NO[0])
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="mark_bar"):
        st.selectbox(
            "Prompt to mark", prompts, prompts.index(state.mark_prompt), format_func=short_prompt, width=170,
            label_visibility="collapsed", **bound(st.session_state, "mark_prompt"),
        )  # fmt: skip
        st.segmented_control(
            "Is it there?", YES_NO, required=True, key="mark_there", persist_state="session",
            label_visibility="collapsed", width="content",
        )  # fmt: skip
        for which in LABELS:
            _draw_end(which, keys=keys)
        start_s, end_s = in_out(record.table.end_s)
        ready = start_s is not None and end_s is not None and start_s <= end_s
        st.button(
            "Add", icon=":material/add:", key="add_mark", disabled=not ready, on_click=_add_and_clear,
            args=(video_id, start_s, end_s), help="In and out typed by hand: seconds, or m:ss.mmm.",
        )  # fmt: skip
        st.button(
            unseen("Undo"), icon=":material/undo:", key="undo_mark", help="Take back the last mark, or its removal",
            disabled=not can_undo(video_id), on_click=undo_mark, args=(video_id,),
        )  # fmt: skip
        st.caption(_words(start_s, end_s), width="stretch")


def _draw_end(which: str, *, keys: bool) -> None:
    label, key, icon = LABELS[which]
    help_text = f"{label} at the playhead (key {key})"
    shortcut = key if keys else None
    st.button(
        label, icon=icon, key=f"press_mark_{which}", help=help_text, shortcut=shortcut, on_click=press, args=(which,)
    )
    st.text_input(
        f"{label}, in seconds or m:ss.mmm", time_text(which), placeholder="m:ss.mmm", width=92, max_chars=16,
        label_visibility="collapsed", **bound(st.session_state, f"{KEYS[which]}_text", _typed, which),
    )  # fmt: skip


def _typed(which: str) -> None:
    type_time(which, time_text(which))


def _words(start_s: float | None, end_s: float | None) -> str:
    if any(time_text(which) and time_s is None for which, time_s in zip(KEYS, (start_s, end_s), strict=True)):
        return "That is no time. Write seconds, or m:ss.mmm."
    if start_s is not None and end_s is not None:
        if end_s < start_s:
            return "It must not end before it starts."
        return "In and out the same mark one frame." if start_s == end_s else "Add marks this stretch."
    if end_s is not None:
        return "Press I first, where it begins."
    return HOW if start_s is None else "Press O where it ends."


def _add(video_id: str, start_s: float, end_s: float) -> None:
    state = st.session_state
    add_mark(video_id, Marked(state.mark_prompt, start_s, end_s, state.get("mark_there", YES_NO[0]) == YES_NO[0]))


def _add_and_clear(video_id: str, start_s: float, end_s: float) -> None:
    _add(video_id, start_s, end_s)
    clear_in_out()
