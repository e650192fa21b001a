"""The page Library: what is stored, the controls above its list, and what can be done with the selected videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.analysis.stored_videos import copies_bytes, delete_fetched, fetched_bytes
from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.library.relink import offline_videos
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.text import counted, size_text
from pages.regions.library import queue, relinking, videos
from pages.regions.library.add import draw_add
from pages.regions.library.exports import draw_export
from pages.regions.library.forget import ask_to_forget
from pages.regions.library.lookalikes import draw_lookalikes
from pages.regions.library.others import draw_others
from pages.regions.library.queueing import choose_model, take_ask
from pages.regions.library.state import DUPLICATES, LISTS, QUEUE, UNUSUAL, VIDEOS, IndexAsk, LibraryState
from pages.regions.sidebar import source
from pages.shared import cache
from pages.shared.access import READ_ONLY
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.widgets import bound

INVESTIGATE = "pages/investigate.py"


def draw_library(store: EmbeddingStore, config: Config) -> None:
    """Draw the page."""
    state = region_state(LibraryState)
    heading = st.empty()
    heading.markdown("##### Library")
    busy = st.empty()
    if not store.read_only:
        cache.watch_folders()
        take_ask(config, store)
    stored = store.usage()
    sums = f" :gray[:small[· {_sums(stored, config, store)}]]" if stored else ""
    heading.markdown(f"##### Library{sums}")
    names = queue.names_of(stored)
    ask = _draw_controls(stored, config, store, busy)
    _draw_messages()
    draw_others(store)
    if ask is not None:
        queue.draw_row(names)
        if state.library_view == QUEUE:
            queue.draw_queue(names)
        queue.draw_failed(names, store, ask)
        if state.library_view == QUEUE:
            return
        if state.library_view in (DUPLICATES, UNUSUAL):
            draw_lookalikes(state.library_view, config, store, ask)
            return
        if unlisted := queue.unlisted_text(stored):
            st.caption(unlisted)
            if not stored:
                return
    if not stored:
        st.caption("Nothing is stored yet. Add a folder or upload videos here, or open one on the page Investigate.")
        return
    selected = videos.draw_list(found := videos.found_videos(stored), config, store)
    _draw_actions(selected, len(found), config, store, ask)
    relinking.draw_relink(len(offline_videos(video.record for video in stored)), config, store)


def _draw_controls(
    stored: Sequence[StoredVideo], config: Config, store: EmbeddingStore, busy: DeltaGenerator
) -> IndexAsk | None:
    """Draw the row above the list; return what to index with, None on a read-only server."""
    state = region_state(LibraryState)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="library_row"):
        if stored and state.library_view == VIDEOS:
            videos.draw_finder()
        if store.read_only:
            return None
        ask = choose_model(config)
        draw_add(config, store, ask, busy)
        st.segmented_control(
            "Lists",
            list(LISTS),
            default=state.library_view,
            required=True,
            label_visibility="collapsed",
            **bound(state, "library_view", _forget_messages),
        )
    return ask


def _forget_messages() -> None:
    """Drop what the last action came to: it is about the list that was left."""
    state = region_state(LibraryState)
    state.error, state.note = None, ""


def _draw_messages() -> None:
    state = region_state(LibraryState)
    if state.error is not None:
        st.error(error_markdown(state.error), icon=":material/error:")
    if state.note:
        st.caption(f":material/info: {state.note}")


def _draw_actions(
    selected: Sequence[StoredVideo], found: int, config: Config, store: EmbeddingStore, ask: IndexAsk | None
) -> None:
    """Draw what can be done with the selected videos."""
    state, none = region_state(LibraryState), not selected
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="library_actions"):
        what = counted(len(selected), "video") if selected else "Tick videos at the left of their rows"
        videos.draw_pages(found)
        st.caption(f"{what} selected" if selected else what, width="content")
        if found > videos.PAGE:
            st.checkbox(f"All {found:,} found", value=state.library_all, **bound(state, "library_all"))
        open_it = st.button(
            "Investigate", icon=":material/monitoring:", key="library_open", disabled=len(selected) != 1
        )
        if open_it:
            source.choose_linked(selected[0].record.video_id, selected[0].record.name)
            st.switch_page(INVESTIGATE)
        draw_export(selected, store)
        if ask is None:
            st.caption(f"{READ_ONLY} Nothing can be added, indexed or forgotten.", width="content")
            return
        st.button(
            "Index",
            icon=":material/playlist_add:",
            key="library_index",
            disabled=none,
            help="With the model and the rate above. What is indexed is not done again.",
            on_click=_index,
            args=(selected, ask),
        )
        if fetched_bytes(config):
            st.button(
                "Delete fetched videos",
                key="library_unfetch",
                on_click=_delete_fetched,
                args=(config,),
                help="Copies of videos that lie in buckets. What is stored of them stays; they can be fetched again.",
            )
        if st.button("Forget…", icon=":material/delete:", key="forget", disabled=none):
            ask_to_forget(selected, store, config)


def _index(selected: Sequence[StoredVideo], ask: IndexAsk) -> None:
    state = region_state(LibraryState)
    state.error, state.note = None, f"{counted(len(selected), 'video')} queued."
    state.ask = replace(ask, paths=tuple(video.record.path for video in selected))


def _delete_fetched(config: Config) -> None:
    state, size = region_state(LibraryState), fetched_bytes(config)
    state.error, state.note = None, f"{size_text(size)} deleted."
    try:
        delete_fetched(config)
    except ClipVideoError as error:
        state.error, state.note = error, ""


def _sums(stored: Sequence[StoredVideo], config: Config, store: EmbeddingStore) -> str:
    whole, played = sum(video.size_bytes for video in stored), copies_bytes(config)
    sums = f"{counted(len(stored), 'video')} · {size_text(whole)}"
    sums += f" · the whole store {size_text(store.size_bytes())}, in {escape_markdown(store.location)}"
    sums += f" · copies to play {size_text(played)}" if played else ""
    fetched = fetched_bytes(config)
    return f"{sums} · fetched videos {size_text(fetched)}" if fetched else sums
