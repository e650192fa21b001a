"""What the session keeps of the page Search."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from clip_core.analysis.analyse import Picture
from clip_core.retrieval.hit_curves import HitCurve
from clip_core.retrieval.query import Like
from clip_core.retrieval.results import Hit, SearchResult
from clip_core.retrieval.subtitles import SubtitleHit
from clip_core.store.searches import SavedSearch
from clip_core.tasks import IndexKey
from clip_core.types import Annotation
from pages.shared.session import Remembered, region_state

Days = tuple[()] | tuple[dt.date] | tuple[dt.date, dt.date]
Judgement = tuple[str, Annotation, Annotation | None]
"""A video's id, an annotation that was kept or withdrawn, and the one that was in force before."""


@dataclass(frozen=True)
class Example:
    """A picture, or a place of a video, to look for.

    Attributes:
        name: What to call it, such as "frame at 0:12.400 of beach.mp4".
        uri: A thumbnail as a data URI; "" if there is none.
        picture, like: One of them.
    """

    name: str
    uri: str = ""
    picture: Picture | None = None
    like: Like | None = None


@dataclass
class SearchState:
    """The session's state of this region; the fields that begin with ``search_`` are those of the filters' controls."""

    text: str = ""  # the query as last asked
    example: Example | None = None
    puts: int = 0  # how often the server has changed the text in the box
    asked: int = 0  # how often somebody has searched
    recent: list[str] = field(default_factory=list)  # queries, the newest first
    picture_error: str | None = None

    found: Remembered[SearchResult] = field(default_factory=Remembered)
    said: Remembered[list[SubtitleHit]] = field(default_factory=Remembered)
    more: dict[str, SearchResult | None] = field(default_factory=dict)  # id of a video → all its hits; None: asked for
    listed: dict[str, Hit] = field(default_factory=dict)  # the hits by their keys, as last drawn
    curves: dict[str, HitCurve] = field(default_factory=dict)  # by the keys of the hits
    lacks_curves: bool = False  # whether the browser has drawn cards without curves
    found_of: object = None  # the search that ``more`` and ``curves`` belong to
    selected: list[str] = field(default_factory=list)  # keys of hits
    opens: tuple[str, float] | None = None  # a video's id and a time to open on the page Investigate

    judged: int = 0  # how often somebody has judged
    undo: list[list[Judgement]] = field(default_factory=list)
    error: str | None = None  # why something was not stored, as Markdown, until it is drawn

    since: SavedSearch | None = None  # the saved search that is shown, as it was when somebody last looked
    only_new: bool = False
    lists_all: bool = False  # whether all saved searches are listed
    new_hits: dict[str, tuple[object, int]] = field(default_factory=dict)  # text → of what, and how many hits are new
    queued: list[tuple[str, IndexKey]] = field(default_factory=list)  # names and tasks of the videos that were queued
    queued_done: int = 0

    search_videos: list[str] = field(default_factory=list)
    search_folder: str | None = None
    search_name: str = ""
    search_added: Days = ()
    search_recorded: Days = ()
    search_shortest: float | None = None  # in minutes
    search_longest: float | None = None
    search_orientation: str | None = None
    search_hide: bool = False


def search_state() -> SearchState:
    """Return this session's state of the region."""
    return region_state(SearchState)


def ask(text: str, example: Example | None = None, since: SavedSearch | None = None) -> None:
    """Search for something and show it in the box; the filters stay."""
    state = search_state()
    state.text, state.example, state.since, state.only_new = text, example, since, False
    state.puts += 1
    asked_anew()


def asked_anew() -> None:
    """Begin a search: nothing is selected, and the query is the newest of the recent ones."""
    state = search_state()
    state.asked += 1
    state.selected, state.error = [], None
    if state.text.strip():
        state.recent = [state.text, *(text for text in state.recent if text != state.text)][:8]


def as_report(report: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the browser sends
    """Return what the browser reports, empty if it is no mapping."""
    return report if isinstance(report, dict) else {}
