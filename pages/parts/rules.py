"""Sidebar, Signal: by which rules stretches of a curve become moments."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from clip_core.charts.labels import short
from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.recipe import BANK_SHARES, OPS
from clip_core.scoring.combine import Combination
from clip_core.scoring.findings import Evidence
from clip_core.values import Unit, clock

WIDEST: dict[Unit, float] = {
    "corrected": 0.2, "cosine": 0.2, "z": 5.0, "percentile": 50.0, "margin": 0.2, "softmax": 1.0
}  # fmt: skip
LONGEST_S = 10.0
USUAL_SHARE = 95
_STARTS = {"hysteresis": 0.0, "min_gap_s": 0.0, "min_duration_s": 0.0, "pad_s": 0.0}


def bank_share(settings: Config, encoder: ShownEncoder) -> int:
    """The share of the null bank that moments must beat, before the box is drawn.

    Who sets a cosine in config.yaml for this model means it, so there the bank is not asked unless somebody wants it.
    """
    state = st.session_state
    if state.get("recipe_given"):
        state.bank_of = encoder.fingerprint
    if state.get("bank_of") != encoder.fingerprint:
        configured = settings.threshold is not None and encoder.id == settings.model
        state.bank_of, state.bank_share = encoder.fingerprint, 0 if configured else USUAL_SHARE
    return int(state.bank_share)


def choose_rules(
    unit: Unit, evidence: Evidence, *, pictures: bool = False
) -> tuple[dict[str, Any], tuple[float, float] | None]:
    """Draw the box Rules; return the fields of a recipe that it decides, and the time range.

    The captions of the bank are texts: of ``pictures`` it says nothing, so it is not asked.
    """
    state = st.session_state
    for key, value in (_STARTS | {"across_cuts": False, "combinations": ()}).items():
        state.setdefault(key, value)
    with st.popover("Rules", icon=":material/rule:", width="stretch", key="rules_box"):
        share = st.select_slider(
            "Beats the null bank",
            BANK_SHARES,
            key="bank_share",
            persist_state="session",
            format_func=lambda share: "off" if share == 0 else f"{share} %",
            disabled=pictures or (evidence.bank is None and state.bank_share == 0 and not evidence.raw.prompts),
            help="The null bank is 300 neutral captions. A prompt that is nowhere in the video scores like one of them."
            " A moment must beat this share of them somewhere. z says when; the bank says whether.",
        )
        hysteresis = _slider(
            "Ends below threshold by",
            "hysteresis",
            WIDEST[unit],
            WIDEST[unit] / 100,
            "Hysteresis: a moment starts at the threshold and ends only where its curve falls this far below it, so "
            "that one that wavers there makes one moment, not many. Another unit sets it to 0.",
        )
        lengths = {
            key: _slider(label, key, LONGEST_S, 0.1, help_text)
            for key, label, help_text in (
                ("min_gap_s", "Fill gaps shorter than (s)", "Two moments with less between them become one."),
                ("min_duration_s", "Drop moments shorter than (s)", "After gaps were filled."),
                ("pad_s", "Pad both ends by (s)", "Not past the neighbours, nor the ends of the video."),
            )
        }
        across = st.toggle(
            "Smooth across cuts",
            key="across_cuts",
            persist_state="session",
            help="Off: what is smoothed on one side of a cut knows nothing of the other side.",
        )
        time_range = _choose_time_range(evidence.raw.end_s)
        _edit_combinations(evidence.raw.prompts)
    rules = {
        "bank_share": 0 if pictures else int(share),
        "hysteresis": hysteresis,
        "across_cuts": bool(across),
        "combinations": tuple(state.combinations),
    }
    return rules | lengths, time_range


def _choose_time_range(end_s: float) -> tuple[float, float] | None:
    """What lies outside is not flagged; None: all of the video. Statistics are over the whole video all the same."""
    state = st.session_state
    video_id = (state.get("analysis_of") or ("",))[0]
    if end_s <= 0 or not video_id:
        return state.get("time_range")
    _settle_time_range(str(video_id), end_s)
    low, high = state.get("time_range") or (0.0, end_s)
    state.time_ends = (min(low, end_s), min(high, end_s))
    st.slider(
        "Time range (s)",
        0.0,
        float(end_s),
        step=max(0.001, round(end_s / 2000, 3)),
        format="%.2f",
        key="time_ends",
        persist_state="session",
        on_change=_time_moved,
        args=(float(end_s),),
        help="Moments, lists and the chart keep to it. z and percentile are over the whole video all the same.",
    )
    given = state.get("time_range")
    return None if given is None else (float(given[0]), float(given[1]))


def _settle_time_range(video_id: str, end_s: float) -> None:
    """A time range belongs to its video. One from a link or a file belongs to the video that it meets first."""
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
    """Take the ends in before they are set anew: what is kept is the range, which another video may not reach."""
    low, high = st.session_state.time_ends
    st.session_state.time_range = None if low <= 0 and high >= end_s else (low, high)


def _slider(label: str, key: str, most: float, step: float, help_text: str) -> float:
    state = st.session_state
    state[key] = max(0.0, float(state[key]))
    most = max(most, float(math.ceil(state[key])))  # a settings file may ask for more
    decimals = 1 if step >= 0.05 else 3
    return float(
        st.slider(
            label, 0.0, most, step=step, format=f"%.{decimals}f", key=key, persist_state="session", help=help_text
        )
    )


def _edit_combinations(prompts: tuple[str, ...]) -> None:
    """Moments of two prompts together: listed, added, taken away."""
    state = st.session_state
    st.markdown("###### Two prompts together")
    for place, given in enumerate(state.combinations):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            st.text(Combination(*given).name)
            st.button(
                "",
                icon=":material/close:",
                key=f"drop_combination_{place}",
                help="Remove",
                on_click=_drop,
                args=(place,),
            )
    if len(prompts) < 2:
        st.caption("Needs two prompts.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        a = st.selectbox("First", prompts, key="combine_a", format_func=short, label_visibility="collapsed")
        op = st.selectbox("How", OPS, key="combine_op", label_visibility="collapsed", width=110)
        b = st.selectbox("Second", prompts, index=1, key="combine_b", format_func=short, label_visibility="collapsed")
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
