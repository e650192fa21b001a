"""The pages and their order in the navigation."""

from __future__ import annotations

import sys

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def all_pages() -> list[StreamlitPage]:
    """Return the pages in order; Search is the first once there is more than one video to search."""
    investigate = st.Page("pages/investigate.py", title="Investigate", icon=":material/monitoring:", default=True)
    search = st.Page("pages/search.py", title="Search", icon=":material/search:")
    return [
        *([search, investigate] if search_is_first() else [investigate, search]),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/rule:"),
        st.Page("pages/compare.py", title="Compare encoders", icon=":material/compare:"),
        st.Page("pages/library.py", title="Library", icon=":material/database:"),
    ]


def search_is_first() -> bool:
    """Return whether more than one video is stored; False while the libraries that can tell are not loaded."""
    if "lancedb" not in sys.modules:
        return False
    from pages.shared import cache

    return cache.has_several_videos()
