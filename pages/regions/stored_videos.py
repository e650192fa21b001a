"""The list of stored videos with their sizes, and the dialog that forgets one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from clip_core.analysis.stored_videos import (
    copy_bytes,
    delete_upload,
    forget_copy,
    sizes_of_models,
    uploaded_file,
)
from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.library.identify import reindex_errors
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import clock, counted, size_text
from pages.regions.chart import curves
from pages.regions.sidebar import source, video_settings
from pages.regions.viewer.proxy import forget as forget_what_was_asked
from pages.shared import indexing
from pages.shared.access import READ_ONLY
from pages.shared.cache import index_queue, proxy_queue
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state

ROW_PX = 32
PATIENCE_S = 1.0
FILE_KEY = "forget_file"


@dataclass
class LibraryState:
    """The session's state of this region: why the last video was not forgotten wholly."""

    error: ClipVideoError | None = None


def draw_library(store: EmbeddingStore, config: Config) -> None:
    """Draw the list and, below it, the controls that forget one video."""
    st.markdown("##### Stored videos")
    if (error := region_state(LibraryState).error) is not None:
        st.error(error_markdown(error), icon=":material/error:")
    stored = store.usage()
    if not stored:
        st.caption("Nothing is stored yet. Open a video on the page Investigate; its embeddings are kept here.")
        return
    whole = sum(video.size_bytes for video in stored)
    copies = {video.record.video_id: copy_bytes(video.record.video_id, config) for video in stored}
    sums = f"{counted(len(stored), 'video')} · {size_text(whole)}"
    sums += f" · the whole store {size_text(store.size_bytes())}, in {escape_markdown(store.location)}"
    played = sum(copies.values())
    st.caption(f"{sums} · copies to play {size_text(played)}" if played else sums)
    rows = [row for video in stored for row in _rows(video, copies[video.record.video_id])]
    st.dataframe(
        pd.DataFrame(rows),
        key="stored",
        hide_index=True,
        row_height=ROW_PX,
        column_config={"Added": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")},
    )
    outdated, unknown = reindex_errors((video.record for video in stored), store, patience_s=PATIENCE_S)
    for error in outdated:
        st.warning(error_markdown(error), icon=":material/warning:")
    if unknown:
        st.caption(f"{counted(unknown, 'older video')} not looked at yet: run this page again to go on.")
    names = {video.record.video_id: f"{video.record.name} ({video.record.video_id[:8]})" for video in stored}
    if store.read_only:
        st.caption(f"{READ_ONLY} Nothing can be forgotten.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox("Video", list(names), format_func=lambda i: names[i], key="forget_which", width=420)
        if st.button("Forget…", icon=":material/delete:", key="forget", disabled=chosen is None):
            st.session_state[FILE_KEY] = False  # clear a tick made for another video
            _confirm(next(video for video in stored if video.record.video_id == chosen), store, config)


def _rows(video: StoredVideo, copy: int) -> list[dict[str, object]]:
    record = video.record
    facts = {
        "Video": record.name,
        "Length": clock(record.end_s),
        "Size": f"{record.width} × {record.height}",
        "Added": dt.datetime.fromtimestamp(record.added_s),
        "Copy to play": size_text(copy) if copy else "–",
    }
    if not video.models:
        return [facts | {"Model": "–", "Frames": 0, "Samples / s": "–", "On disk": size_text(video.size_bytes)}]
    return [
        facts
        | {
            "Model": model.model_id,
            "Frames": model.frames,
            "Samples / s": "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}",
            "On disk": size_text(size),
        }
        for model, size in sizes_of_models(video)
    ]


@st.dialog("Forget this video?")
def _confirm(video: StoredVideo, store: EmbeddingStore, config: Config) -> None:
    copy = copy_bytes(video.record.video_id, config)
    copied = f" Its copy to play is deleted too: {size_text(copy)}." if copy else ""
    frames = sum(model.frames for model in video.models)
    try:
        lost = _lost(len(store.annotations(video.record.video_id)))
    except ClipVideoError as error:
        lost = f" It is not known whether moments were judged by hand: {error_markdown(error)}"
    file = uploaded_file(video.record.video_id, config)
    stays = " The video file itself stays." if file is None else ""
    st.markdown(
        f"The embeddings of **{escape_markdown(video.record.name)}** are deleted: {frames:,} frames, "
        f"{size_text(video.size_bytes)}.{copied}{stays} Its settings, such as its prompts, are deleted, too. "
        f"There is no undo; indexing again brings the embeddings back.{lost}"
    )
    if file is not None:
        st.caption("Its name is forgotten as well: if the uploaded file stays, it is listed under its hash.")
        st.checkbox(f"Delete the uploaded file too: {size_text(file.stat().st_size)}, for good", key=FILE_KEY)
    with st.container(horizontal=True, gap="small"):
        if st.button("Forget", type="primary", key="forget_yes", on_click=_forget, args=(video, store, config)):
            st.rerun()
        if st.button("Keep", key="forget_no"):
            st.rerun()


def _lost(judged: int) -> str:
    """Return the sentence on annotations, which indexing again does not bring back; "" if there are none."""
    if not judged:
        return ""
    lost = counted(judged, "moment that was judged by hand is", "moments that were judged by hand are")
    return f" **{lost} deleted for good.**"


def _forget(video: StoredVideo, store: EmbeddingStore, config: Config) -> None:
    video_id = video.record.video_id
    index_queue().cancel_file(video.record.path)
    proxy_queue().stop(video_id)
    state = region_state(LibraryState)
    state.error = None
    try:
        store.forget(video_id)
        forget_copy(video_id, config)
        if st.session_state.get(FILE_KEY):
            _delete_file(video_id, config)
    except ClipVideoError as error:
        state.error = error
    forget_what_was_asked(video_id)
    video_settings.forget(video_id)
    curves.forget()
    indexing.forget()


def _delete_file(video_id: str, config: Config) -> None:
    """Delete the uploaded file; if it is the chosen video, no video is chosen afterwards."""
    path = uploaded_file(video_id, config)
    delete_upload(video_id, config)
    source.drop_path(path)
