"""Draw the lines of subtitles that hold the words of the query, beside the cards."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clip_core.retrieval.subtitles import words_of
from clip_core.text import clock, counted
from pages.player.components import draw_part, report_of
from pages.regions.search.results import CLOCK_DECIMALS, Found
from pages.regions.search.state import as_report, search_state

CARDS, LINES = 3, 1
"""How the width is shared out."""


def draw_said(found: Found) -> st.delta_generator.DeltaGenerator:
    """Draw the lines, if there are any; return the place of the cards."""
    if not found.said:
        return st.container(gap="xsmall")
    cards, lines = st.columns([CARDS, LINES], gap="small")
    said = [{"name": hit.name, "time": clock(hit.start_s, CLOCK_DECIMALS), "text": hit.text} for hit in found.said]
    wanted = [words_of(text) for text in found.query.positives]
    words = " ".join(" ".join((each.words, *each.phrases)) for each in wanted)
    data = {"title": f"{counted(len(said), 'line')} of subtitles", "lines": said, "words": words}
    with lines:
        draw_part("spoken", data, on_opens_change=partial(_open, found))
    return cards


def _open(found: Found) -> None:
    """Note which line to open."""
    place = as_report(report_of("spoken", "opens")).get("place")
    if isinstance(place, int) and 0 <= place < len(found.said):
        hit = found.said[place]
        search_state().opens = (hit.video_id, hit.start_s)
