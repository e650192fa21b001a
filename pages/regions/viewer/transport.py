"""The row of buttons under the frame viewer, the frame slider, and the View menu."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from clip_core.charts.view import AxisName, ChartKind
from clip_core.text import clock
from clip_core.types import Moment, Scores, TimeTable
from pages.regions.sidebar.prompts import FULL_ROW
from pages.regions.viewer.playhead import Playhead, frame_on_screen, is_playing, keep_playing, pause, seek, toggle_play
from pages.shared.theme import theme, unseen

MENU_PX = 300
"""A popover shrinks to fit its content, and would truncate the labels of the switches."""
WATCHED = ["Player", "Frames"]
KINDS = ["Curves", "Heat map"]
EXTRAS = {"rate": "rate_on", "winners": "winners_on", "shot_boundaries": "shot_boundaries_on", "spread": "spread_on"}
"""Optional parts of the chart → keys of their switches."""
HEIGHTS_PX = {"Low": 300, "Normal": 430, "Tall": 560}
SECOND_ROW_PX = 26
"""Taken off the normal height of the chart when the legend has a second row, so that the page need not scroll."""


@dataclass(frozen=True)
class ChartLook:
    """The chart options of the View menu; ``fits``: the height may follow the window."""

    axis: AxisName
    raw: bool
    height_px: int
    kind: ChartKind = "curves"
    rate: bool = False
    winners: bool = False
    shot_boundaries: bool = True
    spread: bool = False
    fits: bool = False


def draw_transport(
    table: TimeTable, scores: Scores, moments: Sequence[Moment], candidates: Sequence[Moment], head: Playhead
) -> None:
    """Draw the buttons, the clock and the slider."""
    last = max(0, len(table) - 1)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="transport"):
        starts = [sorted({frame_on_screen(table.times_s, m.start_s) for m in ms}) for ms in (moments, candidates)]
        walked = st.session_state.get("walked_to") == head.frame
        _buttons(scores, stops(starts[0], starts[1], head.frame, walked=walked), head, last)
        st.html(_clock_html(table, head, last), width="content")
        st.slider(
            "Frame",
            0,
            max(1, last),
            key="frame",
            persist_state="session",
            label_visibility="collapsed",
            disabled=last == 0,
        )
        keep_playing()


class Stop(NamedTuple):
    """Where Previous or Next goes."""

    frame: int
    is_candidate: bool


def stops(
    moments: Sequence[int], candidates: Sequence[int], frame: int, *, walked: bool = False
) -> tuple[Stop | None, Stop | None]:
    """Return where Previous and Next go. Must agree with ``stop`` in player/search.js.

    Args:
        moments, candidates: Their first frames, ascending.
        frame: The current frame.
        walked: Whether Previous or Next led to the candidate at ``frame``. If not, and a moment starts there too or
            ``frame`` is 0 (the initial position), Previous and Next go through the moments.
    """
    sure, waiting = [Stop(start, False) for start in moments], [Stop(start, True) for start in candidates]
    if frame in candidates and (walked or (frame > 0 and frame not in moments)):
        before = [*sure[-1:], *(stop for stop in waiting if stop.frame < frame)]
        after = [stop for stop in waiting if stop.frame > frame]
    else:
        before = [stop for stop in sure if stop.frame < frame]
        after = [*(stop for stop in sure if stop.frame > frame), *waiting]
    return before[-1] if before else None, after[0] if after else None


def _buttons(scores: Scores, moments: tuple[Stop | None, Stop | None], head: Playhead, last: int) -> None:
    earlier, later = _neighbours(scores, head.frame)
    playing = is_playing()
    _moment_button("skip_previous", "prev_m", "Previous moment (P)", "P", moments[0])
    _button("keyboard_double_arrow_left", "prev_s", "Back one sample (Shift ←)", "Shift+Left", earlier)
    _button("chevron_left", "prev_f", "Back one frame (←)", "Left", head.frame - 1 if head.frame > 0 else None)
    st.button(
        unseen("Pause" if playing else "Play"),
        icon=f":material/{'pause' if playing else 'play_arrow'}:",
        key="play",
        help="Pause (Space)" if playing else "Play (Space)",
        shortcut="Space",
        on_click=toggle_play,
        args=(last,),
        disabled=last == 0,
    )
    _button("chevron_right", "next_f", "Forward one frame (→)", "Right", head.frame + 1 if head.frame < last else None)
    _button("keyboard_double_arrow_right", "next_s", "Forward one sample (Shift →)", "Shift+Right", later)
    _moment_button("skip_next", "next_m", "Next moment (N)", "N", moments[1])
    st.button(
        unseen("To the start"),
        icon=":material/restart_alt:",
        key="reset",
        help="To the start (Home)",
        shortcut="Home",
        on_click=_reset,
    )


def _moment_button(icon: str, key: str, help_text: str, shortcut: str, stop: Stop | None) -> None:
    walked_to = stop.frame if stop is not None and stop.is_candidate else None
    _button(icon, key, help_text, shortcut, None if stop is None else stop.frame, partial(_walk, walked_to))


def _button(
    icon: str, key: str, help_text: str, shortcut: str, target: int | None, go: Callable[[int], None] = seek
) -> None:
    st.button(
        unseen(help_text.partition(" (")[0]),
        icon=f":material/{icon}:",
        key=key,
        help=help_text,
        shortcut=shortcut,
        disabled=target is None,
        on_click=go,
        args=(target or 0,),
    )


def _walk(walked_to: int | None, frame: int) -> None:
    """Go to a frame; ``walked_to`` is the same frame if a candidate starts there, None for a moment."""
    st.session_state.walked_to = walked_to
    seek(frame)


def _reset() -> None:
    pause()
    st.session_state.walked_to = None
    seek(0)


def _neighbours(scores: Scores, frame: int) -> tuple[int | None, int | None]:
    """Return the frames of the samples before and after a frame, None where there is none."""
    at, behind = np.searchsorted(scores.frames, [frame, frame + 1])
    earlier = int(scores.frames[at - 1]) if at > 0 else None
    later = int(scores.frames[behind]) if behind < len(scores) else None
    return earlier, later


def _clock_html(table: TimeTable, head: Playhead, last: int) -> str:
    muted = theme().muted
    about = "" if table.confirmed else "≈ "
    return (
        '<div style="font-variant-numeric:tabular-nums;white-space:nowrap;font-size:1rem">'
        f"<b data-time>{clock(head.time_s)}</b> "
        f'<span style="color:{muted}">/ {html.escape(about + clock(table.end_s))} &nbsp; frame</span> '
        f'<b data-frame>{head.frame}</b> <span style="color:{muted}">/ {about}{last}</span></div>'
    )


def wants_player() -> bool:
    """Return whether the View menu is set to the player."""
    return str(st.session_state.get("watch", WATCHED[0])) == WATCHED[0]


def is_wanted(extra: str) -> bool:
    """Return whether one of ``EXTRAS`` is on; works before the menu is drawn, so that the rest is not computed."""
    return bool(st.session_state.get(EXTRAS[extra], extra == "shot_boundaries"))


def draw_view_menu(prompts: int, taken_px: int = 0, *, templates: bool = False) -> ChartLook:
    """Draw the View menu; return how the chart should look.

    Args:
        prompts: How many pills the legend has.
        taken_px: Height of what is only sometimes above the chart; taken off its normal height.
        templates: Whether prompts are filled into templates; only then is there a template spread.
    """
    state = st.session_state
    start = {"watch": WATCHED[0], "axis": "m:ss", "raw_on": True, "chart_h": "Normal", "chart_kind": KINDS[0]}
    for key, value in (start | {key: extra == "shot_boundaries" for extra, key in EXTRAS.items()}).items():
        state.setdefault(key, value)
    with st.popover("View", icon=":material/tune:", key="view_box"), st.container(width=MENU_PX):
        st.segmented_control(
            "Watch",
            WATCHED,
            required=True,
            key="watch",
            persist_state="session",
            on_change=pause,
            help="Player: the video, playing in your browser. Frames: one exact picture at a time, sent by the server.",
        )
        kind = st.segmented_control("Chart", KINDS, required=True, key="chart_kind", persist_state="session")
        _draw_switches(templates)
        axis = st.segmented_control("Time axis", ["m:ss", "Frames"], required=True, key="axis", persist_state="session")
        height = st.segmented_control(
            "Chart height",
            list(HEIGHTS_PX),
            required=True,
            key="chart_h",
            persist_state="session",
            help="Normal: beside the player, as high as the window has room.",
        )
    height_px = HEIGHTS_PX[height or "Normal"]
    if height == "Normal":
        height_px -= taken_px + (SECOND_ROW_PX if prompts > FULL_ROW else 0)
    return ChartLook(
        "Frames" if axis == "Frames" else "m:ss",
        bool(state.raw_on),
        height_px,
        "heat map" if kind == KINDS[1] else "curves",
        is_wanted("rate"),
        is_wanted("winners"),
        is_wanted("shot_boundaries"),
        templates and is_wanted("spread"),
        fits=height == "Normal",
    )


def _draw_switches(templates: bool) -> None:
    spread = "How far the curves of the single templates lie apart: a rise within the band may be mere wording."
    missing = "Choose templates for the prompts to see how far their curves lie apart."
    left, right = st.columns(2, gap="small")
    keep: dict[str, Any] = {"persist_state": "session"}
    left.toggle("Raw samples", key="raw_on", **keep, help="Thin lines: the scores before smoothing.")
    right.toggle("Rate of change", key="rate_on", **keep)  # no help: its icon would truncate the labels
    left.toggle(
        "Shot boundaries", key="shot_boundaries_on", **keep, help="Marks where one shot ends and the next begins."
    )
    right.toggle("Leading prompt", key="winners_on", **keep)
    st.toggle("Template spread", key="spread_on", **keep, help=spread if templates else missing, disabled=not templates)
