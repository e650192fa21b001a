"""Sidebar, Source: which video."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.pipeline.add_upload import add_upload
from clip_core.pipeline.list_videos import COMMON_EXTENSIONS, VideoChoice, list_videos, uploads_folder
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord, clock
from clip_core.video.opening import has_pyav
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
        with st.popover("", icon=":material/upload:", help="Upload a video", key="upload_box"):
            _upload(settings, store)
    choices = {choice.name: choice for choice in list_videos(settings, store)}
    _keep_chosen(settings, choices)
    name = slot.selectbox(
        "Video",
        list(choices),
        key="video",
        persist_state="session",
        index=None,
        placeholder="Choose a video",
        help="Files in the folders named by `video_dirs` in config.yaml, and everything uploaded before.",
    )
    state.video_choice = choices.get(name) if name is not None else None
    return state.video_choice


def _keep_chosen(settings: Config, choices: dict[str, VideoChoice]) -> None:
    """Give the list its value before it is drawn. A chosen file that vanished stays in the list."""
    state = st.session_state
    if "video" not in state:
        state.video = next(iter(choices), None) if settings.video_path is not None else None
    named = choices.get(state.pop("video_wanted", None) or "")
    wanted = state.pop("choose_path", None) or (None if named is None else str(named.path))
    if wanted is None and state.video is not None and state.video not in choices:
        last: VideoChoice | None = state.get("video_choice")
        wanted = None if last is None else str(last.path)
        if last is not None and not any(choice.path == last.path for choice in choices.values()):
            choices[last.name] = last
    if wanted is not None:
        state.video = next((name for name, choice in choices.items() if str(choice.path) == wanted), None)
    else:  # set anew even if it stays: on another page it is a new widget
        state.video = state.video if state.video in choices else None


def sample_video(settings: Config) -> Path | None:
    """Where the sample video lies, None if it does not."""
    return next((d / SAMPLE_NAME for d in settings.video_dirs if (d / SAMPLE_NAME).is_file()), None)


def choose_path(path: Path) -> None:
    """Choose a video at the next run."""
    st.session_state.choose_path = str(path)


def _upload(settings: Config, store: EmbeddingStore) -> None:
    state = st.session_state
    state.setdefault("uploads", 0)
    file = st.file_uploader(
        "Upload a video",
        type=sorted(extension[1:] for extension in COMMON_EXTENSIONS),
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
        state.choose_path, state.upload_error = str(path), None
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
