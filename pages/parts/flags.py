"""Sidebar, Signal: whose moments are flagged."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.parts.prompts import Prompts


def choose_flagged(prompts: Prompts) -> Sequence[str]:
    """Draw the pills that say whose moments are flagged; a prompt never seen before is.

    What is off is kept here, not in the pills: these are not mounted while the box is closed, and the browser goes on
    sending what they were, also after prompts were added. So other prompts get other pills.
    """
    state = st.session_state
    state.unflagged = {prompt for prompt in prompts.texts if prompt in state.get("unflagged", ())}
    flagged = [prompt for prompt in prompts.texts if prompt not in state.unflagged]
    key, of, _ = state.get("flag_pills", ("flagged_0", None, None))
    if of != prompts.texts or key not in state:  # nor do pills outlive a visit of another page
        state.flag_pills = (f"flagged_{int(key.rpartition('_')[2]) + 1}", prompts.texts, flagged)
    key, _, at_first = state.flag_pills
    label = f"Flag {len(flagged)} of {len(prompts.texts)} prompts"
    with st.popover(label, icon=":material/flag:", width="stretch", key="flag_box"), st.container(key="flagged"):
        st.pills(
            "Flag moments of",
            prompts.texts,
            selection_mode="multi",
            default=at_first,
            key=key,
            format_func=prompts.label,
            wrap=True,
            on_change=_flags_pressed,
        )
    return flagged


def _flags_pressed() -> None:
    state = st.session_state
    key, of, _ = state.flag_pills
    state.unflagged = set(of) - set(state[key])
