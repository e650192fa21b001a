"""Do two encoders give the same vectors and scores for the same frames? Reads from top to bottom, as the page does."""

from __future__ import annotations

import streamlit as st

from pages.regions import comparison
from pages.regions.investigation import draw_empty
from pages.regions.sidebar import model, prompts, source
from pages.regions.viewer import playhead
from pages.shared import cache, page


def main() -> None:
    """Draw the page."""
    playhead.pause()  # playback is not visible on this page
    config = cache.config()
    store = cache.store(config.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        source.draw_heading(config)
        video = source.choose_video(config, store)
        wanted = prompts.edit_prompts(config)
    first, second, frames = comparison.choose(config)
    if video is None:
        draw_empty(config)
        return
    one = model.load(first)
    other = None if one is None else model.load(second)
    if one is None or other is None or not model.may_send(one, other):
        return
    with sidebar:
        prompts.warn_of_unread(wanted, one, other)
    comparison.draw_comparison(video, one, other, wanted.texts, frames)


page.show(main)
