"""Open a hit on the page Investigate: its video, at the moment, with the query's lines as prompts."""

from __future__ import annotations

import streamlit as st

from clip_core.prompts import parse_prompts
from clip_core.settings import moment_query
from pages.regions.search.state import search_state
from pages.regions.sidebar import prompt_pictures, settings_io

INVESTIGATE = "pages/investigate.py"


def open_asked() -> None:
    """Go to Investigate if the visitor has asked to open a hit. Call before anything is drawn."""
    state = search_state()
    if state.opens is None:
        return
    (video_id, time_s), state.opens = state.opens, None
    lines = [prompt.line for prompt in parse_prompts(state.text.splitlines())]
    settings_io.open_view(moment_query(video_id, time_s, lines))
    example = state.example
    if not lines and example is not None and example.picture is not None:
        prompt_pictures.show_picture(example.name, example.picture)
    st.switch_page(INVESTIGATE)
