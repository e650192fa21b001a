"""Where a page is drawn, and what it shows while it starts or opens another video or model."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.library.videos import VideoChoice
from pages.shared.markdown import escape_markdown
from pages.shared.session import region_state

TOP_PX, CHART_PX = 340, 430
"""Heights of what is drawn in their place later: the picture with the lists, and the chart."""
INDEXING = "Its curves appear here while it is being indexed."


@dataclass
class OpeningState:
    """What the page showed last.

    Attributes:
        has_begun: Whether the session has had a run.
        begun: The video, model and framing that this run opens, None if it opens none.
        opened: Those that are drawn, None if none are.
        stopped: Those of which opening ended in ``stop``.
        message: Title and text of the message in their place.
    """

    has_begun: bool = False
    begun: tuple[str, ...] | None = None
    opened: tuple[str, ...] | None = None
    stopped: tuple[str, ...] | None = None
    message: tuple[str, str] | None = None


@dataclass(frozen=True)
class Opening:
    """One video under one model, and the places where they are drawn.

    Streamlit keeps showing what the last run drew until this run reaches it. So when the video or model changes, its
    places are emptied first.

    Attributes:
        video: The chosen video.
        said: Where the page says what it is doing meanwhile.
        page: Where the page is drawn.
        subject: What decides whether another one is opened: video, model and framing.
        is_other: Whether the session last drew another one, or none.
        is_stopped: Whether the last attempt to open this one ended in ``stop``; then nothing is said until ``go_on``.
    """

    video: VideoChoice
    said: DeltaGenerator
    page: DeltaGenerator
    subject: tuple[str, ...]
    is_other: bool
    is_stopped: bool

    def place(self) -> DeltaGenerator:
        """Return a place in the sidebar for facts about the video, to be filled with ``fill``."""
        return _place(self.is_other)

    def fill(self, place: DeltaGenerator) -> DeltaGenerator:
        """Return the container in a place."""
        return place.container(gap="xsmall") if self.is_other else place

    def say(self, doing: str) -> None:
        """Say that the video is being opened, and which step is running."""
        if self.is_other and not self.is_stopped:
            _say(self.said, f"Opening {escape_markdown(self.video.name)}", doing)

    def go_on(self) -> None:
        """Say that the video is being opened, even if the last attempt ended in ``stop``."""
        region_state(OpeningState).stopped = None
        replace(self, is_stopped=False).say(INDEXING)

    def done(self) -> DeltaGenerator:
        """Remove the message; return the container of the page."""
        state = region_state(OpeningState)
        state.opened, state.stopped = self.subject, None
        self.said.empty()
        return self.fill(self.page)


def load_libraries(names: Sequence[str]) -> None:
    """Import modules; show a message when they are not imported yet, at the first visit of a process."""
    said = st.empty()
    if not set(names) <= sys.modules.keys():
        _say(said, "Starting…", "Loading the libraries, once for each start of the server.")
        for name in names:
            importlib.import_module(name)
        region_state(OpeningState).message = None
    said.empty()


def start() -> DeltaGenerator:
    """Return the place for messages; it shows "Starting…", later the last message, until a video is drawn."""
    state, said = region_state(OpeningState), st.empty()
    state.begun = None
    if not state.has_begun:
        state.has_begun = True
        _say(said, "Starting…", "Looking for videos and models.")
    elif state.opened is None and state.message is not None:
        _say(said, *state.message)
    return said


def stop(said: DeltaGenerator) -> None:
    """Remove the message "Opening …": the page says what is missing or went wrong instead."""
    state = region_state(OpeningState)
    state.stopped, state.message = state.begun, None
    said.empty()


def begin(video: VideoChoice, said: DeltaGenerator, subject: tuple[str, ...]) -> Opening:
    """Start to open a video; empty the page if it shows another ``subject``. Call where the page is drawn."""
    state = region_state(OpeningState)
    is_other, state.begun = state.opened != subject, subject
    if is_other:
        state.opened = None  # until ``done`` the page shows no video, whatever happens
    opening = Opening(video, said, _place(is_other), subject, is_other, state.stopped == subject)
    opening.say(INDEXING)
    return opening


def _place(is_other: bool) -> DeltaGenerator:
    return st.empty() if is_other else st.container(gap="xsmall")


def _say(said: DeltaGenerator, title: str, doing: str) -> None:
    """Draw the message in two frames as high as what will replace them, so that nothing below them jumps."""
    region_state(OpeningState).message = (title, doing)
    with said.container(gap="xsmall"):
        for height, text in ((TOP_PX, f"##### {title}"), (CHART_PX, f":gray[{doing}]")):
            frame = st.container(
                height=height, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
            )
            frame.markdown(text, width="content")
