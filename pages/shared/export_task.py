"""A file that is made in the background: the button, its progress with cancel, and the link to the result."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from clip_core.files import named_after
from clip_core.media.exports_folder import CLIPS_ZIP, REEL
from clip_core.task_queue import TaskView
from clip_core.text import size_text
from clip_core.types import Progress
from pages.shared.cache import export_queue
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import TaskRow, draw_task_row, left_text, session_id

CANCEL_HELP = "Cancel. Nothing of it is kept."
_ICONS = {CLIPS_ZIP: ":material/folder_zip:", REEL: ":material/movie:"}
LARGE_BYTES = 500_000_000
"""From this size on, the result's path is shown too: a user on this machine need not download it."""


@dataclass
class ExportTaskState:
    """The key of the file that this session asked for last, "" if none."""

    asked: str = ""


@dataclass(frozen=True)
class ExportButton:
    """A button that makes a file: a ZIP, or a film.

    Attributes:
        name: The widget key of the button; the cancel button gets ``NAME_cancel``.
        label, help_text: Of the button.
        content: What goes into the file: the same content is the same task, for everybody.
        make: Writes the file at a path.
        of: What the file is named after.
        file_name: What its name ends in, one of ``RESULTS``.
    """

    name: str
    label: str
    help_text: str
    content: object
    make: Callable[[Path], Generator[Progress, None, None]]
    of: str
    file_name: str = CLIPS_ZIP


def draw_export_button(button: ExportButton) -> None:
    """Draw the button, or the progress of the file that this session asked for last, and what came of it."""
    queue, state = export_queue(), region_state(ExportTaskState, button.name)
    task = queue.view(state.asked, session_id())
    if task is not None and task.active:
        draw_task_row(TaskRow(queue, state.asked, session_id(), progress_text, f"{button.name}_cancel", CANCEL_HELP))
        return
    key = hashlib.sha256(f"{button.name} {button.content!r}".encode(errors="replace")).hexdigest()[:32]
    st.button(
        button.label, icon=_ICONS[button.file_name], key=button.name, help=button.help_text, on_click=_start,
        args=(button, key),
    )  # fmt: skip
    if task is None or state.asked != key:  # the result of another selection
        return
    if task.state == "cancelled":
        st.caption("Cancelled. Nothing of it is kept.")
    elif task.error is not None:
        st.error(error_markdown(task.error), icon=":material/error:")
    else:
        draw_result(key, task, button.of)


def _start(button: ExportButton, key: str) -> None:
    region_state(ExportTaskState, button.name).asked = key
    export_queue().start_file(key, button.make, session_id(), button.file_name)


def progress_text(task: TaskView[str]) -> str:
    """Return how far a ZIP or a film is, as Markdown."""
    report = task.progress
    if task.state == "waiting" or report is None:
        return escape_markdown(f"waits for its turn: number {task.place} in line") if task.place else "begins"
    parts = {
        "clips": f"{report.done:.1f} of {report.total:.1f} s cut",
        "frames": f"{report.done:.0f} of {report.total:.0f} frames",
        "zip": f"{size_text(report.done)} of {size_text(report.total)} packed",
        "done": "done",
    }
    return escape_markdown(parts[report.stage] + left_text(report))


def draw_result(key: str, task: TaskView[str], of: str) -> None:
    """Draw the link to a finished file, and the warnings; ``of`` is what it is named after."""
    report = task.progress
    path = report.files[0] if report is not None and report.files else None
    if report is None or path is None or not path.is_file():
        st.caption("The result is gone: it is kept for a day. Make it again.")
        return
    size = path.stat().st_size
    address = f"player/clips/{key}?of={quote(of, safe='', errors='replace')}"
    st.link_button(f"{named_after(of, path.name)} · {size_text(size)}", address, icon=":material/download:")
    if size >= LARGE_BYTES:
        st.caption(f"On this machine: {escape_markdown(str(path))}")
    for warning in report.warnings:
        st.caption(f":material/warning: {escape_markdown(warning)}")
