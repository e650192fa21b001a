"""The box that adds videos: many uploads at once, and folders, once or watched."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.folder_watcher import FolderView
from clip_core.library.add_video import add_upload, open_path
from clip_core.library.folders import EXTENSIONS
from clip_core.library.videos import uploads_folder
from clip_core.store.store import EmbeddingStore
from clip_core.text import counted
from pages.regions.library.state import IndexAsk, LibraryState
from pages.shared.cache import watch_folders
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.uploads import free
from pages.shared.widgets import draw_remove

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

FOLDER_KEY, WATCH_KEY = "library_folder", "library_watch"


def draw_add(config: Config, store: EmbeddingStore, ask: IndexAsk, busy: DeltaGenerator) -> None:
    """Draw the box; ``ask`` says what to index with, and ``busy`` shows how uploads are copied."""
    state = region_state(LibraryState)
    with st.popover("Add videos", icon=":material/add:", key=f"add_box_{state.boxes}"):
        st.text_input(
            "Add a folder",
            key=f"{FOLDER_KEY}_{state.boxes}",
            placeholder="A folder of videos, or one video",
            help="On the machine that runs this page, within the folders that `video_dirs` of config.yaml names. "
            "Nothing is copied. Its subfolders are searched, too.",
        )
        st.checkbox(
            "Watch it: index new videos, too",
            key=f"{WATCH_KEY}_{state.boxes}",
            help="A new file is taken when it has not changed for 5 seconds. The folder is watched as long as the "
            "server runs, and again after a restart, until you remove it here.",
        )
        st.button("Index the folder", key="add_folder", on_click=_add_folder, args=(config, ask))
        files = st.file_uploader(
            "Upload videos",
            type=[*(extension[1:] for extension in EXTENSIONS), "png"],
            accept_multiple_files=True,
            key=f"library_upload_{state.uploads}",
            help="Up to 2 GB each. Kept in data/uploads under their content hashes, once. They are indexed when they "
            "have arrived.",
        )
        if files:
            _keep_uploads(files, config, store, ask, busy)
        _draw_watched()


def _add_folder(config: Config, ask: IndexAsk) -> None:
    state = region_state(LibraryState)
    typed, watch = (st.session_state[f"{key}_{state.boxes}"] for key in (FOLDER_KEY, WATCH_KEY))
    state.error, state.note = None, ""
    if not typed.strip():
        return
    try:
        opened = open_path(typed, config, empty_ok=watch)
    except ClipVideoError as error:
        state.error = error
        return
    paths = tuple(str(path) for path in opened.videos)
    watched = str(opened.path.absolute()) if watch and opened.is_folder else None
    # A folder that is watched is read by the watcher, which leaves out what is still being copied.
    state.ask = replace(ask, paths=() if watched else paths, watch=watched)
    then = "taken as soon as they have not changed for 5 seconds" if watched else "queued"
    notes = " ".join(escape_markdown(note) for note in opened.notes)
    state.note = f"{counted(len(paths), 'video')} from {escape_markdown(opened.path.name)}: {then}. {notes}"
    state.boxes += 1


def _keep_uploads(
    files: list[UploadedFile], config: Config, store: EmbeddingStore, ask: IndexAsk, busy: DeltaGenerator
) -> None:
    """Keep the uploads one after the other and ask to index them; those that are no videos are named."""
    state = region_state(LibraryState)
    kept, failed = list[str](), list[ClipVideoError]()
    for number, file in enumerate(files):
        busy.progress(number / len(files), text=f"Keeping {escape_markdown(file.name)} · {number + 1} of {len(files)}")
        try:
            kept.append(str(add_upload(file, file.size, file.name, uploads_folder(config), store)))
        except ClipVideoError as error:
            failed.append(error)
        free(file)
    state.uploads += 1  # a new key gives an empty uploader
    state.error = failed[0] if failed else None
    state.note = f"{counted(len(kept), 'upload')} queued."
    if len(failed) > 1:
        rest = "; ".join(escape_markdown(error.what) for error in failed[1:6])
        state.note += f" Not kept, too: {rest}" + (f" and {len(failed) - 6} more." if len(failed) > 6 else "")
    state.ask = replace(ask, paths=tuple(kept)) if kept else None
    state.boxes += 1
    st.rerun()


def _draw_watched() -> None:
    views = watch_folders().views()
    if views:
        st.markdown("###### Watched folders")
    for number, view in enumerate(views):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            st.caption(_watched_text(view), width="stretch")
            draw_remove(Path(view.folder.path).name, f"unwatch_{number}", partial(_unwatch, view.folder.path))


def _watched_text(view: FolderView) -> str:
    name = escape_markdown(Path(view.folder.path).name)
    if view.error is not None:
        return f"{name} · {error_markdown(view.error)}"
    if view.videos is None:
        return f"{name} · not looked at yet"
    changing = f" · {view.changing} still changing" if view.changing else ""
    left_out = f" · {len(view.folder.left_out)} forgotten" if view.folder.left_out else ""
    return f"{name} · {counted(view.videos, 'video')}{changing}{left_out}"


def _unwatch(path: str) -> None:
    try:
        watch_folders().remove(path)
    except ClipVideoError as error:
        region_state(LibraryState).error = error
