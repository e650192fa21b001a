"""Sidebar, Signal: whose moments are flagged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from clip_core.recipe import Recipe
from clip_core.scoring.evidence import Evidence
from pages.parts.controls import held
from pages.parts.prompts import Prompts
from pages.parts.tables import HEAD_PX, MOST_ROWS, ROW_PX

ROOM_FOR_WORDS = 10
"""From so many prompts on, their number alone fills the button."""


def choose_flagged(prompts: Prompts, evidence: Evidence) -> Sequence[str]:
    """Draw the pills that say whose moments are flagged; a prompt never seen before is.

    What is off is what is kept, so that it lasts while a prompt stays in the list; the pills only show it.
    """
    state = st.session_state
    state.unflagged = {prompt for prompt in prompts.texts if prompt in state.get("unflagged", ())}
    flagged = [prompt for prompt in prompts.texts if prompt not in state.unflagged]
    if set(state.get("flagged", ())) != set(flagged):  # the browser lists them in the order of the presses
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
            **held("flagged", _flags_pressed, prompts.texts),
        )
        _draw_confidence(evidence)
    return flagged


def _draw_confidence(evidence: Evidence) -> None:
    """How many neutral texts each prompt beats: whether it is there at all."""
    if not evidence.banks:
        return
    prompts = evidence.raw.prompts
    shares = [evidence.detected(prompt, Recipe().confidence).verdict.confidence for prompt in prompts]
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
