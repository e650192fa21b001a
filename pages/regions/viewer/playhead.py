"""The playhead: its position, and everything that moves it (slider, buttons, clicks, playback)."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import streamlit as st
from streamlit_plotly_events import plotly_events

from clip_core.charts.timeline import timeline_figure
from clip_core.charts.view import Timeline
from clip_core.types import Scores, TimeTable, VideoRecord
from pages.player.components import PLAYER, frame_in
from pages.shared.session import region_state
from pages.shared.tables import clicked_time

TICK_S = 0.4
"""Seconds between reruns while playing. Pushed pictures stay whole up to about five a second, less rerun time."""
SLIDER, CHART = "frame", "chart"
"""Keys of the frame slider, and of the chart that is drawn frame by frame."""
EPOCH = dt.datetime(1970, 1, 1)


@dataclass
class ViewerState:
    """The playhead of one player. Only that of the page's own player moves by itself, and by clicks on the page.

    Attributes:
        video_id: The video that it stands in.
        frame: The number of the frame on the screen.
        first: The frame, or the time in seconds, where the next video begins, if a link says so.
        seeks: How often a click or a button has moved it; the browser's reports say how many of them it knows.
        playing: Whether it moves, frame by frame; the browser's own playback is not known here.
        start_frame, start_s: Where and when (by the monotonic clock) playback was last started or moved.
        played_to: Where playback has put it.
        walked_to: The first frame of the candidate to which Previous or Next led; None: they led to a moment.
        tick_drawn: Whether the fragment that reruns the page has just been drawn with the page.
        last_click: The last click in the chart, as the chart still reports it.
    """

    video_id: str = ""
    frame: int = 0
    first: int | float = 0
    seeks: int = 0
    playing: bool = False
    start_frame: int = 0
    start_s: float = 0.0
    played_to: int | None = None
    walked_to: int | None = None
    tick_drawn: bool = False
    last_click: object = None


@dataclass(frozen=True)
class Playhead:
    """The frame on the screen, and when it starts and ends, in seconds."""

    frame: int
    time_s: float
    until_s: float


def viewer_state(player: str = PLAYER) -> ViewerState:
    """Return the state of a player; it is changed only here."""
    return region_state(ViewerState, "" if player == PLAYER else player)


def settle_playhead(
    record: VideoRecord, scores: Scores, player: str = PLAYER, *, clicked_s: float | None = None
) -> Playhead:
    """Apply what happened since the last run and return the playhead. Call before anything is drawn.

    Args:
        record: The video.
        scores: Its samples.
        player: Whose playhead it is. Only the page's own player takes clicks in the tables and the frame chart.
        clicked_s: The start of the moment that was clicked since the last run, in seconds.
    """
    state, times_s = viewer_state(player), record.table.times_s
    if state.video_id != record.video_id:
        state.frame = state.first if isinstance(state.first, int) else frame_on_screen(times_s, state.first)
        state.video_id, state.first, state.playing = record.video_id, 0, False
    if player == PLAYER:
        _take_clicks(times_s, scores, clicked_s)
        _advance(state, times_s)
    state.frame = frame = min(max(0, state.frame), max(0, len(times_s) - 1))
    time_s = float(times_s[frame]) if len(times_s) else 0.0
    return Playhead(frame, time_s, until_s(frame, record.table))


def until_s(frame: int, table: TimeTable) -> float:
    """Return when ``frame`` ends, in seconds: at the next frame, or at the end of the video."""
    following = table.pts[frame + 1 : frame + 2]
    return float(table.seconds(following)[0]) if len(following) else max(0.0, table.end_s)


def _take_clicks(times_s: np.ndarray, scores: Scores, moment_s: float | None) -> None:
    place_s = clicked_time()
    seconds = place_s if moment_s is None else moment_s
    clicked = _clicked_sample(scores)
    if clicked is not None:
        seek(int(scores.frames[clicked]))
    elif seconds is not None:
        seek(frame_on_screen(times_s, seconds))


def seek(frame: int, player: str = PLAYER) -> None:
    """Move the playhead to a frame. Works as a callback, which runs before the slider is drawn."""
    state = viewer_state(player)
    state.frame, state.seeks = frame, state.seeks + 1
    state.start_frame, state.start_s = frame, time.monotonic()


def walk(frame: int, *, is_candidate: bool) -> None:
    """Go to the first frame of a moment or candidate. A callback."""
    viewer_state().walked_to = frame if is_candidate else None
    seek(frame)


def start_at(place: int | float) -> None:
    """Let the next video that is drawn begin at a frame (int) or at a time in seconds (float), even if it is open."""
    state = viewer_state()
    state.video_id, state.first, state.seeks = "", place, state.seeks + 1


def take_report(report: dict[str, Any], player: str) -> None:
    """Take the frame that the browser reports on its screen; ``settle_playhead`` keeps it within the video."""
    state, frame = viewer_state(player), frame_in(report)
    if frame is not None and report.get("seq") == state.seeks:  # else outdated: the page has moved the playhead since
        state.frame = frame


def draw_slider(last: int) -> None:
    """Draw the slider that shows and moves the frame of the page's own player; ``last``: the video's last frame."""
    st.session_state[SLIDER] = viewer_state().frame
    st.slider(
        "Frame", 0, max(1, last), key=SLIDER, on_change=_take_slider, label_visibility="collapsed", disabled=last == 0
    )


def _take_slider() -> None:
    viewer_state().frame = int(st.session_state[SLIDER])


def draw_frame_chart(view: Timeline, head: Playhead) -> None:
    """Draw the timeline as a picture from the server; a click takes effect in the next run."""
    view = replace(view, cursor_s=head.time_s, cursor_frame=head.frame, stamp=viewer_state().seeks)
    text = json.dumps(timeline_figure(view), separators=(",", ":"), allow_nan=False)
    # The component only needs a figure's JSON, and a go.Figure of this size takes 200 ms to build and write.
    plotly_events(SimpleNamespace(to_json=lambda: text), override_height=view.height_px, key=CHART)


def frame_on_screen(times_s: np.ndarray, seconds: float) -> int:
    """Return the number of the frame that is shown at a time."""
    return max(0, int(np.searchsorted(times_s, seconds, side="right")) - 1)


def nearest_sample(scores: Scores, time_s: float) -> int:
    """Return the index of the sample nearest to a time; there must be samples."""
    return int(np.argmin(np.abs(scores.times_s - time_s)))


def _clicked_sample(scores: Scores) -> int | None:
    """Return the index of the sample under a new click in the chart, or None."""
    state, value = viewer_state(), st.session_state.get(CHART)
    seen, state.last_click = state.last_click, value
    if not value or value == seen or not len(scores):
        return None
    points = json.loads(value) if isinstance(value, str) else value
    if not points:
        return None
    x = points[0]["x"]
    if isinstance(x, str):
        return nearest_sample(scores, (dt.datetime.fromisoformat(x) - EPOCH).total_seconds())
    return int(np.argmin(np.abs(scores.frames - float(x))))


def toggle_play(last: int) -> None:
    """Play or pause; at the end, play from the start."""
    state = viewer_state()
    state.playing = not state.playing
    if state.playing:
        state.frame = 0 if state.frame >= last else state.frame
        state.start_frame, state.start_s = state.frame, time.monotonic()
        state.played_to = state.frame


def pause() -> None:
    """Stop playing."""
    viewer_state().playing = False


def _advance(state: ViewerState, times_s: np.ndarray) -> None:
    """While playing, go to the frame that is due now; if the slider was moved, continue from there."""
    if not state.playing or not len(times_s):
        return
    if state.frame != state.played_to:
        state.start_frame, state.start_s = state.frame, time.monotonic()
    state.frame = frame_on_screen(times_s, float(times_s[state.start_frame]) + time.monotonic() - state.start_s)
    state.played_to = state.frame
    if state.frame >= len(times_s) - 1:
        state.playing = False


def keep_playing() -> None:
    """While playing, rerun the page after each tick."""
    if viewer_state().playing:
        viewer_state().tick_drawn = True
        st.fragment(_tick, run_every=TICK_S)()


def _tick() -> None:
    state = viewer_state()
    with_page, state.tick_drawn = state.tick_drawn, False
    if not with_page:
        st.rerun(scope="app")
