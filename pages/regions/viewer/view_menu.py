"""The row above the chart: the legend, and the View menu: how the video is watched and what its chart shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.charts.view import AxisName, ChartKind
from pages.regions.sidebar.prompts import FULL_ROW, Prompts, draw_legend
from pages.regions.viewer.playhead import pause

MENU_PX = 300
"""A popover shrinks to fit its content, and would truncate the labels of the switches."""
WATCH, AXIS, CHART_KIND, HEIGHT, RAW = "watch", "axis", "chart_kind", "chart_h", "raw_on"
"""Keys of the controls."""
EXTRAS = {"rate": "rate_on", "winners": "winners_on", "shot_boundaries": "shot_boundaries_on", "spread": "spread_on"}
"""Optional parts of the chart → keys of their switches."""
WATCHED = ["Player", "Frames"]
KINDS = ["Curves", "Heat map"]
HEIGHTS_PX = {"Low": 300, "Normal": 430, "Tall": 560}
SECOND_ROW_PX = 26
"""Taken off the normal height of the chart when the legend has a second row, so that the page need not scroll."""
AT_FIRST = {WATCH: "Player", AXIS: "m:ss", CHART_KIND: "Curves", HEIGHT: "Normal", RAW: True} | {
    key: extra == "shot_boundaries" for extra, key in EXTRAS.items()
}


@dataclass(frozen=True)
class ChartLook:
    """The chart options of the View menu; ``fits``: the height may follow the window."""

    axis: AxisName
    raw: bool
    height_px: int
    kind: ChartKind
    rate: bool
    winners: bool
    shot_boundaries: bool
    spread: bool
    fits: bool


def wants_player() -> bool:
    """Return whether the View menu is set to the player; works before the menu is drawn."""
    return bool(st.session_state.get(WATCH, AT_FIRST[WATCH]) == "Player")


def shows_heat_map() -> bool:
    """Return whether the View menu is set to the heat map; works before the menu is drawn."""
    return bool(st.session_state.get(CHART_KIND, AT_FIRST[CHART_KIND]) == "Heat map")


def choose_heat_map() -> None:
    """Set the View menu to the heat map. For a callback."""
    st.session_state[CHART_KIND] = "Heat map"


def draw_options(prompts: Prompts, shown: Sequence[str], *taken_px: int) -> tuple[ChartLook, DeltaGenerator]:
    """Draw the row; return how the chart should look, and the row, for more buttons.

    Args:
        prompts: The prompts of the legend.
        shown: Those whose pill is on.
        *taken_px: Heights of what is only sometimes above the chart; taken off its normal height.
    """
    row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False)
    with row:
        draw_legend(prompts, shown)
        height_px = HEIGHTS_PX["Normal"] - sum(taken_px) - (SECOND_ROW_PX if len(prompts.texts) > FULL_ROW else 0)
        return _draw_view_menu(height_px, templates=prompts.templates != "none"), row


def _draw_view_menu(normal_px: int, *, templates: bool) -> ChartLook:
    """Draw the menu; ``templates``: whether prompts are filled into templates, else there is no template spread."""
    state = st.session_state
    for key, value in AT_FIRST.items():
        state.setdefault(key, value)
    keep: dict[str, Any] = {"required": True, "persist_state": "session"}
    watch_help = "Player: the video, playing in your browser. Frames: one exact picture at a time, sent by the server."
    height_help = "Normal: beside the player, as high as the window has room."
    with st.popover("View", icon=":material/tune:", key="view_box"), st.container(width=MENU_PX):
        st.segmented_control("Watch", WATCHED, key=WATCH, on_change=pause, help=watch_help, **keep)
        st.segmented_control("Chart", KINDS, key=CHART_KIND, **keep)
        _draw_switches(templates)
        axis = st.segmented_control("Time axis", ["m:ss", "Frames"], key=AXIS, **keep)
        height = st.segmented_control("Chart height", list(HEIGHTS_PX), key=HEIGHT, help=height_help, **keep)
    return ChartLook(
        axis="Frames" if axis == "Frames" else "m:ss",
        raw=state[RAW],
        height_px=HEIGHTS_PX[height] if height in ("Low", "Tall") else normal_px,
        kind="heat map" if shows_heat_map() else "curves",
        rate=state[EXTRAS["rate"]],
        winners=state[EXTRAS["winners"]],
        shot_boundaries=state[EXTRAS["shot_boundaries"]],
        spread=templates and state[EXTRAS["spread"]],
        fits=height == "Normal",
    )


def _draw_switches(templates: bool) -> None:
    spread = (
        "How far the curves of the single templates lie apart: a rise within the band may come from the wording alone."
    )
    missing = "Choose templates for the prompts to see how far their curves lie apart."
    left, right = st.columns(2, gap="small")
    keep: dict[str, Any] = {"persist_state": "session"}
    left.toggle("Raw samples", key=RAW, **keep, help="Thin lines: the scores before smoothing.")
    right.toggle("Rate of change", key=EXTRAS["rate"], **keep)  # no help: its icon would truncate the labels
    boundaries_help = "Marks where one shot ends and the next begins."
    left.toggle("Shot boundaries", key=EXTRAS["shot_boundaries"], **keep, help=boundaries_help)
    right.toggle("Leading prompt", key=EXTRAS["winners"], **keep)
    spread_help = spread if templates else missing
    st.toggle("Template spread", key=EXTRAS["spread"], **keep, help=spread_help, disabled=not templates)
