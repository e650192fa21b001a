"""Sidebar, Source: which video, which model, how densely."""

from __future__ import annotations

import streamlit as st

from clip_core.config import EVERY_FRAME, Config
from clip_core.encoders.registry import available_models
from clip_core.errors import ClipVideoError
from clip_core.pipeline.add_upload import add_upload
from clip_core.pipeline.list_videos import COMMON_EXTENSIONS, VideoChoice, list_videos, uploads_folder
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord, clock
from pages.parts.text import literal, told

RATES: tuple[float | str, ...] = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, EVERY_FRAME)
SAMPLE_NAME = "sample.mp4"


def choose_video(settings: Config, store: EmbeddingStore) -> VideoChoice | None:
    """Draw the list of videos and the upload; return the chosen one."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        slot = st.container()
        with st.popover("", icon=":material/upload:", help="Upload a video", key="upload_box"):
            _upload(settings, store)
    choices = {choice.name: choice for choice in list_videos(settings, store)}
    if "video" not in state or state.video not in choices:
        first = next(iter(choices), None) if settings.video_path is not None else None
        state.video = state.pop("chosen", first)
    wanted = state.pop("choose_path", None)
    if wanted is not None:
        state.video = next((name for name, choice in choices.items() if str(choice.path) == wanted), state.video)
    name = slot.selectbox(
        "Video",
        list(choices),
        key="video",
        persist_state="session",
        index=None,
        placeholder="Choose a video",
        help="Files in the folders named by `video_dirs` in config.yaml, and everything uploaded before.",
    )
    return choices.get(name) if name is not None else None


def open_sample(settings: Config) -> None:
    """Choose the sample video at the next run."""
    folder = next((d for d in settings.video_dirs if (d / SAMPLE_NAME).is_file()), None)
    if folder is not None:
        st.session_state.choose_path = str(folder / SAMPLE_NAME)


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


def choose_model(settings: Config) -> tuple[str, float | None]:
    """Draw the list of models and the rate; return the model's name and samples per second."""
    state = st.session_state
    names = [choice.name for choice in available_models(settings)]
    if settings.model not in names:
        names.insert(0, settings.model)
    rates = list(RATES)
    configured = EVERY_FRAME if settings.samples_per_second is None else settings.samples_per_second
    if configured not in rates:
        rates = [*sorted([configured, *rates[:-1]], key=float), EVERY_FRAME]
    state.setdefault("model", settings.model)
    state.setdefault("sps", configured)
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        model = st.selectbox(
            "Model",
            names,
            key="model",
            persist_state="session",
            help="Scores of two models are not comparable. Changing the model re-indexes the video.",
        )
        rate = st.selectbox(
            "Samples / s",
            rates,
            key="sps",
            persist_state="session",
            format_func=lambda r: r if isinstance(r, str) else f"{r:g}",
            help="Raising it embeds only the frames that are missing.",
        )
    return str(model), None if isinstance(rate, str) else float(rate)


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
