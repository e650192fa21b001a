"""Recent and saved searches: list them, save the one that is shown, and see what is new since somebody last looked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError
from clip_core.retrieval.query import parse_query
from clip_core.retrieval.search import search as find_hits
from clip_core.store.searches import SavedSearch
from clip_core.store.store import EmbeddingStore
from clip_core.text import counted, short_id, short_prompt
from pages.regions.search.filters import Chosen, put_filters
from pages.regions.search.results import LIMIT, PATIENCE_S, Found, frames_of
from pages.regions.search.state import ask, search_state
from pages.shared.access import READ_ONLY
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.widgets import draw_remove

MOST_LISTED = 12


def draw_saved(place: DeltaGenerator, store: EmbeddingStore, encoder: Encoder | None) -> None:
    """Draw the list of saved searches; a click searches and marks what is new. Without a model nothing is counted."""
    if searches := store.searches():
        with place:
            _draw_list(searches, store, encoder)


def _draw_list(searches: Sequence[SavedSearch], store: EmbeddingStore, encoder: Encoder | None) -> None:
    st.markdown("##### Saved searches")
    frames, until_s = {} if encoder is None else frames_of(store, encoder), time.monotonic() + PATIENCE_S
    for number, search in enumerate(searches if search_state().lists_all else searches[:MOST_LISTED]):
        new = 0 if encoder is None else _new_hits(search, frames, encoder, store, until_s)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            st.button(
                _label(search.text) + (f" :gray[· {new} new]" if new else ""),
                key=f"saved_search_{number}",
                on_click=_open,
                args=(search,),
                help=f"{counted(new, 'hit is', 'hits are')} in videos of which frames were indexed since it was last "
                "looked at."
                if new
                else None,
                width="stretch",
            )
            if not store.read_only:
                draw_remove(short_prompt(search.text), f"drop_search_{number}", partial(_drop, search.text, store))
    if len(searches) > MOST_LISTED:
        st.toggle(f"All {len(searches)}", search_state().lists_all, key="lists_all", on_change=_list_all)


def _new_hits(
    search: SavedSearch, frames: Mapping[str, int], encoder: Encoder, store: EmbeddingStore, until_s: float
) -> int:
    """Return how many of a search's hits are in videos that have got frames since; the last count after ``until_s``."""
    known, new = search_state().new_hits, search.new_among(frames)
    if not new:
        return 0
    of = (encoder.fingerprint, search, sorted(frames.items()))
    before, count = known.get(search.text, (None, 0))
    if before != of and time.monotonic() < until_s:
        among = Chosen.of(search.where)
        found = find_hits(parse_query(search.text), store, encoder, limit=LIMIT, videos=among.videos, where=among.where)
        count = sum(hit.video_id in new for hit in found.hits)
        known[search.text] = (of, count)
    return count


def draw_save(found: Found) -> None:
    """Draw the button that saves the search that is shown, or the switch to what is new since a saved one."""
    state, store = search_state(), found.store
    if state.since is not None:
        _keep_seen(found)
        new = sum(hit.video_id in found.new for hit in found.hits)
        if found.new or state.only_new:
            st.toggle(f"Only new · {counted(new, 'hit')}", state.only_new, key="only_new", on_change=_switch)
        return
    text = state.text.strip()
    is_saved = any(search.text == text for search in store.searches())
    help_text = "Kept with the store, for everybody who uses it; it then shows what is new since it was last looked at."
    if state.example is not None or not text:
        help_text = "Only a text and its filters can be saved, no picture and no place of a video."
    elif store.read_only:
        help_text = f"{READ_ONLY} Searches cannot be saved."
    st.button(
        "Saved" if is_saved else "Save",
        icon=":material/bookmark:",
        key="save_search",
        disabled=not text or store.read_only or is_saved or state.example is not None,
        on_click=_save,
        args=(found,),
        help=help_text,
    )


def draw_recent() -> None:
    """Draw buttons for the session's recent searches."""
    recent = search_state().recent
    if not recent:
        return
    st.markdown("##### Recent searches")
    with st.container(horizontal=True, gap="xsmall"):
        for place, text in enumerate(recent):
            st.button(_label(text), key=f"recent_search_{place}", on_click=ask, args=(text,))


def _label(text: str) -> str:
    return escape_markdown(short_prompt(", ".join(text.splitlines())))


def _switch() -> None:
    search_state().only_new = bool(st.session_state["only_new"])


def _list_all() -> None:
    search_state().lists_all = bool(st.session_state["lists_all"])


def _open(search: SavedSearch) -> None:
    put_filters(search.where)
    ask(search.text, since=search)


def _drop(text: str, store: EmbeddingStore) -> None:
    try:
        store.drop_search(text)
    except ClipVideoError as error:
        search_state().error = error_markdown(error)


def _save(found: Found) -> None:
    _keep(SavedSearch(search_state().text.strip(), found.chosen.as_mapping(), _seen(found)), found.store)


def _keep_seen(found: Found) -> None:
    """Note that somebody has now looked at all videos that are searched, once."""
    state = search_state()
    if state.since is None or state.only_new or found.store.read_only:
        return
    known = next((search for search in found.store.searches() if search.text == state.since.text), None)
    if known is not None and known.seen != _seen(found):
        _keep(SavedSearch(known.text, known.where, _seen(found)), found.store)


def _keep(search: SavedSearch, store: EmbeddingStore) -> None:
    try:
        store.keep_search(search)
    except ClipVideoError as error:
        search_state().error = error_markdown(error)


def _seen(found: Found) -> dict[str, int]:
    frames = frames_of(found.store, found.encoder)
    return {short_id(video_id): frames[video_id] for video_id in found.records if video_id in frames}
