"""In and out: the start and end of a stretch, set with the keys I and O, with buttons, or by typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from clip_core.text import clock, parse_time
from clip_core.types import VideoRecord
from pages.regions.moments.state import MomentsState
from pages.regions.viewer.playhead import Playhead
from pages.shared.session import region_state
from pages.shared.widgets import bound

ENDS = {"in": ("In", "I", ":material/line_start:"), "out": ("Out", "O", ":material/line_end:")}
"""Either end → its label, key and icon."""


def settle_in_out(record: VideoRecord, head: Playhead, whole: Callable[[float, float], None] | None = None) -> None:
    """Apply what was pressed since the last run, in order. Call after the playhead is settled.

    Args:
        record: The video. In and out of any other video are cleared.
        head: Gives the time of a button press. A key press brings the frame that was on the screen.
        whole: Called with in and out, in seconds, when an out is set at or after its in; both are then cleared for the
            next stretch. Without it they stay until the caller clears them.
    """
    state, times_s = region_state(MomentsState), record.table.times_s
    if state.in_out_of != record.video_id:
        state.in_out_of, state.presses = record.video_id, []
        clear_in_out()
    presses, state.presses = state.presses, []
    for end, frame in presses:
        last = max(0, len(times_s) - 1)
        time_s = head.time_s if frame is None or not len(times_s) else float(times_s[min(frame, last)])
        _put(end, time_s, clock(time_s))
        start_s = state.in_out_s["in"]
        if end == "out" and whole is not None and start_s is not None and start_s <= time_s:
            whole(start_s, time_s)
            clear_in_out()


def in_out(end_s: float) -> tuple[float | None, float | None]:
    """Return in and out in seconds, None if not set; at most ``end_s``, as a file may turn out to be shorter."""
    start_s, stop_s = (None if time_s is None else min(time_s, end_s) for time_s in _state().in_out_s.values())
    return start_s, stop_s


def press(end: str) -> None:
    """Set in or out at the playhead. A callback; other reports in the same browser message are applied first."""
    _state().presses.append((end, None))


def draw_end(end: str, *, keys: bool) -> None:
    """Draw the button that sets in or out at the playhead, and the field in which it can be typed.

    ``keys``: whether the button reacts to I or O.
    """
    label, key, icon = ENDS[end]
    shortcut, help_text = key if keys else None, f"{label} at the playhead (key {key})"
    st.button(label, icon=icon, key=f"press_mark_{end}", help=help_text, shortcut=shortcut, on_click=press, args=(end,))
    st.text_input(
        f"{label}, in seconds or m:ss.mmm", _text(end), placeholder="m:ss.mmm", width=92, max_chars=16,
        label_visibility="collapsed", **bound(_state(), f"mark_{end}_text", _take_text, end),
    )  # fmt: skip


def _take_text(end: str) -> None:
    """Set in or out as typed: in seconds, or m:ss.mmm. Any other text unsets it, but is kept for correction."""
    _put(end, parse_time(_text(end)), _text(end).strip())


def is_no_time_typed() -> bool:
    """Return whether a text was typed that is not a time."""
    return any(_text(end) and time_s is None for end, time_s in _state().in_out_s.items())


def clear_in_out() -> None:
    """Clear in and out."""
    for end in ENDS:
        _put(end, None, "")


def _state() -> MomentsState:
    return region_state(MomentsState)


def _text(end: str) -> str:
    return _state().mark_in_text if end == "in" else _state().mark_out_text


def _put(end: str, time_s: float | None, text: str) -> None:
    _state().in_out_s[end] = time_s
    setattr(_state(), f"mark_{end}_text", text)


def take_presses(reported: dict[str, Any]) -> None:
    """Record the key presses that the screen reports. Called before a run begins.

    Args:
        reported: Of the open video, any JSON values; valid is ``{"since", "presses": [[number, which, frame], …]}``
            with "in" or "out". A report repeats the last presses, so that none is lost if two reports arrive as one;
            the numbers rise.
    """
    since, presses = reported.get("since"), reported.get("presses")
    if not isinstance(since, (int, float)) or not isinstance(presses, list):
        return
    moments = _state()
    known_since, last = moments.presses_heard
    last = last if known_since == since else 0
    for number, end, frame in filter(_is_press, presses):
        if number > last:
            moments.presses.append((end, frame))
            last = number
    moments.presses_heard = (since, last)


def _is_press(press: object) -> bool:
    if not isinstance(press, list) or len(press) != 3:
        return False
    number, end, frame = press
    return _is_count(number) and end in ("in", "out") and _is_count(frame)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
