"""The dashboard: `streamlit run app.py`. Its ``app`` also serves the routes that the player requests."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from pages.player.routes import player_routes
from pages.shared import navigation, opening
from pages.shared.access import Guarded, may_enter
from pages.shared.hosts import KnownHosts
from pages.shared.page import APP_STARTED, ASKED_FIRST

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
    was_first = navigation.search_is_first()
    chosen = st.navigation(navigation.all_pages(), position="top" if entered else "hidden")
    opening.load_libraries(LIBRARIES)
    if navigation.search_is_first() != was_first:
        st.rerun()
    if asked := st.session_state.pop(ASKED_FIRST, None):
        st.switch_page(asked)
    chosen.run()


if __name__ == "__main__":  # as a script; the server also imports this file, for ``app``
    main()
