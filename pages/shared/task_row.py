"""The row of a background task: its progress, and a cancel button that asks first if others are watching."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic

import streamlit as st

from clip_core.task_queue import Key, TaskQueue, TaskView
from clip_core.text import clock
from clip_core.types import Progress
from pages.shared.session import region_state
from pages.shared.theme import unseen


@dataclass
class TaskRowState:
    """This session's name as a watcher of tasks, and the key of the task of which the row asks whether to cancel it."""

    session_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    asks_about: object = None


def session_id() -> str:
    """Return this session's name as a watcher of tasks."""
    return region_state(TaskRowState).session_id


def left_text(progress: Progress | None) -> str:
    """Return " · 0:05 left", or "" while the time left is not known."""
    if progress is None or progress.seconds_left is None:
        return ""
    return f" · {clock(progress.seconds_left, 0)} left"


@dataclass(frozen=True)
class TaskRow(Generic[Key]):
    """How to draw a task that is queued or running.

    Attributes:
        queue, key: Which task.
        viewer: This session's name as a watcher. If others watch the task too, cancelling asks first.
        text: Returns the Markdown at the bar.
        button: The widget key of the cancel button; the buttons of the question get ``BUTTON_all`` and ``BUTTON_not``.
        help_text: The tooltip of the cancel button.
        label: The label of the cancel button, for screen readers.
        on_look: Called with the task each time the row is drawn; it may rerun the page.
        every_s: Seconds between two drawings of the row.
    """

    queue: TaskQueue[Key]
    key: Key
    viewer: str
    text: Callable[[TaskView[Key]], str]
    button: str
    help_text: str
    label: str = "Cancel"
    on_look: Callable[[TaskView[Key]], None] | None = None
    every_s: float = 1.0


def draw_task_row(row: TaskRow[Key]) -> None:
    """Draw a row that updates itself, and that reruns the page when its task has ended."""
    st.fragment(_live, run_every=row.every_s)(row)


def _live(row: TaskRow[Key]) -> None:
    task = row.queue.view(row.key, row.viewer)
    if task is None or not task.active:  # it has ended since; the rerun will not draw this row again
        st.rerun(scope="app")
    if row.on_look is not None:
        row.on_look(task)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        if region_state(TaskRowState).asks_about == row.key and task.others:
            st.caption(f"{task.others} more {'is' if task.others == 1 else 'are'} watching this. Cancel for all?")
            st.button("Cancel", key=f"{row.button}_all", on_click=_cancel, args=(row,))
            st.button("Keep", key=f"{row.button}_not", on_click=_keep)
            return
        st.progress(0.0 if task.progress is None else task.progress.share, text=row.text(task))
        st.button(
            unseen(row.label),
            icon=":material/close:",
            key=row.button,
            help=row.help_text,
            on_click=_ask_or_cancel,
            args=(row,),
        )


def _ask_or_cancel(row: TaskRow[Key]) -> None:
    task = row.queue.view(row.key, row.viewer)
    if task is not None and task.others:
        region_state(TaskRowState).asks_about = row.key
    else:
        _cancel(row)


def _cancel(row: TaskRow[Key]) -> None:
    _keep()
    row.queue.cancel(row.key)


def _keep() -> None:
    region_state(TaskRowState).asks_about = None
