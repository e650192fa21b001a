"""The menu on the page Investigate that looks for something in all stored videos: a frame, a moment, or a prompt."""

from __future__ import annotations

import numpy as np
import streamlit as st

from clip_core.retrieval.query import Like, place_name
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, short_prompt
from clip_core.types import Moment, VideoRecord
from pages.regions.moments.moment_list import MomentList
from pages.regions.search.state import Example, ask
from pages.regions.sidebar.prompts import Prompts
from pages.regions.viewer.playhead import Playhead
from pages.shared import cache
from pages.shared.theme import unseen

WIDTH_PX = 300
SEARCH = "pages/search.py"


def draw_everywhere(
    record: VideoRecord, head: Playhead, listed: MomentList, prompts: Prompts, store: EmbeddingStore
) -> None:
    """Draw the menu; a button of it opens the page Search."""
    moment = _moment(listed, head)
    help_text = "Find this frame, a moment or a prompt in all stored videos"
    menu = st.popover(unseen("Find everywhere"), icon=":material/travel_explore:", help=help_text, key="everywhere_box")
    with menu, st.container(width=WIDTH_PX, gap="xsmall"):
        st.markdown("**Find this everywhere**")
        if st.button(f"This frame · {clock(head.time_s)}", key="everywhere_frame", width="stretch"):
            _search_like(record, head.time_s, head.time_s, head.time_s, store)
        label = "This moment" if moment is None else f"This moment · {clock(moment.start_s)}"
        moment_help = "The selected moment, or the one under the playhead."
        pressed = st.button(label, key="everywhere_moment", disabled=moment is None, help=moment_help, width="stretch")
        if pressed and moment is not None:
            _search_like(record, moment.start_s, moment.end_s, moment.peak_s, store)
        if not prompts.texts:
            return
        prompt = st.selectbox("A prompt", prompts.texts, format_func=short_prompt, key="everywhere_prompt")
        if st.button("This prompt", key="everywhere_text", width="stretch"):
            _search_prompt(str(prompt), prompts)


def _moment(listed: MomentList, head: Playhead) -> Moment | None:
    """Return the selected moment, or else the latest to start of those under the playhead."""
    if listed.selected is not None:
        return listed.reviewed[listed.selected].moment
    under = [r.moment for r in listed.reviewed if r.moment.start_s < head.until_s <= r.moment.end_s]
    return max(under, key=lambda moment: moment.start_s, default=None)


def _search_like(record: VideoRecord, start_s: float, end_s: float, shown_s: float, store: EmbeddingStore) -> None:
    """Look for more like a place; its picture is the thumbnail of the sampled frame that is nearest to ``shown_s``."""
    known = store.thumbnail_pts(record.video_id)
    uri = ""
    if len(known):
        pts = int(known[np.argmin(np.abs(record.table.seconds(known) - shown_s))])
        uri = cache.stored_picture(store.location, record.video_id, pts) or ""
    ask("", Example(place_name(record.name, start_s, end_s), uri, like=Like(record.video_id, start_s, end_s)))
    st.switch_page(SEARCH)


def _search_prompt(prompt: str, prompts: Prompts) -> None:
    """Look for a prompt, a text with the negatives of the list, or a picture."""
    if prompts.pictures is not None:
        ask("", Example(prompt, picture=prompts.pictures[prompt]))
    else:
        ask("\n".join([prompt, *(other.line for other in prompts.every if other.negative)]))
    st.switch_page(SEARCH)
