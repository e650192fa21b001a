"""Sidebar, Source: which video."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clip_core.config import Config
from clip_core.pipeline.list_videos import VideoChoice, list_videos
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock
from clip_core.values import VideoRecord
from pages.parts.adding import draw_box, opened_paths
from pages.parts.controls import held
from pages.parts.text import literal

SAMPLE_NAME = "sample.mp4"


def draw_notices(settings: Config) -> None:
    """Say what the visitor should know of how the settings were read."""
    for notice in settings.notices:
        st.caption(f":material/info: {literal(notice)}")


def choose_video(settings: Config, store: EmbeddingStore) -> VideoChoice | None:
    """Draw the list of videos and the box that adds one; return the chosen one."""
    state = st.session_state
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False)
    busy = st.empty()
    with row:
        slot = st.container()
        draw_box(settings, store, busy)
    choices = {choice.name: choice for choice in list_videos(settings, store, opened_paths())}
    chosen = state.video_choice = _settle_chosen(settings, choices)
    names = list(choices)
    state.video = None if chosen is None else chosen.name
    slot.selectbox(
        "Video",
        names,
        index=None if chosen is None else names.index(chosen.name),
        placeholder="Choose a video",
        help="Files in the folders that `video_dirs` of config.yaml names, and what was uploaded or opened before.",
        **held("video", _video_chosen, {name: choice.path for name, choice in choices.items()}),
    )
    return chosen


def _settle_chosen(settings: Config, choices: dict[str, VideoChoice]) -> VideoChoice | None:
    """Return the video whose path the session keeps; the list only shows it. If its file vanished it stays listed."""
    state = st.session_state
    if "video_path" not in state:
        first = next(iter(choices.values()), None) if settings.video_path is not None else None
        state.video_path = None if first is None else str(first.path)
    wanted: str | None = state.pop("video_wanted", None)
    if wanted is not None:  # a link names it
        state.video_missing = None if wanted in choices else wanted
        state.video_path = str(choices[wanted].path) if wanted in choices else None
    chosen = next((choice for choice in choices.values() if str(choice.path) == state.video_path), None)
    last: VideoChoice | None = state.get("video_choice")
    if chosen is None and last is not None and str(last.path) == state.video_path:
        choices[last.name] = chosen = last
    state.video_path = None if chosen is None else str(chosen.path)
    if chosen is not None:
        state.video_missing = None
    return chosen


def _video_chosen(paths: dict[str, Path]) -> None:
    """Take the choice that was made in the list; ``paths``: of the videos that it showed."""
    path = paths.get(st.session_state.video)
    st.session_state.video_path = None if path is None else str(path)


def sample_video(settings: Config) -> Path | None:
    """Where the sample video lies, None if it does not."""
    return next((d / SAMPLE_NAME for d in settings.video_dirs if (d / SAMPLE_NAME).is_file()), None)


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
