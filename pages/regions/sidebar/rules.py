"""Sidebar, Signal: which prompts are flagged, and the rules that turn curves into moments."""

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
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.state import ADAPT, Range, sidebar_state
from pages.regions.sidebar.threshold import SCALES
from pages.shared.tables import HEAD_PX, MOST_ROWS, ROW_PX
from pages.shared.widgets import bound, draw_remove

ROOM_FOR_WORDS = 10
"""From this many prompts on, the button has no room for the word "prompts"."""
LONGEST_S = 10.0
_LENGTHS = {
    "min_gap_s": ("Fill gaps shorter than (s)", "Two moments with less between them become one."),
    "min_duration_s": ("Drop moments shorter than (s)", "After gaps were filled."),
    "pad_s": ("Pad both ends by (s)", "Not past the neighbours, nor the ends of the video."),
}


def put_rules(settings: Settings) -> None:
    """Put the rules in place, and which prompts are flagged."""
    state = sidebar_state()
    for name in ("hysteresis", *_LENGTHS, "across_cuts", "combinations", "time_range"):
        setattr(state, name, getattr(settings, name))
    state.bank_share, state.time_range_of = round(settings.bank_share), None
    state.filter_on, state.score_filter = settings.score_range is not None, settings.score_range or (None, None)
    state.unflagged = set(settings.unflagged)


def use_shortest(duration_s: float) -> None:
    """Drop moments that are shorter than this."""
    sidebar_state().min_duration_s = duration_s


def choose_flagged(prompts: Prompts, video_scores: VideoScores) -> Sequence[str]:
    """Draw the pills and return the prompts whose moments are flagged; a new prompt is flagged.

    The session keeps which prompts are off, while they stay in the list; the pills only show it.
    """
    state = sidebar_state()
    state.unflagged = {prompt for prompt in prompts.texts if prompt in state.unflagged}
    flagged = [prompt for prompt in prompts.texts if prompt not in state.unflagged]
    if set(state.flagged) != set(flagged):  # the browser lists them in the order in which they were pressed
        state.flagged = flagged
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
            **bound(state, "flagged", _flags_pressed, prompts.texts),
        )
        _draw_confidence(video_scores)
    return flagged


def _flags_pressed(prompts: Sequence[str]) -> None:
    state = sidebar_state()
    state.unflagged = set(prompts) - set(state.flagged)


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


def choose_rules(
    unit: Unit, video_scores: VideoScores, limits: Range, video_id: str | None, *, pictures: bool
) -> dict[str, Any]:
    """Draw the box Rules; return the fields of ``Settings`` that it decides.

    ``limits`` are the ends of the score sliders. Neutral texts say nothing about pictures, so these need not beat them.
    """
    state, raw = sidebar_state(), video_scores.raw
    with st.popover("Rules", icon=":material/rule:", width="stretch", key="rules_box"):
        bank_share = _choose_bank_share(has_bank=bool(video_scores.banks))
        hysteresis = _choose_hysteresis(unit)
        if state.threshold_mode == ADAPT and not state.own_thresholds:
            st.caption("These two act on thresholds set by hand: while all prompts adapt, they change nothing.")
        lengths = {name: _slider(label, name, LONGEST_S, 0.1, text) for name, (label, text) in _LENGTHS.items()}
        across_cuts = st.toggle(
            "Smooth across shot boundaries",
            state.across_cuts,
            help="Off: the two sides of a shot boundary are smoothed separately.",
            **bound(state, "across_cuts"),
        )
        score_range = _choose_score_range(unit, limits)
        time_range = _choose_time_range(video_id, raw.end_s)
        _edit_combinations(raw.prompts)
    return {
        "bank_share": 0 if pictures else bank_share,
        "hysteresis": hysteresis,
        **lengths,
        "across_cuts": across_cuts,
        "score_range": score_range,
        "time_range": time_range,
        "combinations": state.combinations,
    }


def _choose_bank_share(*, has_bank: bool) -> int:
    state = sidebar_state()
    return st.select_slider(
        "Beats the null bank",
        BANK_SHARES,
        state.bank_share,
        format_func=lambda share: "off" if share == 0 else f"{share} %",
        disabled=not has_bank,
        help="The null bank is 300 neutral texts, embedded once for each model. For thresholds set by hand: a "
        "moment must beat this share of them somewhere, each at its own best in this video. *Adapt* always "
        "uses them; see *Confidence*.",
        **bound(state, "bank_share"),
    )


def _choose_hysteresis(unit: Unit) -> float:
    most = SCALES[unit].most_hysteresis
    return _slider(
        "Ends below threshold by",
        "hysteresis",
        most,
        most / 100,
        "Hysteresis, for thresholds set by hand: a moment starts at the threshold and ends only where its curve "
        "falls this far below it, so that a curve that wavers there makes one moment, not many. Changing the "
        "unit sets it to 0. *Adapt* does not use it.",
    )


def _slider(label: str, name: str, most: float, step: float, help_text: str) -> float:
    state = sidebar_state()
    value = max(0.0, float(getattr(state, name)))
    setattr(state, name, value)
    return st.slider(
        label,
        0.0,
        max(most, float(math.ceil(value))),  # a settings file may ask for more
        value,
        step=step,
        format="%.1f" if step >= 0.05 else "%.3f",
        help=help_text,
        **bound(state, name),
    )


def _choose_score_range(unit: Unit, limits: Range) -> Range | None:
    """Draw the score filter; return the range outside which no score is flagged, or None if it is off (the default)."""
    state = sidebar_state()
    is_on = st.toggle(
        "Only scores within",
        state.filter_on,
        help="The score filter: a sample whose smoothed score lies outside is never part of a moment. Changing the "
        "unit switches it off.",
        **bound(state, "filter_on", _filter_switched),
    )
    if not is_on:
        return None
    low, high = state.filter_ends = _filter_ends(limits)
    st.slider(
        "Scores",
        min(limits[0], low),  # a link or a settings file may ask for more
        max(limits[1], high),
        (low, high),
        step=SCALES[unit].step,
        format=f"%.{value_decimals(unit)}f",
        label_visibility="collapsed",
        **bound(state, "filter_ends", _filter_moved, limits),
    )
    return low, high


def _filter_ends(limits: Range) -> Range:
    """Return the ends of the filter; an end that nobody has moved is the limit, which follows the data."""
    low, high = sidebar_state().score_filter
    bottom, top = limits[0] if low is None else float(low), limits[1] if high is None else float(high)
    return (bottom, max(bottom, top)) if high is None else (min(bottom, top), top)


def _filter_switched() -> None:
    """Reset the ends: switched on by hand, the filter starts with all scores, whatever it held in another unit."""
    sidebar_state().score_filter = (None, None)


def _filter_moved(limits: Range) -> None:
    state = sidebar_state()
    low, high = state.filter_ends
    state.score_filter = (None if low <= limits[0] else low, None if high >= limits[1] else high)


def _choose_time_range(video_id: str | None, end_s: float) -> Range | None:
    """Return the time range outside which nothing is flagged (None: no limits). Statistics use the whole video."""
    state = sidebar_state()
    if end_s > 0 and video_id is not None:
        _settle_time_range(video_id, end_s)
        low, high = state.time_range or (0.0, end_s)
        state.time_ends = (min(float(low), end_s), min(float(high), end_s))
        st.slider(
            "Time range (s)",
            0.0,
            float(end_s),
            state.time_ends,
            step=max(0.001, round(end_s / 2000, 3)),
            format="%.2f",
            help="Moments, lists and the chart keep to it. z and percentile still use the whole video.",
            **bound(state, "time_ends", _time_moved, float(end_s)),
        )
    return None if state.time_range is None else (float(state.time_range[0]), float(state.time_range[1]))


def _settle_time_range(video_id: str, end_s: float) -> None:
    """Drop a time range set for another video. A range from a link or a file belongs to the first video shown."""
    state = sidebar_state()
    before, state.time_range_of = state.time_range_of, video_id
    if state.time_range is None or before == video_id:
        return
    start_s, stop_s = state.time_range
    if before is None and start_s < end_s:
        return
    state.time_range = None
    if before is None:
        span = f"{clock(start_s)} … {clock(stop_s)}"
        st.toast(f"The time range {span} lies outside this video and is ignored.", icon=":material/info:")


def _time_moved(end_s: float) -> None:
    """Keep the range that a person chose: the slider's ends are limited to the video, which may be shorter."""
    state = sidebar_state()
    low, high = state.time_ends
    state.time_range = None if low <= 0 and high >= end_s else (low, high)


def _edit_combinations(prompts: tuple[str, ...]) -> None:
    """Draw the list of combinations (moments of two prompts together), and controls to add and remove them."""
    state = sidebar_state()
    st.markdown("###### Two prompts together")
    for place, values in enumerate(state.combinations):
        name = Combination(*values).name
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            st.text(name)
            draw_remove(name, f"drop_combination_{place}", partial(_drop, place))
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
    state = sidebar_state()
    state.combinations = (*state.combinations, chosen)


def _drop(place: int) -> None:
    state = sidebar_state()
    state.combinations = (*state.combinations[:place], *state.combinations[place + 1 :])
