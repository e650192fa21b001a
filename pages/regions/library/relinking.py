"""Offline videos: how many there are, and the box that finds their files again in another folder."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.library.add_video import open_path
from clip_core.library.relink import relink
from clip_core.store.store import EmbeddingStore
from clip_core.task_queue import TaskQueue, TaskView
from clip_core.text import counted, size_text
from pages.regions.library.state import LibraryState
from pages.shared.cache import library_queue
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import TaskRow, draw_task_row, session_id

KEY = "relink_folder"


def _queue() -> TaskQueue[str]:
    """Return the queue of searches; the key is the folder."""
    return library_queue("The search for moved files")


def draw_relink(offline: int, config: Config, store: EmbeddingStore) -> None:
    """Draw how many videos are offline and the box that relinks them, or how far the search is."""
    state = region_state(LibraryState)
    task = None if state.relinked is None else _queue().view(state.relinked, session_id())
    if task is not None and task.active:
        help_text = "Cancel. The paths that were found are kept."
        draw_task_row(TaskRow(_queue(), task.key, session_id(), _text, "relink_cancel", help_text))
        return
    if task is not None:
        st.caption(_ended_text(task))
    if offline and not store.read_only:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            are = counted(offline, "video is", "videos are")
            st.caption(f":material/link_off: {are} offline. What is stored stays.", width="content")
            with st.popover("Relink folder…", icon=":material/link:"):
                st.text_input(
                    "Where the files are now",
                    key=KEY,
                    placeholder="A folder",
                    help="Within the folders that `video_dirs` of config.yaml names; its subfolders are searched, too. "
                    "The files are recognised by their bytes. Only those as large as an offline video are read.",
                )
                st.button("Find the files", key="relink", on_click=_start, args=(config, store))


def _start(config: Config, store: EmbeddingStore) -> None:
    state = region_state(LibraryState)
    state.error = None
    typed = str(st.session_state[KEY]).strip()
    if not typed:
        return
    try:
        opened = open_path(typed, config)
    except ClipVideoError as error:
        state.error = error
        return
    state.relinked = str(opened.path)
    _queue().submit(state.relinked, lambda: relink(opened.videos, store), session_id())


def _text(task: TaskView[str]) -> str:
    name = escape_markdown(Path(task.key).name)
    if task.progress is None:
        return f"Looking through {name}"
    return f"Reading files in {name} · {size_text(task.progress.done)} of {size_text(task.progress.total)}"


def _ended_text(task: TaskView[str]) -> str:
    name = escape_markdown(Path(task.key).name)
    if task.error is not None:
        return f":material/warning: {name}: {error_markdown(task.error)}"
    return f":material/check: {name}: {task.progress.note if task.progress else ''}"
