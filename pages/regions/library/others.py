"""What other processes are indexing into this store: commands on this machine or on others."""

from __future__ import annotations

import streamlit as st

from clip_core.store.activities import Activity
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted
from pages.regions.library.state import LibraryState
from pages.shared.markdown import escape_markdown
from pages.shared.session import region_state

EVERY_S, LOOK_S = 5.0, 15.0


def draw_others(store: EmbeddingStore) -> None:
    """Draw a row for each process that indexes into the store; the rows update themselves."""
    active = bool(store.activities())
    st.fragment(_live_rows, run_every=EVERY_S if active else LOOK_S)(store, active)


def _live_rows(store: EmbeddingStore, was_active: bool) -> None:
    stored = store.activities()
    if bool(stored) != was_active:
        st.rerun(scope="app")
    for activity in region_state(LibraryState).fresh.of(stored):
        st.progress(_share(activity), text=others_text(activity))


def _share(activity: Activity) -> float:
    return min((activity.done + activity.failed) / activity.videos, 1.0) if activity.videos else 0.0


def others_text(activity: Activity) -> str:
    """Return the Markdown on one of them."""
    who = f"{escape_markdown(activity.host)}, process {activity.process}"
    parts = [
        f"{who}, indexes with {escape_markdown(activity.model_id)}",
        f"{activity.done:,} of {counted(activity.videos, 'video')}",
    ]
    if activity.failed:
        parts.append(f"{activity.failed:,} failed")
    parts.append(counted(activity.samples, "sample"))
    if activity.per_second:
        parts.append(f"{activity.per_second:.1f}/s")
    if activity.left_s:
        parts.append(f"{clock(activity.left_s, 0)} left")
    if activity.current:
        parts.append(escape_markdown(activity.current))
    return " · ".join(parts)
