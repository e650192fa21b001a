"""What the page Search says before there are hits: nothing is stored, or nothing was asked."""

from __future__ import annotations

import streamlit as st

from pages.regions.search import saved
from pages.regions.search.state import ask
from pages.shared.access import is_read_only

EXAMPLES = ("a dog", "a red car\n- a person", "a close-up of a face")
HEIGHT_PX = 300


def draw_nothing_stored() -> None:
    """Say that there is nothing to search yet, and where to begin."""
    with _notice():
        st.markdown("**Nothing is stored yet**", width="content")
        what = "Videos are searched once they are indexed."
        st.markdown(what if is_read_only() else f"{what} Open one, and it is indexed.", width="content")
        if st.button("Go to Investigate", type="primary", key="to_investigate"):
            st.switch_page("pages/investigate.py")


def draw_nothing_asked() -> None:
    """Say what to type; offer recent searches and examples."""
    with st.container(gap="xsmall", key="search_start"):
        st.markdown(
            "Type what a frame should show, and Enter looks for it in all stored videos. "
            "A line that begins with “- ” names what must fit less. Or drop a picture on the box."
        )
        saved.draw_recent()
        st.markdown("##### For example")
        with st.container(horizontal=True, gap="xsmall"):
            for place, text in enumerate(EXAMPLES):
                label = " · ".join(line.replace("- ", "without ") for line in text.splitlines())
                st.button(label, key=f"search_example_{place}", on_click=ask, args=(text,))


def _notice() -> st.delta_generator.DeltaGenerator:
    return st.container(
        height=HEIGHT_PX, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
    )
