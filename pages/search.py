"""One query over all stored videos: their moments that fit it best, as cards. Reads from top to bottom."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.errors import PromptError
from clip_core.text import counted
from pages.regions.search import exports, filters, opening, query_box, results, saved, spoken, start, unsearched
from pages.regions.sidebar import model
from pages.regions.viewer import playhead
from pages.shared import cache, page


def main() -> None:
    """Draw the page."""
    opening.open_asked()
    playhead.pause()  # playback is not visible on this page
    config = cache.config()
    store = cache.store(config.embeddings)
    records = store.summaries()
    with st.sidebar.container(gap="xsmall"):
        st.markdown("##### Search with")
        chosen, rate = model.choose_model(config)
        draw_saved = partial(saved.draw_saved, st.container(gap="xsmall"), store)
    if not records:
        start.draw_nothing_stored()
        draw_saved(None)
        return
    with st.container(gap="xsmall"):
        try:
            query = query_box.choose_query()
        except PromptError as error:
            page.draw_error(error)
            draw_saved(None)
            return
        row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="search_row")
        with row:
            said = st.container(width="stretch")
            wanted = filters.choose_filters(records)
        encoder = model.load(chosen)
        if encoder is None or not model.may_send(encoder):
            draw_saved(None)
            return
        if query is None:
            said.caption(counted(len(records), "stored video"))
            start.draw_nothing_asked()
            draw_saved(encoder)
            return
        _draw_found(results.find(query, wanted, records, encoder, store), said, row, rate)
    draw_saved(encoder)  # after the cards: counting what is new takes a search for each


def _draw_found(found: results.Found, said: DeltaGenerator, row: DeltaGenerator, rate: float | None) -> None:
    """Draw the answer: a line in ``said``, buttons in ``row``, and the cards."""
    with said:
        results.describe(found)
    with row:
        saved.draw_save(found)
        exports.draw_exports(found)
    unsearched.draw_unsearched(found, found.encoder, rate)
    with spoken.draw_said(found):
        results.draw_hits(found)


page.show(main)
