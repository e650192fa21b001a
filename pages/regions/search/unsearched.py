"""Videos that were not searched, because they have no frames of the model: how many, and a button that queues them."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from clip_core.encoders.base import ShownEncoder
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import counted
from pages.regions.search.results import Found
from pages.regions.search.state import search_state
from pages.shared.access import READ_ONLY
from pages.shared.cache import index_queue
from pages.shared.markdown import escape_markdown
from pages.shared.task_row import session_id

EVERY_S = 1.0


def draw_unsearched(found: Found, encoder: ShownEncoder, rate: float | None) -> None:
    """Draw the progress of what was queued here, or say what was not searched and offer to queue it.

    Args:
        found: The search.
        encoder: Its model.
        rate: Samples per second to index with; None: every frame.
    """
    state = search_state()
    if _done() < len(state.queued):
        st.fragment(_draw_progress, run_every=EVERY_S)()
        return
    left = [found.records[video_id] for video_id in found.result.unsearched if video_id in found.records]
    if not left:
        return
    is_one = len(left) == 1
    text = f"{counted(len(left), 'video')} {'is' if is_one else 'are'} not indexed with this model, so not searched."
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="unsearched"):
        _draw_failed()
        if found.store.read_only:
            st.caption(f"{text} {READ_ONLY}")
            return
        st.caption(text, width="content")
        st.button(
            "Index it" if is_one else "Index them",
            icon=":material/playlist_add:",
            key="index_unsearched",
            on_click=_queue,
            args=(left, encoder, found.store, rate),
            help="They are queued one after the other. The hits here grow as they are indexed.",
        )


def _queue(left: list[VideoSummary], encoder: ShownEncoder, store: EmbeddingStore, rate: float | None) -> None:
    state, queue = search_state(), index_queue()
    state.queued = [(v.name, queue.start(v.path, encoder, store, rate, session_id())) for v in left]
    state.queued_done = 0


def _done() -> int:
    """Return how many of the queued videos are through, failed ones included."""
    views = [index_queue().view(key, session_id()) for _, key in search_state().queued]
    return sum(view is None or not view.active for view in views)


def _draw_progress() -> None:
    """Draw the progress; search again whenever one more video is through."""
    state, done = search_state(), _done()
    if done != state.queued_done:
        state.queued_done = done
        st.rerun(scope="app")
    views = {name: index_queue().view(key, session_id()) for name, key in state.queued}
    running = next((name for name, view in views.items() if view is not None and view.state == "running"), "")
    share = sum(v.progress.share for v in views.values() if v is not None and v.active and v.progress is not None)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        text = f"Indexing: {done} of {len(state.queued)} done · {escape_markdown(running[:60])}"
        st.progress(min(1.0, (done + share) / len(state.queued)), text=text)
        st.button("Stop", key="stop_unsearched", on_click=_stop, help="What is indexed is kept.")


def _stop() -> None:
    for _, key in search_state().queued:
        index_queue().cancel(key)


def _draw_failed() -> None:
    """Say what of the queued videos failed, by reason."""
    views = [index_queue().view(key, session_id()) for _, key in search_state().queued]
    reasons = Counter(v.error.line for v in views if v is not None and v.state == "failed" and v.error is not None)
    for reason, count in reasons.most_common(3):
        st.caption(f":material/error: {counted(count, 'video')} failed: {escape_markdown(reason)}")
