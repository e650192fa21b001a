"""What occurs twice in the library, and the shots that are like nothing else: computed when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.duplicates import Duplicate, find_duplicates
from clip_core.retrieval.results import Elsewhere
from clip_core.retrieval.unusual import UnusualShot, find_unusual
from clip_core.settings import moment_query
from clip_core.store.store import EmbeddingStore
from clip_core.task_queue import TaskView
from clip_core.text import clock
from pages.regions.library.state import DUPLICATES, IndexAsk, LibraryState
from pages.shared import cache
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import TaskRow, draw_task_row, session_id

ROW_PX, LIST_PX = 34, 380
_ABOUT = {
    True: "Videos, and parts of them, that show the same pictures in the same order, the longest first.",
    False: "Shots that are least like anything in the other videos, at most three of each video.",
}


def draw_lookalikes(view: str, config: Config, store: EmbeddingStore, ask: IndexAsk) -> None:
    """Draw one of the two lists for the chosen model, or the button that computes them."""
    state = region_state(LibraryState)
    key = f"{store.location} {ask.model}"
    queue = cache.library_queue("The comparison")
    task = queue.view(key, session_id())
    st.caption(_ABOUT[view == DUPLICATES])
    if task is not None and task.active:
        draw_task_row(TaskRow(queue, key, session_id(), _text, "lookalikes_cancel", "Cancel. Nothing is lost."))
        return
    if task is not None and task.error is not None:
        st.error(error_markdown(task.error), icon=":material/error:")
    found = state.lookalikes if state.lookalikes is not None and state.lookalikes[0] == key else None
    if found is None and task is not None and task.state == "done":
        try:
            with st.spinner("Comparing the shots…"):
                fingerprint = cache.encoder(ask.model, replace(config, crop=ask.crop)).fingerprint
                found = (key, find_duplicates(store, fingerprint), find_unusual(store, fingerprint))
        except ClipVideoError as error:
            st.error(error_markdown(error), icon=":material/error:")
        state.lookalikes = found
    st.button(
        "Look" if found is None else "Look again",
        icon=":material/compare_arrows:",
        key="lookalikes_look",
        help=f"Compares all shots that are indexed with {escape_markdown(ask.model)}.",
        on_click=_look,
        args=(key, config, store, ask),
    )
    if found is not None and not (found[1] or found[2]):
        what = f"No shot is indexed with {escape_markdown(ask.model)}."
        st.caption(what if store.read_only else f"{what} Tick videos and index them, or choose another model.")
    elif found is not None:
        _draw_duplicates(found[1]) if view == DUPLICATES else _draw_unusual(found[2], store)


def _look(key: str, config: Config, store: EmbeddingStore, ask: IndexAsk) -> None:
    state = region_state(LibraryState)
    state.lookalikes, state.error = None, None
    try:
        encoder = cache.encoder(ask.model, replace(config, crop=ask.crop))
    except ClipVideoError as error:
        state.error = error
        return
    cache.library_queue("The comparison").submit(key, lambda: refresh_stretches(store, encoder), session_id())


def _text(task: TaskView[str]) -> str:
    progress = task.progress
    if progress is None:
        return "Looking at what is stored"
    return f"{escape_markdown(progress.note)} · {progress.done:,.0f} of {progress.total:,.0f} videos"


def _draw_duplicates(found: Sequence[Duplicate]) -> None:
    if not found:
        st.caption("Nothing occurs twice.")
        return
    _draw_table(
        [
            {
                "Video": one.first.name,
                "From": clock(one.first.start_s),
                "To": clock(one.first.end_s),
                "Same as": one.second.name,
                "There from": clock(one.second.start_s),
                "There to": clock(one.second.end_s),
                "Of the shorter": f"{one.share:.0%}",
                "Cosine": f"{one.cosine:.3f}",
                "Open": _link(one.first),
                "Open the other": _link(one.second),
            }
            for one in found
        ]
    )


def _draw_unusual(found: Sequence[UnusualShot], store: EmbeddingStore) -> None:
    _draw_table(
        [
            {
                "Picture": cache.stored_picture(store.location, shot.place.video_id, shot.picture_pts),
                "Video": shot.place.name,
                "From": clock(shot.place.start_s),
                "To": clock(shot.place.end_s),
                "Cosine to the nearest": f"{shot.likeness:.3f}",
                "Open": _link(shot.place),
            }
            for shot in found
        ]
    )


def _draw_table(rows: Sequence[dict[str, Any]]) -> None:
    link = st.column_config.LinkColumn(display_text="Investigate", help="In a new tab", width=90)
    st.dataframe(
        pd.DataFrame(rows),
        key="lookalikes",
        hide_index=True,
        row_height=ROW_PX,
        height=min(38 + ROW_PX * len(rows), LIST_PX),
        column_config={"Picture": st.column_config.ImageColumn(width=70), "Open": link, "Open the other": link},
    )


def _link(place: Elsewhere) -> str:
    return "./?" + urlencode(moment_query(place.video_id, place.start_s, name=place.name), doseq=True, errors="replace")
