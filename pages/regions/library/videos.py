"""The list of stored videos: searched, sorted, in pages; the rows that are ticked are the selection."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from clip_core.addresses import is_address
from clip_core.analysis.stored_videos import SORTS, copy_bytes, find_videos_named
from clip_core.config import Config
from clip_core.library.identify import is_there
from clip_core.library.relink import offline_videos
from clip_core.store.store import EmbeddingStore, StoredModel, StoredVideo
from clip_core.task_queue import TaskView
from clip_core.tasks import IndexKey, index_place
from clip_core.text import clock, counted, short_id, size_text
from pages.regions.library.state import LibraryState
from pages.shared import cache
from pages.shared.session import region_state
from pages.shared.theme import unseen
from pages.shared.widgets import bound

PAGE, CELLS = 50, 4
ROW_PX, HEAD_PX, LIST_PX = 34, 36, 444
SHOWN = ("All", "Offline", "Not finished")


def draw_finder() -> None:
    """Draw the controls that choose which videos are listed, in which order."""
    state = region_state(LibraryState)
    st.text_input("Find", value=state.library_find, placeholder="Part of a name", width=170, **_bound("library_find"))
    st.selectbox("Show", SHOWN, index=SHOWN.index(state.library_show), width=130, **_bound("library_show"))
    st.selectbox(
        "Sort by", list(SORTS), index=list(SORTS).index(state.library_sort), width=130, **_bound("library_sort")
    )
    label, icon = ("Largest or latest first", "south") if state.falling else ("Smallest or earliest first", "north")
    st.button(unseen(label), icon=f":material/{icon}:", key="library_order", help=label, on_click=_turn)


def _bound(name: str) -> dict[str, Any]:
    return bound(region_state(LibraryState), name, _to_first_page)


def _to_first_page() -> None:
    region_state(LibraryState).page = 0


def _turn() -> None:
    state = region_state(LibraryState)
    state.falling = not state.falling
    _to_first_page()


def found_videos(stored: Sequence[StoredVideo]) -> list[StoredVideo]:
    """Return the videos to list, in their order."""
    state = region_state(LibraryState)
    found = find_videos_named(stored, state.library_find)
    if state.library_show == "Offline":
        offline = {record.video_id for record in offline_videos(video.record for video in found)}
        found = [video for video in found if video.record.video_id in offline]
    elif state.library_show == "Not finished":
        found = [video for video in found if not all(model.finished for model in video.models) or not video.models]
    return sorted(found, key=SORTS[state.library_sort], reverse=state.falling)


def draw_list(found: Sequence[StoredVideo], config: Config, store: EmbeddingStore) -> list[StoredVideo]:
    """Draw one page of the list; return the selected videos."""
    state = region_state(LibraryState)
    if not found:
        st.caption("No video is like that. Change what is shown, or what is to be found.")
        return []
    state.page = min(state.page, (len(found) - 1) // PAGE)
    shown = found[state.page * PAGE : (state.page + 1) * PAGE]
    ids = [video.record.video_id for video in shown]
    # Ticks are numbers of rows: with other rows, it must be another table.
    key = f"stored_{hashlib.sha256(''.join(ids).encode()).hexdigest()[:12]}"
    drawn = st.dataframe(
        pd.DataFrame(_rows(shown, config, store)),
        key=key,
        hide_index=True,
        placeholder="–",
        row_height=ROW_PX,
        height=min(HEAD_PX + ROW_PX * len(shown), LIST_PX),
        on_select="rerun",
        selection_mode="multi-row",
        column_config=_COLUMNS,
    )
    ticked = drawn["selection"]["rows"]
    return list(found) if state.library_all else [shown[row] for row in ticked if row < len(shown)]


_COLUMNS = {
    "Pictures": st.column_config.ImageColumn("Pictures", width=222),
    "Video": st.column_config.TextColumn(width=164),
    "Length": st.column_config.TextColumn(width=84),
    "Recorded": st.column_config.DatetimeColumn(format="YYYY-MM-DD", width=86),
    "Size": st.column_config.TextColumn(width=96),
    "Models": st.column_config.TextColumn(width=166),
    "State": st.column_config.TextColumn(width=118),
    "On disk": st.column_config.TextColumn(width=70),
    "Copy to play": st.column_config.TextColumn(width=88),
    "Added": st.column_config.DatetimeColumn(format="YYYY-MM-DD", width=86),
    "Link": st.column_config.LinkColumn(display_text="Investigate", help="In a new tab", width=84),
}


def _rows(shown: Sequence[StoredVideo], config: Config, store: EmbeddingStore) -> list[dict[str, object]]:
    frames = {video.record.video_id: sum(model.frames for model in video.models) for video in shown}
    strips = cache.picture_strips(store.location, frames, CELLS)
    queued = {view.key[0]: view for view in reversed(cache.index_queue().views())}
    return [_row(video, strips.get(video.record.video_id), queued, config, store) for video in shown]


def _row(
    video: StoredVideo,
    strip: str | None,
    queued: dict[str, TaskView[IndexKey]],
    config: Config,
    store: EmbeddingStore,
) -> dict[str, object]:
    record, copy = video.record, copy_bytes(video.record.video_id, config)
    return {
        "Pictures": strip,
        "Video": record.name,
        "Length": clock(record.end_s),
        "Recorded": None if record.recorded_s is None else dt.datetime.fromtimestamp(record.recorded_s),
        "Size": f"{record.width} × {record.height}",
        "Models": "; ".join(map(_model_text, video.models)) or "–",
        "State": state_text(video, queued.get(index_place(record.path)), store),
        "On disk": size_text(video.size_bytes),
        "Copy to play": size_text(copy) if copy else "–",
        "Added": dt.datetime.fromtimestamp(record.added_s),
        "Link": "./?" + urlencode({"id": short_id(record.video_id), "video": record.name}, errors="replace"),
    }


def _model_text(model: StoredModel) -> str:
    rate = "every frame" if model.samples_per_second is None else f"{model.samples_per_second:g}/s"
    return f"{model.model_id}: {counted(model.frames, 'frame')}, {rate}"


def state_text(video: StoredVideo, task: TaskView[IndexKey] | None, store: EmbeddingStore) -> str:
    """Return one word or two on what can be done with a video, the most pressing first."""
    if task is not None and task.state == "running":
        return f"indexing, {0 if task.progress is None else round(100 * task.progress.share)} %"
    if task is not None and task.state == "waiting":
        return f"queued, number {task.place}"
    if not is_address(video.record.path) and not is_there(video.record.path):
        return "offline"
    if cache.outdated(video.record, store.location) is not None:
        return "index again"
    if task is not None and task.state == "failed":
        return "failed"
    return "indexed" if video.models and all(model.finished for model in video.models) else "not finished"


def draw_pages(count: int) -> None:
    """Draw the buttons that turn the pages of a list of ``count`` videos; nothing if there is one page."""
    state, last = region_state(LibraryState), (count - 1) // PAGE
    if last <= 0:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="library_pages", width="content"):
        for label, icon, to, is_off in (
            ("First page", "first_page", 0, state.page == 0),
            ("Page before", "chevron_left", state.page - 1, state.page == 0),
            ("Next page", "chevron_right", state.page + 1, state.page == last),
            ("Last page", "last_page", last, state.page == last),
        ):
            st.button(
                unseen(label),
                icon=f":material/{icon}:",
                key=f"library_{icon}",
                help=label,
                disabled=is_off,
                on_click=_turn_to,
                args=(to,),
            )
        first = state.page * PAGE
        st.caption(f"{first + 1:,}–{min(first + PAGE, count):,} of {counted(count, 'video')}", width="content")


def _turn_to(page: int) -> None:
    region_state(LibraryState).page = page
