"""A video that lies in a bucket and is not fetched: say so, and offer to fetch it, with progress."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clip_core.addresses import is_address
from clip_core.library.buckets import shown_address
from clip_core.library.videos import fetched_path
from clip_core.task_queue import TaskView
from clip_core.text import size_text
from clip_core.types import VideoRecord
from pages.shared.access import READ_ONLY, is_read_only
from pages.shared.cache import config, fetch_queue, start_fetching
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.task_row import TaskRow, draw_task_row, session_id

ROW_PX = 42


def fetch_px(record: VideoRecord) -> int:
    """Return the height of what ``draw_fetch`` draws, with the gap below it. Errors are not counted."""
    return ROW_PX if is_address(record.path) else 0


def draw_fetch(record: VideoRecord) -> None:
    """Draw one row: where the video lies with a button that fetches it, or the progress; nothing if it is here."""
    if not is_address(record.path):
        return
    task = fetch_queue().view(record.video_id, session_id())
    if task is not None and task.state == "done" and fetched_path(record, config()).is_file():
        st.rerun()  # it arrived while this run was drawing the page without it
    with st.container(key="fetch", gap="xsmall"):
        if task is not None and task.active:
            help_text = "Cancel. Nothing of it is kept."
            draw_task_row(TaskRow(fetch_queue(), record.video_id, session_id(), _text, "fetch_cancel", help_text))
            return
        if task is not None and task.state == "failed" and task.error is not None:
            st.error(error_markdown(task.error), icon=":material/error:")
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption(f"In a bucket: {escape_markdown(shown_address(record.path))}. These are its stored pictures.")
            if is_read_only():
                st.caption(f"{READ_ONLY} No video is fetched.")
                return
            st.button(
                f"Fetch the video ({size_text(record.size_bytes)})",
                key="fetch_video",
                on_click=partial(start_fetching, record, session_id()),
                help="Then it plays, and every frame can be seen and exported. The copy is kept beside the uploads; "
                "when the disk gets full, copies that were not used for long are deleted.",
            )


def _text(task: TaskView[str]) -> str:
    if task.state == "waiting":
        return f"Waiting: number {task.place} in line"
    return escape_markdown("Asking the bucket" if task.progress is None else task.progress.note)
