"""The sidebar stands on more than one page: its values go along."""

from __future__ import annotations

import streamlit as st

SIDEBAR = (
    *("sps", "framing", "prompt_kind", "templates", "unit", "smoothing_kind", "threshold_mode"),
    *("bank_share", "hysteresis", "min_gap_s", "min_duration_s", "pad_s", "across_cuts", "time_ends"),
)
"""Keys of the controls that are not given their value anew at each run anyway."""


def keep_values() -> None:
    """Set each value anew, before its control is drawn.

    On another page the same control is a new one to Streamlit: its key still holds the value, but the browser would
    show, and send, the one that the control starts with.
    """
    state = st.session_state
    for key in SIDEBAR:
        if key in state:
            state[key] = state[key]
