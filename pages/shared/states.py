"""What the main area says when there is nothing to draw, and the error handler around each page."""

from __future__ import annotations

import logging
from collections.abc import Callable

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError
from clip_core.library.videos import VideoChoice
from clip_core.text import short_prompt
from pages.regions.sidebar.source import choose_path, sample_video
from pages.shared.indexing import Indexed
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.opening import INDEXING

_log = logging.getLogger(__name__)


def draw_error(error: ClipVideoError) -> None:
    """Say what happened and the next step; the sidebar stays."""
    st.error(error_markdown(error), icon=":material/error:")


def guarded(main: Callable[[], None]) -> None:
    """Draw a page; every error becomes a message, never a traceback.

    Before app.py has run for the first time, Streamlit takes the files in pages/ for its own pages: a bookmark that
    is opened right after a start would show one without the frame of the app.
    """
    if "front_door" not in st.session_state:
        st.switch_page("app.py")
    try:
        main()
    except ClipVideoError as error:
        draw_error(error)
    except Exception as error:  # noqa: BLE001 - the last handler before the visitor
        _log.exception("a page failed unexpectedly")
        what = f"Something unexpected happened ({type(error).__name__})."
        draw_error(ClipVideoError(what, "The server's log says more; what is indexed is kept."))


def draw_empty(config: Config) -> None:
    """Say that no video is chosen, or that a link names one that is not here."""
    missing = st.session_state.get("video_missing")
    title, first = "No video chosen", "Choose one in the sidebar or upload your own."
    if missing is not None:
        title = f"{escape_markdown(short_prompt(missing))} is not here"
        first = (
            "The link names a video that is not in the list: it was moved or deleted, or lies elsewhere. Upload it or "
            "open its path with the button beside the list, or choose another."
        )
    with _middle():
        st.markdown(f"##### {title}", width="content")
        st.caption(f"{first} {INDEXING}", width="content")
        sample = sample_video(config)
        if sample is not None:
            st.button(
                "Open the sample video",
                icon=":material/movie:",
                type="primary",
                key="open_sample",
                on_click=choose_path,
                args=(sample,),
            )


def draw_not_opened(video: VideoChoice, indexed: Indexed) -> None:
    """Say why there is no video to draw: indexing failed or was cancelled, or it was forgotten or is outdated."""
    job = indexed.job
    if job is not None and job.state == "failed" and job.error is not None:
        draw_error(job.error)
        return
    title, why = f"{escape_markdown(video.name)} is not indexed", ""
    if indexed.outdated is not None:
        draw_error(indexed.outdated)
        return
    if indexed.forgotten:
        title = f"What was stored of {escape_markdown(video.name)} was forgotten"
        why = "On the page Stored videos, here or in another tab. "
    with _middle():
        st.markdown(f"##### {title}", width="content")
        st.caption(f"{why}Press Resume in the sidebar. {INDEXING}", width="content")


def _middle() -> st.delta_generator.DeltaGenerator:
    return st.container(
        height=420, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
    )
