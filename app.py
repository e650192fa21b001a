"""The dashboard: `streamlit run app.py`. Its ``app`` also serves the routes that the player requests."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.player.routes import player_routes
from pages.shared import opening
from pages.shared.access import Guarded, may_enter
from pages.shared.hosts import KnownHosts
from pages.shared.page import APP_STARTED

STATIC = Path(__file__).parent / "static"
# Modules that take seconds to import.
LIBRARIES = (
    "lancedb",
    "pages.regions.investigation",
    "pages.regions.viewer.viewer",
    "pages.regions.moments.review",
    "pages.regions.download.files",
    "pages.regions.search.results",
)

# Found by `streamlit run`, which then runs this file as the script.
app = st.App(__file__, routes=player_routes(), middleware=[Middleware(KnownHosts), Middleware(Guarded)])


def main() -> None:
    """Register the pages and run the open one."""
    st.set_page_config(
        page_title="CLIP Video Investigator",
        page_icon=str(STATIC / "favicon.png"),  # an icon given by name would be fetched from another host
        layout="wide",
        initial_sidebar_state=300,
    )
    st.session_state[APP_STARTED] = True  # see page.show
    if entered := may_enter():
        st.logo(str(STATIC / "logo.svg"), size="medium")
    investigate = st.Page("pages/investigate.py", title="Investigate", icon=":material/monitoring:", default=True)
    search = st.Page("pages/search.py", title="Search", icon=":material/search:")
    pages = [
        *([search, investigate] if _has_library() else [investigate, search]),
        st.Page("pages/evaluate.py", title="Evaluate", icon=":material/rule:"),
        st.Page("pages/compare.py", title="Compare encoders", icon=":material/compare:"),
        st.Page("pages/library.py", title="Stored videos", icon=":material/database:"),
    ]
    chosen = st.navigation(pages, position="top" if entered else "hidden")
    is_first = "lancedb" not in sys.modules
    opening.load_libraries(LIBRARIES)
    if is_first and _has_library():
        st.rerun()  # with Search first
    chosen.run()


def _has_library() -> bool:
    """Return whether more than one video is stored, as far as can be told before the libraries are loaded."""
    if "lancedb" not in sys.modules:
        return False
    from pages.shared import cache

    return cache.has_several_videos()


if __name__ == "__main__":  # as a script; the server also imports this file, for ``app``
    main()
