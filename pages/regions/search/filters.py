"""The menu of filters: which videos are searched."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from clip_core.retrieval.filters import PictureShape, SearchFilter
from clip_core.store.videos import VideoSummary
from pages.regions.search.state import Days, SearchState, search_state
from pages.shared.widgets import bound

SHAPES: dict[str, PictureShape] = {"Landscape": "landscape", "Portrait": "portrait", "Square": "square"}
MINUTE_S = 60.0
WIDTH_PX = 420


@dataclass(frozen=True)
class Chosen:
    """The restriction of a search: ``where``, and ids of the videos to search, None for all."""

    where: SearchFilter = field(default_factory=SearchFilter)
    videos: tuple[str, ...] | None = None

    def as_mapping(self) -> dict[str, Any]:
        """Return it as values for JSON, without what restricts nothing."""
        kept = {name: value for name, value in asdict(self.where).items() if value is not None and value is not False}
        return kept if self.videos is None else kept | {"videos": list(self.videos)}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Chosen:
        """Return the restriction that ``as_mapping`` was of."""
        where = SearchFilter(**{name: value for name, value in kept.items() if name != "videos"})
        return cls(where, tuple(kept["videos"]) if "videos" in kept else None)


def choose_filters(records: Sequence[VideoSummary]) -> Chosen:
    """Draw the menu; return the restriction."""
    state = search_state()
    names = {record.video_id: record.name for record in records}
    count = len(_chosen(state, names).as_mapping())
    label = f"Filters · {count}" if count else "Filters"
    with (
        st.popover(label, icon=":material/filter_list:", key="search_filters", help="Which videos are searched"),
        st.container(width=WIDTH_PX),
    ):
        _draw_which(state, names, records)
        _draw_kinds(state)
        st.button("Clear filters", key="clear_filters", disabled=not count, on_click=put_filters, args=({},))
    return _chosen(state, names)


def _draw_which(state: SearchState, names: Mapping[str, str], records: Sequence[VideoSummary]) -> None:
    state.search_videos = [video_id for video_id in state.search_videos if video_id in names]
    st.multiselect(
        "Videos",
        sorted(names, key=lambda video_id: names[video_id]),
        default=state.search_videos,
        format_func=lambda video_id: names.get(video_id, video_id[:12]),
        placeholder="All",
        **bound(state, "search_videos"),
    )
    parents = {Path(os.path.dirname(record.path)) for record in records}  # noqa: PTH120 - a Path for each takes long
    folders = sorted({str(folder) for own in parents for folder in (own, *own.parents) if folder.name})
    if state.search_folder not in folders:
        state.search_folder = None
    st.selectbox(
        "Folder",
        folders,
        index=None if state.search_folder is None else folders.index(state.search_folder),
        placeholder="Any",
        help="The folder and those below it.",
        **bound(state, "search_folder"),
    )
    st.text_input("Name contains", state.search_name, max_chars=200, **bound(state, "search_name"))


def _draw_kinds(state: SearchState) -> None:
    left, right = st.columns(2, gap="small")
    dates: dict[str, Any] = {"format": "YYYY-MM-DD", "min_value": dt.date(1970, 1, 2), "max_value": dt.date(2100, 1, 1)}
    left.date_input("Added between", list(state.search_added), **dates, **bound(state, "search_added"))
    recorded_help = "The date that the file itself gives. Videos that give none are left out."
    right.date_input(
        "Recorded between", list(state.search_recorded), help=recorded_help, **dates, **bound(state, "search_recorded")
    )
    limits: dict[str, Any] = {"min_value": 0.0, "step": 0.5, "format": "%g", "placeholder": "Any"}
    left.number_input("Shortest (min)", value=state.search_shortest, **limits, **bound(state, "search_shortest"))
    right.number_input("Longest (min)", value=state.search_longest, **limits, **bound(state, "search_longest"))
    st.segmented_control(
        "Pictures", list(SHAPES), default=state.search_orientation, **bound(state, "search_orientation")
    )
    st.toggle("Hide what I rejected", state.search_hide, **bound(state, "search_hide"))


def _chosen(state: SearchState, names: Mapping[str, str]) -> Chosen:
    added, recorded = _span(state.search_added), _span(state.search_recorded)
    where = SearchFilter(
        folder=state.search_folder,
        name=state.search_name.strip() or None,
        added_from_s=added[0],
        added_to_s=added[1],
        recorded_from_s=recorded[0],
        recorded_to_s=recorded[1],
        shortest_s=None if state.search_shortest is None else state.search_shortest * MINUTE_S,
        longest_s=None if state.search_longest is None else state.search_longest * MINUTE_S,
        orientation=SHAPES.get(state.search_orientation or ""),
        hide_rejected=state.search_hide,
    )
    videos = tuple(video_id for video_id in state.search_videos if video_id in names)
    return Chosen(where, videos or None)


def _span(days: Sequence[dt.date]) -> tuple[float | None, float | None]:
    """Return [from, to) in seconds since 1970 of two days of this machine's clock; nothing until both are chosen."""
    if len(days) != 2:
        return None, None
    first, last = (dt.datetime.combine(day, dt.time()) for day in days)
    return first.timestamp(), (last + dt.timedelta(days=1)).timestamp()


def put_filters(kept: Mapping[str, Any]) -> None:
    """Put the filters of a saved search in place: what ``Chosen.as_mapping`` returned. What it lacks is cleared."""
    state = search_state()
    state.search_videos = list(kept.get("videos", ()))
    state.search_folder, state.search_name = kept.get("folder"), kept.get("name", "")
    state.search_added = _days(kept.get("added_from_s"), kept.get("added_to_s"))
    state.search_recorded = _days(kept.get("recorded_from_s"), kept.get("recorded_to_s"))
    state.search_shortest, state.search_longest = _minutes(kept.get("shortest_s")), _minutes(kept.get("longest_s"))
    shown = {shape: name for name, shape in SHAPES.items()}
    state.search_orientation = shown.get(kept.get("orientation", ""))
    state.search_hide = bool(kept.get("hide_rejected", False))


def _days(from_s: float | None, to_s: float | None) -> Days:
    if from_s is None or to_s is None:
        return ()
    first, after = (dt.datetime.fromtimestamp(time_s) for time_s in (from_s, to_s))
    return first.date(), (after - dt.timedelta(days=1)).date()


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / MINUTE_S
