"""The dialog that forgets one video or several."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clip_core.analysis.stored_videos import copy_bytes, delete_fetched, delete_upload, forget_copy, uploaded_file
from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import counted, size_text
from pages.regions.chart import curves
from pages.regions.library.state import LibraryState
from pages.regions.sidebar import source, video_settings
from pages.regions.viewer.proxy import forget as forget_what_was_asked
from pages.shared import indexing
from pages.shared.cache import index_queue, proxy_queue, watch_folders
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state

FILE_KEY = "forget_file"
MOST_NAMED = 5


def ask_to_forget(videos: Sequence[StoredVideo], store: EmbeddingStore, config: Config) -> None:
    """Open the dialog."""
    st.session_state[FILE_KEY] = False  # clear a tick made for other videos
    st.dialog("Forget this video?" if len(videos) == 1 else f"Forget these {len(videos):,} videos?")(_confirm)(
        videos, store, config
    )


def _confirm(videos: Sequence[StoredVideo], store: EmbeddingStore, config: Config) -> None:
    ids = [video.record.video_id for video in videos]
    copies = sum(copy_bytes(video_id, config) for video_id in ids)
    of_them, its = ("Its", "its") if len(ids) == 1 else ("Their", "their")
    copied = f" {of_them} copies to play are deleted too: {size_text(copies)}." if copies else ""
    if copies and len(ids) == 1:
        copied = f" Its copy to play is deleted too: {size_text(copies)}."
    files = [file for file in (uploaded_file(video_id, config) for video_id in ids) if file is not None]
    stays = ""
    if len(files) < len(ids):
        stays = " The video file itself stays." if len(ids) == 1 else " The video files themselves stay."
    frames = sum(model.frames for video in videos for model in video.models)
    st.markdown(
        f"The embeddings of {_names(videos)} are deleted: {frames:,} frames, "
        f"{size_text(sum(video.size_bytes for video in videos))}.{copied}{stays} {of_them} settings, such as {its} "
        f"prompts, are deleted, too. There is no undo; indexing again brings the embeddings back.{_lost(ids, store)}"
    )
    if files:
        _draw_files(len(files), sum(file.stat().st_size for file in files))
    with st.container(horizontal=True, gap="small"):
        if st.button("Forget", type="primary", key="forget_yes", on_click=_forget, args=(videos, store, config)):
            st.rerun()
        if st.button("Keep", key="forget_no"):
            st.rerun()


def _draw_files(count: int, size_bytes: int) -> None:
    one = count == 1
    st.caption(
        "Its name is forgotten as well: if the uploaded file stays, it is listed under its hash."
        if one
        else "Their names are forgotten as well: uploaded files that stay are listed under their hashes."
    )
    what = "the uploaded file" if one else f"the {count:,} uploaded files"
    st.checkbox(f"Delete {what} too: {size_text(size_bytes)}, for good", key=FILE_KEY)


def _names(videos: Sequence[StoredVideo]) -> str:
    names = [f"**{escape_markdown(video.record.name)}**" for video in videos[:MOST_NAMED]]
    if len(videos) > MOST_NAMED:
        return f"{', '.join(names)} and {len(videos) - MOST_NAMED:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _lost(video_ids: Sequence[str], store: EmbeddingStore) -> str:
    """Return the sentence on annotations, which indexing again does not bring back; "" if there are none."""
    try:
        judged = sum(len(store.annotations(video_id)) for video_id in video_ids)
    except ClipVideoError as error:
        return f" It is not known whether moments were judged by hand: {error_markdown(error)}"
    if not judged:
        return ""
    lost = counted(judged, "moment that was judged by hand is", "moments that were judged by hand are")
    return f" **{lost} deleted for good.**"


def _forget(videos: Sequence[StoredVideo], store: EmbeddingStore, config: Config) -> None:
    state = region_state(LibraryState)
    state.error, state.note, delete_files = None, "", bool(st.session_state.get(FILE_KEY))
    try:
        for video in videos:
            _forget_one(video, store, config, delete_file=delete_files)
        watch_folders().leave_out({video.record.path for video in videos})
    except ClipVideoError as error:
        state.error = error
    curves.forget()
    indexing.forget()


def _forget_one(video: StoredVideo, store: EmbeddingStore, config: Config, *, delete_file: bool) -> None:
    video_id = video.record.video_id
    index_queue().cancel_file(video.record.path)
    proxy_queue().stop(video_id)
    forget_what_was_asked(video_id)
    video_settings.forget(video_id)
    store.forget(video_id)
    forget_copy(video_id, config)
    delete_fetched(config, video_id)
    if delete_file:
        path = uploaded_file(video_id, config)
        delete_upload(video_id, config)
        source.drop_path(path)  # if it is the chosen video, none is chosen afterwards
