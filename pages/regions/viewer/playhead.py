"""The playhead: its position, and everything that moves it (slider, buttons, clicks, playback)."""

from __future__ import annotations

import datetime as dt
import json
import time
from dataclasses import dataclass

import numpy as np
import streamlit as st

from clip_core.types import Scores, TimeTable, VideoRecord
from pages.shared.tables import clicked_time

TICK_S = 0.4
"""Seconds between reruns while playing. Pushed pictures stay whole up to about five a second, less rerun time."""
PLAYER = "main"
"""The page's own player, the only one that the page's tables and chart move."""
EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Playhead:
    """The frame on the screen, when it starts and ends, and the sample nearest to it (None without samples)."""

    frame: int
    time_s: float
    until_s: float
    sample: int | None


def state_key(name: str, player: str = PLAYER) -> str:
    """Return the session key of a player's "frame", "frame_of" or "stamp"; the slider uses "frame" too."""
    return name if player == PLAYER else f"{name}_{player}"


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
    state = st.session_state
    frame_key, video_key = state_key("frame", player), state_key("frame_of", player)
    if state.get(video_key) != record.video_id:
        state[video_key], state[frame_key] = record.video_id, state.pop("frame_wanted", 0)
        state.playing = player != PLAYER and is_playing()
    times_s = record.table.times_s
    if player == PLAYER:
        _take_clicks(times_s, scores, clicked_s)
        _advance(times_s)
    frame = min(max(0, int(state.get(frame_key, 0))), max(0, len(times_s) - 1))
    state[frame_key] = frame
    time_s = float(times_s[frame]) if len(times_s) else 0.0
    return Playhead(frame, time_s, until_s(frame, record.table), nearest_sample(scores, time_s))


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
    state = st.session_state
    state[state_key("frame", player)] = frame
    state[state_key("stamp", player)] = stamp(player) + 1
    if player == PLAYER:
        state.play_from = (frame, time.monotonic())


def stamp(player: str = PLAYER) -> int:
    """Return how often a click or a button has moved the playhead."""
    return int(st.session_state.get(state_key("stamp", player), 0))


def frame_on_screen(times_s: np.ndarray, seconds: float) -> int:
    """Return the number of the frame that is shown at a time."""
    return max(0, int(np.searchsorted(times_s, seconds, side="right")) - 1)


def nearest_sample(scores: Scores, time_s: float) -> int | None:
    """Return the index of the sample nearest to a time, or None without samples."""
    return int(np.argmin(np.abs(scores.times_s - time_s))) if len(scores) else None


def _clicked_sample(scores: Scores) -> int | None:
    """Return the index of the sample under a new click in the chart, or None."""
    state = st.session_state
    value = state.get("chart")
    seen, state.chart_seen = state.get("chart_seen"), value
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
    state = st.session_state
    state.playing = not state.get("playing")
    if state.playing:
        state.frame = 0 if state.frame >= last else state.frame
        state.play_from = (state.frame, time.monotonic())
        state.played_to = state.frame


def is_playing() -> bool:
    """Return whether the video is playing."""
    return bool(st.session_state.get("playing"))


def pause() -> None:
    """Stop playing."""
    st.session_state.playing = False


def _advance(times_s: np.ndarray) -> None:
    """While playing, go to the frame that is due now; if the slider was moved, continue from there."""
    state = st.session_state
    if not state.get("playing") or not len(times_s):
        return
    if state.frame != state.get("played_to"):
        state.play_from = (state.frame, time.monotonic())
    start, began = state.play_from
    state.frame = frame_on_screen(times_s, float(times_s[start]) + time.monotonic() - began)
    state.played_to = state.frame
    if state.frame >= len(times_s) - 1:
        state.playing = False


def keep_playing() -> None:
    """While playing, rerun the page after each tick."""
    if is_playing():
        st.session_state.tick_drawn = True
        st.fragment(_tick, run_every=TICK_S)()


def _tick() -> None:
    if not st.session_state.pop("tick_drawn", False):
        st.rerun(scope="app")
