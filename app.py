"""The front door: `streamlit run app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

STATIC = Path(__file__).parent / "static"


def main() -> None:
    """Name the pages and run the one that is open."""
    st.set_page_config(
        page_title="CLIP Video Investigator",
        page_icon=str(STATIC / "favicon.png"),  # an icon by name would be fetched from another host
        layout="wide",
        initial_sidebar_state=300,
    )
    st.session_state.front_door = True  # see states.guarded
    st.logo(str(STATIC / "logo.svg"), size="medium")
    pages = [
        st.Page("pages/investigate.py", title="Investigate", icon=":material/monitoring:", default=True),
        st.Page("pages/compare.py", title="Compare encoders", icon=":material/compare:"),
        st.Page("pages/library.py", title="Stored videos", icon=":material/database:"),
    ]
    st.navigation(pages, position="top").run()


main()
