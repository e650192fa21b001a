"""Sidebar, Source: which video."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.pipeline.add_upload import add_upload
from clip_core.pipeline.list_videos import EXTENSIONS, VideoChoice, list_videos, uploads_folder
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord, clock
from clip_core.video.opening import has_pyav
from pages.parts.controls import held
from pages.parts.look import unseen
from pages.parts.text import literal, told

SAMPLE_NAME = "sample.mp4"


def draw_notices(settings: Config) -> None:
    """Say what the visitor should know of how the settings were read."""
    for notice in settings.notices:
        st.caption(f":material/info: {literal(notice)}")
    if not has_pyav():
        st.caption(":material/info: PyAV is not installed: videos are read by OpenCV, and stepping is slower.")


def choose_video(settings: Config, store: EmbeddingStore) -> VideoChoice | None:
    """Draw the list of videos and the upload; return the chosen one."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        slot = st.container()
        with st.popover(unseen("Upload"), icon=":material/upload:", help="Upload a video", key="upload_box"):
            _upload(settings, store)
    choices = {choice.name: choice for choice in list_videos(settings, store)}
    chosen = state.video_choice = _settle_chosen(settings, choices)
    names = list(choices)
    state.video = None if chosen is None else chosen.name
    slot.selectbox(
        "Video",
        names,
        index=None if chosen is None else names.index(chosen.name),
        placeholder="Choose a video",
        help="Files in the folders named by `video_dirs` in config.yaml, and everything uploaded before.",
        **held("video", _video_chosen, {name: choice.path for name, choice in choices.items()}),
    )
    return chosen


def _settle_chosen(settings: Config, choices: dict[str, VideoChoice]) -> VideoChoice | None:
    """Return the video whose path the session keeps; the list only shows it. If its file vanished it stays listed."""
    state = st.session_state
    if "video_path" not in state:
        first = next(iter(choices.values()), None) if settings.video_path is not None else None
        state.video_path = None if first is None else str(first.path)
    named = choices.get(state.pop("video_wanted", None) or "")
    if named is not None:
        choose_path(named.path)
    chosen = next((choice for choice in choices.values() if str(choice.path) == state.video_path), None)
    last: VideoChoice | None = state.get("video_choice")
    if chosen is None and last is not None and str(last.path) == state.video_path:
        choices[last.name] = chosen = last
    state.video_path = None if chosen is None else str(chosen.path)
    return chosen


def _video_chosen(paths: dict[str, Path]) -> None:
    """Take the choice that was made in the list; ``paths``: of the videos that it showed."""
    path = paths.get(st.session_state.video)
    st.session_state.video_path = None if path is None else str(path)


def sample_video(settings: Config) -> Path | None:
    """Where the sample video lies, None if it does not."""
    return next((d / SAMPLE_NAME for d in settings.video_dirs if (d / SAMPLE_NAME).is_file()), None)


def choose_path(path: Path) -> None:
    """Choose a video, before the list is drawn."""
    st.session_state.video_path = str(path)


def _upload(settings: Config, store: EmbeddingStore) -> None:
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
    bar = st.progress(0.0, text=f"Keeping {literal(file.name)}")
    try:
        path = add_upload(
            file, file.size, file.name, uploads_folder(settings), store, lambda n: bar.progress(min(1.0, n / file.size))
        )
        choose_path(path)
        state.upload_error = None
    except ClipVideoError as error:
        state.upload_error = error
    state.uploads += 1  # another key: the uploader lets go of the file's memory
    st.rerun()


def describe(record: VideoRecord | None) -> None:
    """One line of facts; what only the header claims gets a ≈."""
    if record is None:
        return
    about = "" if record.table.confirmed else "≈ "
    frames = len(record.table)
    rate = (frames - 1) / float(record.table.times_s[-1]) if frames > 1 else record.header_fps
    parts = [clock(record.table.end_s), f"{record.width} × {record.height}"]
    parts += [f"{rate:.4g} fps"] if rate else []
    st.caption(f"{about}{' · '.join(parts)} · {frames:,} frame{'' if frames == 1 else 's'}")
