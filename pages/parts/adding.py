"""Sidebar, Source: the box that adds a video, by upload or by its path on this machine."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.pipeline.add_upload import add_upload
from clip_core.pipeline.list_videos import EXTENSIONS, uploads_folder
from clip_core.pipeline.open_path import open_path
from clip_core.store.store import EmbeddingStore
from clip_core.text import size_text
from pages.parts.look import unseen
from pages.parts.text import literal, told

MOST_OPENED = 1000


def draw_box(settings: Config, store: EmbeddingStore, busy: DeltaGenerator) -> None:
    """Draw the box; it closes when a video was added.

    Args:
        settings: Say where uploads are kept, and what may be opened.
        store: Remembers uploads.
        busy: Where the page shows how far the copy of an upload is.
    """
    number = st.session_state.setdefault("boxes", 0)
    help_text = "Upload a video, or open a path on this machine"
    # Another key is another box, which is closed.
    with (
        st.container(key="upload_box", width="content"),
        st.popover(unseen("Add a video"), icon=":material/upload:", help=help_text, key=f"upload_box_{number}"),
    ):
        _upload(settings, store, busy)
        _draw_path(settings, number)


def opened_paths() -> list[Path]:
    """The videos that this session opened by path."""
    return list(st.session_state.get("opened_paths", ()))


def choose_path(path: Path) -> None:
    """Choose a video, before the list is drawn."""
    st.session_state.video_path = str(path)


def _close() -> None:
    st.session_state.boxes += 1


def _upload(settings: Config, store: EmbeddingStore, busy: DeltaGenerator) -> None:
    state = st.session_state
    state.setdefault("uploads", 0)
    file = st.file_uploader(
        "Upload a video",
        type=[extension[1:] for extension in EXTENSIONS],
        key="upload" if state.uploads == 0 else f"upload_{state.uploads}",
        help="Up to 2 GB. Kept in data/uploads under its content hash, once.",
    )
    failed = state.get("upload_error")
    if file is None:
        if failed is not None:
            st.error(told(failed), icon=":material/error:")
        return
    name, whole = literal(file.name), file.size

    def show(copied: int) -> None:
        text = f"Keeping {name} · {size_text(copied)} of {size_text(whole)}"
        busy.progress(min(1.0, copied / whole) if whole else 1.0, text=text)

    show(0)
    try:
        path = add_upload(file, whole, file.name, uploads_folder(settings), store, show)
        choose_path(path)
        state.upload_error, state.uploaded = None, str(path)
        _close()
    except ClipVideoError as error:
        state.upload_error = error
    state.uploads += 1  # another key: the uploader lets go of the file's memory
    st.rerun()


def _draw_path(settings: Config, number: int) -> None:
    key = f"path_{number}"
    st.text_input(
        "Open a path",
        key=key,
        placeholder="A video, or a folder of videos",
        help="On the machine that runs this page, within the folders that `video_dirs` of config.yaml names. Nothing "
        "is copied. Of a folder all videos are listed.",
        on_change=_open,
        args=(key, settings),
    )
    state = st.session_state
    if failed := state.get("path_error"):
        st.error(failed, icon=":material/error:")
    if note := state.pop("path_note", None):
        st.caption(note)


def _open(key: str, settings: Config) -> None:
    """Open what was typed: a video is chosen, those of a folder are listed."""
    state = st.session_state
    state.path_error = None
    typed = str(state[key]).strip()
    if not typed:
        return
    try:
        found = open_path(typed, settings)
    except ClipVideoError as error:
        state.path_error = told(error)
        return
    state.opened_paths = list(dict.fromkeys([*found.videos, *opened_paths()]))[:MOST_OPENED]
    if found.is_folder:
        count = len(found.videos)
        counted = "1 video is" if count == 1 else f"{count:,} videos are"
        state.path_note = f"{counted} in the list now, from {literal(found.path.name)}."
    else:
        choose_path(found.videos[0])
        _close()
