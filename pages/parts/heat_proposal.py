"""Above the chart: with many prompts, the heat map is proposed; once."""

from __future__ import annotations

import streamlit as st

from pages.parts.look import unseen
from pages.parts.transport import KINDS

MANY = 12
LINE_PX = 36
"""With the gap below it."""


def proposal_px(prompts: int) -> int:
    """How high the proposal is: 0 where there are few curves, or somebody has answered it, or chosen the heat map."""
    state = st.session_state
    answered = state.get("heat_answered", False) or state.get("chart_kind", KINDS[0]) == KINDS[1]
    return 0 if answered or prompts < MANY else LINE_PX


def draw_proposal(prompts: int) -> None:
    """Draw the line with its two buttons, if there is something to propose."""
    if not proposal_px(prompts):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="heat_proposal"):
        st.caption(f"{prompts} curves are hard to tell apart.", width="content")
        st.button("Show a heat map", icon=":material/grid_on:", key="take_heat", on_click=_take)
        help_text = "Keep the curves. *View* has both."
        st.button(unseen("Keep the curves"), icon=":material/close:", key="leave_heat", help=help_text, on_click=_leave)


def _take() -> None:
    st.session_state.chart_kind = KINDS[1]
    _leave()


def _leave() -> None:
    st.session_state.heat_answered = True
