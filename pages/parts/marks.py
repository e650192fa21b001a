"""Evaluate: annotations made by hand, kept for each video as long as the session lasts; each step can be undone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clip_core.evaluation.marks import Marked

MOST_UNDONE = 50


def marks_of(video_id: str) -> tuple[Marked, ...]:
    """The marks of a video, in the order in which they were made."""
    every: dict[str, tuple[Marked, ...]] = st.session_state.setdefault("truth_marks", {})
    return every.get(video_id, ())


def add_mark(video_id: str, mark: Marked) -> None:
    """Add one; the same once more stays one."""
    _set(video_id, (*(known for known in marks_of(video_id) if known != mark), mark))


def drop_marks(video_id: str, dropped: Sequence[Marked]) -> None:
    """Remove some."""
    _set(video_id, tuple(mark for mark in marks_of(video_id) if mark not in dropped))


def can_undo(video_id: str) -> bool:
    """Whether there is a step to take back."""
    return bool(_undo().get(video_id))


def undo_mark(video_id: str) -> None:
    """Take the last step back."""
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
