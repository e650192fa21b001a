"""The queue of indexing: one row on its whole, and the list of its videos with what can be done to each."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from clip_core.errors import shown_name
from clip_core.store.store import EmbeddingStore, StoredVideo
from clip_core.task_queue import QueueTotals, TaskView
from clip_core.tasks import IndexKey
from clip_core.text import counted
from pages.regions.library.state import QUEUE, IndexAsk, LibraryState
from pages.shared.cache import index_queue
from pages.shared.markdown import escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import left_text
from pages.shared.theme import unseen

EVERY_S, REDRAW_S = 1.0, 5.0
ROWS_PX, MOST_ROWS = 32, 500
MOST_FAILED = 50
CHOSEN_KEY = "queue_chosen"
Names = Mapping[str, str]
"""Real path of a file → the name of its video; uploads are named by their hash."""


def names_of(stored: Sequence[StoredVideo]) -> Names:
    """Return the names of the stored videos by path."""
    return {video.record.path: video.record.name for video in stored}


def is_busy() -> bool:
    """Return whether any video is waiting or being indexed."""
    totals = index_queue().totals()
    return totals.ended < totals.total


def draw_row(names: Names) -> None:
    """Draw how far the whole queue is, with its buttons, if it is busy; the row updates itself."""
    if is_busy():
        st.fragment(_live_row, run_every=EVERY_S)(names)


def unlisted_text(stored: Sequence[StoredVideo]) -> str:
    """Return a sentence on the files in line that the list of videos cannot show yet; "" if there are none."""
    active = {view.key[0] for view in index_queue().views() if view.active}
    count = len(active - {os.path.realpath(video.record.path) for video in stored}) if active else 0
    if not count:
        return ""
    files = counted(count, "file is in line and is", "files are in line and are")
    return f"{files} listed here once indexing has begun. *{QUEUE}* names {'it' if count == 1 else 'them'}."


def _live_row(names: Names) -> None:
    queue, state = index_queue(), region_state(LibraryState)
    totals = queue.totals()
    if totals.ended == totals.total:  # all have ended since; the rerun will not draw this row again
        st.rerun(scope="app")
    now = time.monotonic()
    if totals.ended != state.ended and now - state.redrawn_s > REDRAW_S:
        state.ended, state.redrawn_s = totals.ended, now
        st.rerun(scope="app")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="queue_row"):
        if state.asks_cancel:
            left = counted(totals.total - totals.ended, "video")
            st.caption(f"Stop indexing {left}, for everybody? What is indexed is kept.")
            st.button("Stop all", key="queue_cancel_yes", on_click=_cancel_all)
            st.button("Go on", key="queue_cancel_no", on_click=_ask_cancel, args=(False,))
            return
        st.progress(totals.share, text=_whole_text(totals, names))
        icon, label = ("play_arrow", "Resume the queue") if totals.paused else ("pause", "Pause the queue")
        act = queue.resume if totals.paused else queue.pause
        st.button(unseen(label), icon=f":material/{icon}:", key="queue_pause", help=label, on_click=act)
        st.button(
            unseen("Cancel all"),
            icon=":material/close:",
            key="queue_cancel",
            help="Cancel all. What is indexed is kept.",
            on_click=_ask_cancel,
            args=(True,),
        )


def _whole_text(totals: QueueTotals, names: Names) -> str:
    text = f"{totals.ended:,} of {counted(totals.total, 'video')}"
    if totals.failed:
        text += f" · {totals.failed:,} failed"
    if totals.paused:
        return f"{text} · paused"
    running = next((view for view in index_queue().views() if view.state == "running"), None)
    if running is not None:
        text += f" · {escape_markdown(_name(running.key, names))}: {_detail(running)}"
    return text


def _ask_cancel(asks: bool) -> None:
    region_state(LibraryState).asks_cancel = asks


def _cancel_all() -> None:
    _ask_cancel(False)
    index_queue().cancel_all()


def draw_queue(names: Names) -> None:
    """Draw the videos in line, which can be put in front or cancelled, and those that failed."""
    if is_busy():
        st.fragment(_live_list, run_every=EVERY_S)(names)
    else:
        st.caption("Nothing is waiting to be indexed.")
    waiting = {view.key: view for view in index_queue().views() if view.active}
    if waiting:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.multiselect(
                "Videos in the queue",
                list(waiting),
                format_func=lambda key: _name(key, names),
                key=CHOSEN_KEY,
                placeholder="Choose videos",
                width=520,
            )
            st.button("To the front", icon=":material/vertical_align_top:", key="queue_front", on_click=_to_front)
            st.button("Cancel", icon=":material/close:", key="queue_drop", on_click=_cancel_chosen)


def _live_list(names: Names) -> None:
    active = [view for view in index_queue().views() if view.active]
    rows = [
        {
            "Place": str(view.place) if view.place else "now",
            "Video": _name(view.key, names),
            "Done": 0.0 if view.progress is None else view.progress.share,
            "State": _detail(view),
        }
        for view in active[:MOST_ROWS]
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["Place", "Video", "Done", "State"]),
        key="queue",
        hide_index=True,
        row_height=ROWS_PX,
        height=38 + ROWS_PX * min(max(len(rows), 1), 8),
        column_config={
            "Place": st.column_config.TextColumn(width=60),
            "Video": st.column_config.TextColumn(width=420),
            "Done": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0, width=180),
        },
    )
    if len(active) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(active):,} are listed.")


def _detail(view: TaskView[IndexKey]) -> str:
    progress = view.progress
    if view.state == "waiting":
        return "waiting" if progress is None else "searchable coarsely, waits for the rest"
    if progress is None:
        return "opening"
    if progress.stage == "identifying":
        return "reading the file"
    return f"{progress.done:,.0f} of {progress.total:,.0f} samples{left_text(progress)}"


def _name(key: IndexKey, names: Names) -> str:
    return names.get(key[0]) or shown_name(key[0])


def _to_front() -> None:
    for key in reversed(st.session_state[CHOSEN_KEY]):
        index_queue().move_to_front(key)


def _cancel_chosen() -> None:
    for key in st.session_state[CHOSEN_KEY]:
        index_queue().cancel(key)


def failed_files(store: EmbeddingStore) -> dict[str, str]:
    """Return path → reason of what could not be indexed, here or by a command, the last one first."""
    failed = {view.key[0]: str(view.error or "") for view in index_queue().views() if view.state == "failed"}
    stored = {failure.path: failure.reason for failure in reversed(store.failures())}
    return failed | {path: reason for path, reason in stored.items() if path not in failed}


def draw_failed(names: Names, store: EmbeddingStore, ask: IndexAsk) -> None:
    """Draw the videos that could not be indexed, each with its reason."""
    failed = failed_files(store)
    if not failed:
        return
    with st.expander(f"{counted(len(failed), 'video')} could not be indexed", icon=":material/error:"):
        for path, reason in list(failed.items())[:MOST_FAILED]:
            st.markdown(f"**{escape_markdown(names.get(path) or shown_name(path))}**: {escape_markdown(reason)}")
        if len(failed) > MOST_FAILED:
            st.caption(f"and {len(failed) - MOST_FAILED:,} more")
        with st.container(horizontal=True, gap="small"):
            st.button("Try again", key="failed_again", on_click=_try_again, args=(list(failed), store, ask))
            st.button("Clear the list", key="failed_clear", on_click=_clear, args=(list(failed), store))


def _try_again(paths: Sequence[str], store: EmbeddingStore, ask: IndexAsk) -> None:
    _clear(paths, store)
    region_state(LibraryState).ask = replace(ask, paths=tuple(paths))


def _clear(paths: Sequence[str], store: EmbeddingStore) -> None:
    for view in index_queue().views():
        if view.state == "failed":
            index_queue().drop_ended(view.key)
    for path in paths:
        store.forget_failure(path)
