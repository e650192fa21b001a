"""Sidebar, Signal: the rules that turn curves into moments, and which prompts are flagged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from clip_core.scoring.combine import Combination
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import BANK_SHARES, OPS, Settings
from clip_core.text import clock, short_prompt, value_decimals
from clip_core.types import Unit
from pages.regions.chart.curves import scored_video
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.threshold import MODES, STEPS
from pages.shared.tables import HEAD_PX, MOST_ROWS, ROW_PX
from pages.shared.widgets import bound, draw_remove

ROOM_FOR_WORDS = 10
"""From this many prompts on, the button has no room for the word "prompts"."""


def choose_flagged(prompts: Prompts, video_scores: VideoScores) -> Sequence[str]:
    """Draw the pills and return the prompts whose moments are flagged; a new prompt is flagged.

    The session keeps which prompts are off, while they stay in the list; the pills only show it.
    """
    state = st.session_state
    state.unflagged = {prompt for prompt in prompts.texts if prompt in state.get("unflagged", ())}
    flagged = [prompt for prompt in prompts.texts if prompt not in state.unflagged]
    if set(state.get("flagged", ())) != set(flagged):  # the browser lists them in the order in which they were pressed
        state.flagged = flagged
    state.setdefault("flagged", flagged)
    count = len(prompts.texts)
    label = f"Flag {len(flagged)} of {count}{' prompts' if count < ROOM_FOR_WORDS else ''}"
    with st.popover(label, icon=":material/flag:", width="stretch", key="flag_box"), st.container(key="flagged"):
        st.pills(
            "Flag moments of",
            prompts.texts,
            selection_mode="multi",
            default=state.flagged,
            format_func=prompts.label,
            wrap=True,
            **bound(st.session_state, "flagged", _flags_pressed, prompts.texts),
        )
        _draw_confidence(video_scores)
    return flagged


def _draw_confidence(video_scores: VideoScores) -> None:
    """Draw the share of neutral texts that each prompt beats, which says whether it is there at all."""
    if not video_scores.banks:
        return
    prompts = video_scores.raw.prompts
    shares = [video_scores.detected(prompt, Settings().confidence).verdict.confidence for prompt in prompts]
    table = pd.DataFrame({"prompt": prompts, "beats": [None if s is None else int(100 * s) for s in shares]})
    columns = {
        "prompt": st.column_config.TextColumn("Prompt", width=150),
        "beats": st.column_config.NumberColumn(
            "Beats",
            format="%d %%",
            width=90,
            help="The share of 300 neutral texts that a prompt beats, each in its own best segment of this video. Of "
            "prompts that are not there, 5 in 100 beat more than 95 %.",
        ),
    }
    height = HEAD_PX + ROW_PX * min(len(table), MOST_ROWS)
    st.dataframe(table, key="confidences", hide_index=True, row_height=ROW_PX, height=height, column_config=columns)


def _flags_pressed(of: Sequence[str]) -> None:
    st.session_state.unflagged = set(of) - set(st.session_state.flagged)


WIDEST: dict[Unit, float] = {
    "corrected": 0.2, "cosine": 0.2, "z": 5.0, "percentile": 50.0, "margin": 0.2, "softmax": 1.0
}  # fmt: skip
LONGEST_S = 10.0
_STARTS = {
    "hysteresis": 0.0, "min_gap_s": 0.0, "min_duration_s": 0.0, "pad_s": 0.0, "bank_share": 0, "across_cuts": False,
    "filter_on": False, "combinations": (),
}  # fmt: skip


def choose_rules(
    unit: Unit, video_scores: VideoScores, limits: tuple[float, float], *, pictures: bool = False
) -> tuple[dict[str, Any], tuple[float, float] | None]:
    """Draw the box Rules; return the fields of ``Settings`` that it decides, and the time range.

    ``limits`` are the ends of the score slider, in the unit in force.
    The null bank (neutral texts) says nothing about ``pictures``, so they need not beat it.
    """
    state = st.session_state
    for key, value in _STARTS.items():
        state.setdefault(key, value)
    with st.popover("Rules", icon=":material/rule:", width="stretch", key="rules_box"):
        share = st.select_slider(
            "Beats the null bank",
            BANK_SHARES,
            state.bank_share,
            format_func=lambda share: "off" if share == 0 else f"{share} %",
            disabled=not video_scores.banks,
            help="The null bank is 300 neutral texts, embedded once for each model. For thresholds set by hand: a "
            "moment must beat this share of them somewhere, each at its own best in this video. *Adapt* asks them "
            "anyway, as *Confidence* says.",
            **bound(st.session_state, "bank_share"),
        )
        hysteresis = _slider(
            "Ends below threshold by",
            "hysteresis",
            WIDEST[unit],
            WIDEST[unit] / 100,
            "Hysteresis, for thresholds set by hand: a moment starts at the threshold and ends only where its curve "
            "falls this far below it, so that one that wavers there makes one moment, not many. Another unit sets it "
            "to 0. *Adapt* has no use for it.",
        )
        if state.threshold_mode == MODES[0] and not state.get("own_thresholds"):
            st.caption("These two act on thresholds set by hand: while all prompts adapt, they change nothing.")
        lengths = {
            key: _slider(label, key, LONGEST_S, 0.1, help_text)
            for key, label, help_text in (
                ("min_gap_s", "Fill gaps shorter than (s)", "Two moments with less between them become one."),
                ("min_duration_s", "Drop moments shorter than (s)", "After gaps were filled."),
                ("pad_s", "Pad both ends by (s)", "Not past the neighbours, nor the ends of the video."),
            )
        }
        across = st.toggle(
            "Smooth across shot boundaries",
            state.across_cuts,
            help="Off: what is smoothed on one side of a shot boundary knows nothing of the other side.",
            **bound(st.session_state, "across_cuts"),
        )
        score_range = _choose_score_range(unit, limits)
        time_range = _choose_time_range(video_scores.raw.end_s)
        _edit_combinations(video_scores.raw.prompts)
    rules = {
        "bank_share": 0 if pictures else int(share),
        "hysteresis": hysteresis,
        "across_cuts": bool(across),
        "score_range": score_range,
        "combinations": tuple(state.combinations),
    }
    return rules | lengths, time_range


def _choose_score_range(unit: Unit, limits: tuple[float, float]) -> tuple[float, float] | None:
    """Draw the score filter; return the range outside which no score is flagged, or None if it is off (the default)."""
    state = st.session_state
    on = st.toggle(
        "Only scores within",
        state.filter_on,
        help="The score filter: a sample whose smoothed score lies outside is never part of a moment. Another unit "
        "switches it off.",
        **bound(st.session_state, "filter_on", _filter_switched),
    )
    if not on:
        return None
    low, high = state.filter_ends = _filter_ends(limits)
    st.slider(
        "Scores",
        min(limits[0], low),  # a link or a settings file may ask for more
        max(limits[1], high),
        (low, high),
        step=STEPS[unit],
        format=f"%.{value_decimals(unit)}f",
        label_visibility="collapsed",
        **bound(st.session_state, "filter_ends", _filter_moved, limits),
    )
    return low, high


def _filter_ends(limits: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of the filter; an end that nobody has moved is the limit, which follows the data."""
    low, high = st.session_state.setdefault("score_filter", (None, None))
    bottom, top = limits[0] if low is None else float(low), limits[1] if high is None else float(high)
    return (bottom, max(bottom, top)) if high is None else (min(bottom, top), top)


def _filter_switched() -> None:
    """Reset the ends: switched on by hand, the filter starts with all scores, whatever it held in another unit."""
    st.session_state.score_filter = (None, None)


def _filter_moved(limits: tuple[float, float]) -> None:
    low, high = st.session_state.filter_ends
    st.session_state.score_filter = (None if low <= limits[0] else low, None if high >= limits[1] else high)


def _choose_time_range(end_s: float) -> tuple[float, float] | None:
    """Return the time range outside which nothing is flagged (None: no limits). Statistics use the whole video."""
    state = st.session_state
    video_id = (scored_video() or ("",))[0]
    if end_s <= 0 or not video_id:
        return state.get("time_range")
    _settle_time_range(str(video_id), end_s)
    low, high = state.get("time_range") or (0.0, end_s)
    state.time_ends = (min(float(low), end_s), min(float(high), end_s))
    st.slider(
        "Time range (s)",
        0.0,
        float(end_s),
        state.time_ends,
        step=max(0.001, round(end_s / 2000, 3)),
        format="%.2f",
        help="Moments, lists and the chart keep to it. z and percentile are over the whole video all the same.",
        **bound(st.session_state, "time_ends", _time_moved, float(end_s)),
    )
    given = state.get("time_range")
    return None if given is None else (float(given[0]), float(given[1]))


def _settle_time_range(video_id: str, end_s: float) -> None:
    """Drop a time range set for another video. A range from a link or a file belongs to the first video shown."""
    state = st.session_state
    before, state.time_range_of = state.get("time_range_of"), video_id
    given = state.get("time_range")
    if before == video_id or given is None:
        return
    if before is not None:
        state.time_range = None
    elif given[0] >= end_s:
        state.time_range = None
        span = f"{clock(given[0])} … {clock(given[1])}"
        st.toast(f"The time range {span} holds nothing of this video and is left out.", icon=":material/info:")


def _time_moved(end_s: float) -> None:
    """Keep the range that a person chose: the slider's ends are limited to the video, which may be shorter."""
    low, high = st.session_state.time_ends
    st.session_state.time_range = None if low <= 0 and high >= end_s else (low, high)


def _slider(label: str, key: str, most: float, step: float, help_text: str) -> float:
    state = st.session_state
    state[key] = max(0.0, float(state[key]))
    most = max(most, float(math.ceil(state[key])))  # a settings file may ask for more
    decimals = 1 if step >= 0.05 else 3
    return float(
        st.slider(
            label,
            0.0,
            most,
            state[key],
            step=step,
            format=f"%.{decimals}f",
            help=help_text,
            **bound(st.session_state, key),
        )
    )


def _edit_combinations(prompts: tuple[str, ...]) -> None:
    """Draw the list of combinations (moments of two prompts together), and controls to add and remove them."""
    state = st.session_state
    st.markdown("###### Two prompts together")
    for place, given in enumerate(state.combinations):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            st.text(Combination(*given).name)
            draw_remove(Combination(*given).name, f"drop_combination_{place}", partial(_drop, place))
    if len(prompts) < 2:
        st.caption("Needs two prompts.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        a = st.selectbox("First", prompts, key="combine_a", format_func=short_prompt, label_visibility="collapsed")
        op = st.selectbox("How", OPS, key="combine_op", label_visibility="collapsed", width=110)
        b = st.selectbox(
            "Second", prompts, index=1, key="combine_b", format_func=short_prompt, label_visibility="collapsed"
        )
        within_s = st.number_input("Within (s)", 0.0, 1e6, 5.0, key="combine_within", disabled=op != "then", width=110)
        chosen = (op, a, b, within_s if op == "then" else 0.0)
        st.button(
            "Add", key="add_combination", disabled=a == b or chosen in state.combinations, on_click=_add, args=(chosen,)
        )


def _add(chosen: tuple[str, str, str, float]) -> None:
    st.session_state.combinations = (*st.session_state.combinations, chosen)


def _drop(place: int) -> None:
    kept = st.session_state.combinations
    st.session_state.combinations = (*kept[:place], *kept[place + 1 :])
