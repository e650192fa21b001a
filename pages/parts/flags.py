"""Sidebar, Signal: whose moments are flagged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from clip_core.scoring.findings import Evidence
from pages.parts.controls import held
from pages.parts.prompts import Prompts
from pages.parts.tables import HEAD_PX, MOST_ROWS, ROW_PX

ROOM_FOR_WORDS = 100
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
        _draw_alarm_rates(evidence)
    return flagged


def _draw_alarm_rates(evidence: Evidence) -> None:
    """How often a neutral caption comes out as high as each prompt: whether the prompt is there at all."""
    rates = evidence.false_alarm_rates
    if not rates:
        return
    table = pd.DataFrame({"prompt": list(rates), "rate": [100 * rate for rate in rates.values()]})
    columns = {
        "prompt": st.column_config.TextColumn("Prompt", width=150),
        "rate": st.column_config.NumberColumn(
            "False alarms",
            format="%.1f %%",
            width=90,
            help="Share of the 300 neutral captions that score as high somewhere in this video: how often a prompt "
            "that is not there would come out as high. Above about 5 % do not believe its peaks.",
        ),
    }
    height = HEAD_PX + ROW_PX * min(len(table), MOST_ROWS)
    st.dataframe(table, key="alarm_rates", hide_index=True, row_height=ROW_PX, height=height, column_config=columns)


def _flags_pressed(of: Sequence[str]) -> None:
    st.session_state.unflagged = set(of) - set(st.session_state.flagged)
