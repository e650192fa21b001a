"""In and out: the start and end of a stretch, set with the keys I and O, with buttons, or by typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from clip_core.text import clock, parse_time
from clip_core.types import VideoRecord
from pages.regions.viewer.playhead import Playhead

KEYS = {"in": "mark_in", "out": "mark_out"}
"""What is pressed → session key of its time."""


def settle_in_out(record: VideoRecord, head: Playhead, whole: Callable[[float, float], None] | None = None) -> None:
    """Apply what was pressed since the last run, in order. Call after the playhead is settled.

    Args:
        record: The video. In and out of any other video are cleared.
        head: Gives the time of a button press. A key press brings the frame that was on the screen.
        whole: Called with in and out, in seconds, when an out is set at or after its in; both are then cleared for the
            next stretch. Without it they stay until the caller clears them.
    """
    state, times_s = st.session_state, record.table.times_s
    if state.get("in_out_of") != record.video_id:
        state.in_out_of, state.in_out_pressed = record.video_id, []
        clear_in_out()
    for which, frame in state.pop("in_out_pressed", []):
        last = max(0, len(times_s) - 1)
        time_s = head.time_s if frame is None or not len(times_s) else float(times_s[min(frame, last)])
        _put(which, time_s, clock(time_s))
        start_s = state.mark_in
        if which == "out" and whole is not None and start_s is not None and start_s <= time_s:
            whole(start_s, time_s)
            clear_in_out()


def in_out(end_s: float) -> tuple[float | None, float | None]:
    """Return in and out in seconds, None if not set; at most ``end_s``, as a file may turn out to be shorter."""
    start_s, stop_s = (st.session_state.get(key) for key in KEYS.values())
    return (None if start_s is None else min(start_s, end_s), None if stop_s is None else min(stop_s, end_s))


def press(which: str) -> None:
    """Set in or out at the playhead. A callback; other reports in the same browser message are applied first."""
    _pressed().append((which, None))


def type_time(which: str, text: str) -> None:
    """Set in or out from text: seconds, or m:ss.mmm. Any other text unsets it, but is kept for correction."""
    _put(which, parse_time(text), text.strip())


def time_text(which: str) -> str:
    """Return in or out as it was typed, or the time at which it was pressed."""
    return str(st.session_state.get(f"{KEYS[which]}_text", ""))


def clear_in_out() -> None:
    """Clear in and out."""
    for which in KEYS:
        _put(which, None, "")


def _put(which: str, time_s: float | None, text: str) -> None:
    st.session_state[KEYS[which]], st.session_state[f"{KEYS[which]}_text"] = time_s, text


def take_presses(reported: dict[str, Any]) -> None:
    """Record the key presses that the screen reports. Called before a run begins.

    Args:
        reported: Of the open video, any JSON values; valid is ``{"since", "presses": [[number, which, frame], …]}``
            with "in" or "out". A report repeats the last presses, so that none is lost if two reports arrive as one;
            the numbers rise.
    """
    state = st.session_state
    since, presses = reported.get("since"), reported.get("presses")
    if not isinstance(since, (int, float)) or not isinstance(presses, list):
        return
    known_since, last = state.get("in_out_heard", (None, 0))
    last = last if known_since == since else 0
    for number, which, frame in filter(_is_press, presses):
        if number > last:
            _pressed().append((which, frame))
            last = number
    state.in_out_heard = (since, last)


def _is_press(press: object) -> bool:
    if not isinstance(press, list) or len(press) != 3:
        return False
    number, which, frame = press
    return _is_count(number) and which in ("in", "out") and _is_count(frame)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _pressed() -> list[Any]:
    found: list[Any] = st.session_state.setdefault("in_out_pressed", [])
    return found
