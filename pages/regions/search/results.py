"""Search, and draw the hits as cards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from clip_core.encoders.base import Encoder, ShownEncoder
from clip_core.library.relink import offline_videos
from clip_core.retrieval.hit_curves import HitCurve, hit_curves
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.results import Hit, SearchResult
from clip_core.retrieval.search import search
from clip_core.retrieval.subtitles import SubtitleHit, search_subtitles
from clip_core.retrieval.target import target_of
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import clock, counted, short_id, value_text
from pages.player.components import draw_part, report_of
from pages.player.routes import thumbnail_address
from pages.regions.search.filters import Chosen
from pages.regions.search.judging import VERDICT_OF, annotation_of, judge
from pages.regions.search.state import as_report, search_state
from pages.shared.access import READ_ONLY
from pages.shared.markdown import escape_markdown

LIMIT = 24
MOST_OF_ONE = 100
"""So many hits of one video are shown when all of its hits are asked for."""
PATIENCE_S = 0.4
"""The cards are drawn first; their curves follow in portions that take about so long."""
VIDEOS_AT_ONCE = 4
"""So many videos are read at once for curves: an hour at 2 samples/s takes 15 MB."""
CLOCK_DECIMALS = 1


@dataclass(frozen=True, eq=False)
class Found:
    """A search and its answer.

    Attributes:
        query, chosen: What was asked for, and where.
        result: The answer.
        hits: Its hits, and those of videos of which all were asked for.
        said: The cues of subtitles that hold the query's words, the best first.
        records: The stored videos by id.
        encoder, store: The model and the store that were searched with.
        new: Ids of the videos that have got frames since somebody last looked at this saved search.
    """

    query: SearchQuery
    chosen: Chosen
    result: SearchResult
    hits: tuple[Hit, ...]
    said: Sequence[SubtitleHit]
    records: Mapping[str, VideoSummary]
    encoder: ShownEncoder
    store: EmbeddingStore
    new: frozenset[str] = frozenset()

    @property
    def picked(self) -> tuple[Hit, ...]:
        """The selected hits, or all if none is selected."""
        listed, selected = search_state().listed, search_state().selected
        return tuple(listed[key] for key in selected if key in listed) or self.hits


def key_of(hit: Hit) -> str:
    """Return the key of a hit in this session."""
    return f"{short_id(hit.video_id)}-{hit.peak_pts}"


def find(
    query: SearchQuery, chosen: Chosen, records: Sequence[VideoSummary], encoder: ShownEncoder, store: EmbeddingStore
) -> Found:
    """Search, unless nothing has changed since the last run.

    Raises:
        EncoderError: The model failed.
        StoreError: The store cannot be read.
    """
    state, by_id = search_state(), {record.video_id: record for record in records}
    new = frozenset() if state.since is None else state.since.new_among(frames_of(store, encoder))
    if state.since is not None and state.only_new:
        among = [i for i in by_id if i in new and (chosen.videos is None or i in chosen.videos)]
        chosen = replace(chosen, videos=tuple(among))
    judged = state.judged if chosen.where.hide_rejected else 0
    of = (state.asked, state.text, state.example, chosen, encoder.fingerprint, state.queued_done, judged, tuple(by_id))
    if state.found_of != of:
        state.found_of, state.more, state.curves = of, {}, {}
    limited = partial(search, query, store, encoder, where=chosen.where)
    result = state.found.of(of, lambda: limited(limit=LIMIT, videos=chosen.videos))
    said = state.said.of(
        of, lambda: search_subtitles(query, store, limit=LIMIT, videos=chosen.videos, where=chosen.where)
    )
    for video_id, more in state.more.items():
        if more is None:
            state.more[video_id] = limited(limit=MOST_OF_ONE, videos=(video_id,), most_per_video=MOST_OF_ONE)
    hits = tuple(_with_more(result.hits, {video_id: more for video_id, more in state.more.items() if more is not None}))
    state.listed = {key_of(hit): hit for hit in hits}
    return Found(query, chosen, result, hits, said, by_id, encoder, store, new)


def frames_of(store: EmbeddingStore, encoder: Encoder) -> dict[str, int]:
    """Return id of each video that can be searched with a model → how many of its frames are stored."""
    return {video_id: own.frames for video_id, own in store.stretch_summaries(encoder.fingerprint).items()}


def _with_more(hits: Sequence[Hit], more: Mapping[str, SearchResult]) -> Iterator[Hit]:
    """Yield the hits; after the last hit of a video of which all were asked for, yield those that are not listed."""
    keys = {key_of(hit) for hit in hits}
    last = {hit.video_id: place for place, hit in enumerate(hits)}
    for place, hit in enumerate(hits):
        yield hit
        if hit.video_id in more and place == last[hit.video_id]:
            yield from (other for other in more[hit.video_id].hits if key_of(other) not in keys)


def describe(found: Found) -> None:
    """Say in one line how much was searched, and draw the model's warnings."""
    result = found.result
    videos = len({hit.video_id for hit in found.hits})
    text = f"{counted(len(found.hits), 'hit')} in {counted(videos, 'video')}"
    st.caption(f"{text} · searched {counted(result.frames, 'frame')} of {counted(result.videos, 'video')}")
    for warning in result.warnings:
        st.caption(f":material/warning: {escape_markdown(warning)}")


def draw_hits(found: Found) -> None:
    """Draw the cards. What the visitor does with them is taken before the next run begins."""
    state = search_state()
    state.selected = [key for key in state.selected if key in state.listed]
    if state.error is not None:
        st.error(state.error, icon=":material/error:")
        state.error = None
    if not found.hits:
        st.caption(_why_none(found))
        return
    if state.lacks_curves and _lacking(found):
        _add_curves(found)
    draw_part(
        "hits",
        _data(found),
        on_opens_change=_open,
        on_judged_change=partial(_judge, found),
        on_more_change=_show_all,
        on_selected_change=_select,
        on_lacking_change=_ask_for_curves,
    )


def _why_none(found: Found) -> str:
    if not found.result.videos and not found.result.unsearched:
        return "No video passes the filters. Change or clear them."
    if not found.result.videos:
        return "Nothing was searched yet: index the videos with this model first."
    return f"Nothing was found. {escape_markdown(found.result.reason)} Try other words, or fewer filters."


def _data(found: Found) -> dict[str, Any]:
    result, state = found.result, search_state()
    read_only = found.store.read_only
    return {
        "search": f"{state.asked} {hash(state.found_of)}",
        "sure": result.verdict == "there" or result.unit != "corrected",  # likeness alone is not compared with anything
        "reason": result.reason if result.hits else "",
        "hits": [_card(hit, found) for hit in found.hits],
        "strips": _strips(found),
        "selected": state.selected,
        "judges": not read_only and bool(found.query.judged_as),
        "silent": READ_ONLY,
    }


def _card(hit: Hit, found: Found) -> dict[str, Any]:
    state, record = search_state(), found.records.get(hit.video_id)
    annotation = annotation_of(hit, found.query, found.store)
    key, last = key_of(hit), [other for other in found.hits if other.video_id == hit.video_id][-1]
    is_expanded = hit.video_id in state.more
    return {
        "key": key,
        "video": hit.video_id,
        "name": hit.name,
        "offline": record is not None and bool(offline_videos([record])),
        "time": _span_text(hit.start_s, hit.end_s),
        "at": hit.peak_s,
        "picture": thumbnail_address(hit.video_id, hit.peak_pts),
        "score": value_text(hit.score, found.result.unit),
        "beats": None if hit.beats is None else int(100 * hit.beats),
        "sure": hit.beats is None or hit.beats > Settings().confidence,
        "verdict": "" if annotation is None else annotation.verdict,
        "new": hit.video_id in found.new,
        "more": 0 if is_expanded or hit is not last else found.result.more.get(hit.video_id, 0),
        "also": [{"name": o.name, "time": _span_text(o.start_s, o.end_s)} for o in hit.also_in],
        "curve": _curve(hit, state.curves.get(key)),
    }


def _span_text(start_s: float, end_s: float) -> str:
    return f"{clock(start_s, CLOCK_DECIMALS)} – {clock(end_s, CLOCK_DECIMALS)}"


def _curve(hit: Hit, curve: HitCurve | None) -> dict[str, Any] | None:
    """Return the points of a curve as shares of its width and height, its span, and the pictures of the span."""
    if curve is None:
        return None
    first_s, last_s = (float(curve.times_s[0]), float(curve.times_s[-1])) if len(curve.times_s) else (0.0, 0.0)
    low, high = (float(curve.values.min()), float(curve.values.max())) if len(curve.values) else (0.0, 0.0)
    wide_s, tall = max(last_s - first_s, 1e-6), max(high - low, 1e-6)
    points = zip(curve.times_s.tolist(), curve.values.tolist(), strict=True)
    return {
        "points": [[round((t - first_s) / wide_s, 4), round((value - low) / tall, 4)] for t, value in points],
        "span": [round(min(1.0, max(0.0, (t - first_s) / wide_s)), 4) for t in (hit.start_s, hit.end_s)],
        "frames": [thumbnail_address(hit.video_id, pts) for pts in curve.frames_pts.tolist()],
    }


def _strips(found: Found) -> dict[str, list[list[Any]]]:
    """Return id of a video → for each of its hits where it lies, as shares of the video's length, and its key."""
    strips: dict[str, list[list[Any]]] = {}
    ends_s = found.store.ends_s({hit.video_id for hit in found.hits})
    for hit in found.hits:
        end_s = ends_s.get(hit.video_id, hit.end_s)
        place = [round(min(1.0, time_s / max(end_s, 1e-6)), 4) for time_s in (hit.start_s, hit.end_s)]
        strips.setdefault(hit.video_id, []).append([*place, key_of(hit)])
    return strips


def _hit_in(report: Mapping[str, Any]) -> Hit | None:
    key = report.get("key")
    return search_state().listed.get(key) if isinstance(key, str) else None


def _open() -> None:
    """Note what to open: a hit, or one of the other files that show the same."""
    report = as_report(report_of("hits", "opens"))
    hit, other = _hit_in(report), report.get("other")
    if hit is None:
        return
    if isinstance(other, int) and 0 <= other < len(hit.also_in):
        also = hit.also_in[other]
        search_state().opens = (also.video_id, also.start_s)
    else:
        search_state().opens = (hit.video_id, hit.start_s)


def _judge(found: Found) -> None:
    report = as_report(report_of("hits", "judged"))
    what, keys, listed = report.get("what"), report.get("keys"), search_state().listed
    if found.store.read_only or not found.query.judged_as or not isinstance(keys, list):
        return
    if what in (*VERDICT_OF, "undo"):
        hits = [listed[key] for key in keys if isinstance(key, str) and key in listed]
        judge(str(what), hits, found.query, found.encoder, found.store)


def _show_all() -> None:
    hit = _hit_in(as_report(report_of("hits", "more")))
    if hit is not None:
        search_state().more.setdefault(hit.video_id, None)


def _select() -> None:
    keys, state = as_report(report_of("hits", "selected")).get("keys"), search_state()
    if isinstance(keys, list):
        state.selected = [key for key in keys if isinstance(key, str) and key in state.listed]


def _lacking(found: Found) -> list[Hit]:
    return [hit for hit in found.hits if key_of(hit) not in search_state().curves]


def _ask_for_curves() -> None:
    search_state().lacks_curves = True


def _add_curves(found: Found) -> None:
    """Compute curves that the cards lack, a few videos at a time, for about ``PATIENCE_S``."""
    state, began = search_state(), time.monotonic()
    state.lacks_curves = False
    lacking, target = _lacking(found), target_of(found.query, found.encoder, found.store)
    videos = list(dict.fromkeys(hit.video_id for hit in lacking))
    for first in range(0, len(videos), VIDEOS_AT_ONCE):
        hits = [hit for hit in lacking if hit.video_id in videos[first : first + VIDEOS_AT_ONCE]]
        curves = hit_curves(hits, target, found.encoder, found.store)
        state.curves |= {key_of(hit): curve for hit, curve in zip(hits, curves, strict=True)}
        if time.monotonic() - began >= PATIENCE_S:
            return
