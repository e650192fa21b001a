"""Where a page is drawn, and what stands there while it starts or another video or model is being opened."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.library.videos import VideoChoice
from pages.shared.markdown import escape_markdown

TOP_PX, CHART_PX = 340, 430
"""How high that will be which is drawn in their place: the picture with the lists, and the chart."""
INDEXING = "Its curves appear here while it is being indexed."


@dataclass(frozen=True)
class Opening:
    """One video under one model, and the places where they are drawn.

    Streamlit leaves what the last run drew until this run comes to it. So where the subject is another one, its
    places are emptied first.

    Attributes:
        video: The chosen video.
        said: Where the page says meanwhile what it is doing.
        page: Where the page is drawn.
        is_other: Whether the session drew another subject last, or none.
        is_stopped: Whether opening this one came to nothing last time: then nothing is said before it goes on.
    """

    video: VideoChoice
    said: DeltaGenerator
    page: DeltaGenerator
    is_other: bool
    is_stopped: bool

    def place(self) -> DeltaGenerator:
        """A place for what is told of the subject in the sidebar, to be filled by ``fill``."""
        return _place(self.is_other)

    def fill(self, place: DeltaGenerator) -> DeltaGenerator:
        """The container that stands in a place."""
        return place.container(gap="xsmall") if self.is_other else place

    def say(self, doing: str) -> None:
        """Say that the video is being opened, and what is done for it."""
        if self.is_other and not self.is_stopped:
            _say(self.said, f"Opening {escape_markdown(self.video.name)}", doing)

    def go_on(self) -> None:
        """Say that it is being opened, also where that came to nothing last time."""
        st.session_state.stopped = None
        replace(self, is_stopped=False).say(INDEXING)

    def done(self) -> DeltaGenerator:
        """Take back what was said; return the place of the page."""
        state = st.session_state
        state.opened, state.stopped = _subject(), None
        self.said.empty()
        return self.fill(self.page)


def load_libraries(names: Sequence[str]) -> None:
    """Import modules; at the first visit of a process, which waits for that, the page says so."""
    said = st.empty()
    if not set(names) <= sys.modules.keys():
        _say(said, "Starting…", "Loading the libraries, once for each start of the server.")
        for name in names:
            importlib.import_module(name)
        del st.session_state.saying
    said.empty()


def start() -> DeltaGenerator:
    """The place where a page says what it is doing: what it said last, as long as it has drawn no subject since."""
    state, said = st.session_state, st.empty()
    if "opened" not in state:
        state.opened = None
        _say(said, "Starting…", "Looking for videos and models.")
    elif state.opened is None and state.get("saying") is not None:
        _say(said, *state.saying)
    return said


def stop(said: DeltaGenerator) -> None:
    """Say no longer that something is being opened: the page says instead what is missing or went wrong."""
    state = st.session_state
    state.stopped, state.saying = _subject(), None
    said.empty()


def begin(video: VideoChoice, said: DeltaGenerator) -> Opening:
    """Empty the page if it shows another video, or this one under another model. Call where the page is drawn."""
    state = st.session_state
    is_other = state.opened != _subject()
    if is_other:
        state.opened = None  # whatever happens now, the page shows no subject until ``done``
    opening = Opening(video, said, _place(is_other), is_other, state.get("stopped") == _subject())
    opening.say(INDEXING)
    return opening


def _subject() -> tuple[object, ...]:
    """What the session has chosen."""
    state = st.session_state
    return state.get("video_path"), state.get("model"), state.get("framing")


def _place(is_other: bool) -> DeltaGenerator:
    return st.empty() if is_other else st.container(gap="xsmall")


def _say(said: DeltaGenerator, title: str, doing: str) -> None:
    """In two frames as high as what will be drawn there, so that nothing below them jumps."""
    st.session_state.saying = (title, doing)
    with said.container(gap="xsmall"):
        for height, text in ((TOP_PX, f"##### {title}"), (CHART_PX, f":gray[{doing}]")):
            frame = st.container(
                height=height, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
            )
            frame.markdown(text, width="content")
