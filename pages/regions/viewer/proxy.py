"""What the player can play of a video: the file, or a proxy where browsers do not play the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

from clip_core.addresses import is_address
from clip_core.config import Config
from clip_core.errors import ClipVideoError, VideoError
from clip_core.library.videos import VideoChoice
from clip_core.media.proxies import proxy_path, proxy_size
from clip_core.task_queue import TaskView
from clip_core.types import VideoRecord
from pages.shared.access import READ_ONLY, is_read_only
from pages.shared.cache import identified_stamp, proxy_queue, why_not_playable
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import region_state
from pages.shared.task_row import TaskRow, draw_task_row, left_text, session_id

LINE_PX, ROW_PX = 27, 42
NEITHER = "This browser plays neither the file nor its copy"

ProxySource: TypeAlias = Literal["file", "copy"]


@dataclass
class ProxyState:
    """What this session knows of the files and their proxies.

    Attributes:
        refused: The addresses of what its browser cannot play.
        asked: The ids of the videos of which it has seen whether a proxy is needed; none is made twice by itself.
        error: The video whose proxy could not be started, and why; None: the last one could.
    """

    refused: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    error: tuple[str, ClipVideoError] | None = None


@dataclass(frozen=True)
class Playable:
    """What can be played in this rerun.

    Attributes:
        source: The "file", its proxy ("copy"), or None when nothing can be played now.
        reason: Why the file itself is not played, a clause such as "Browsers do not play HEVC in MP4"; None if it is.
        task: The task that makes or made the proxy, or None.
        error: Why that task could not be started.
        make: Starts that task again; a callback.
    """

    source: ProxySource | None
    reason: str | None = None
    task: TaskView[str] | None = None
    error: ClipVideoError | None = None
    make: Callable[[], None] | None = None

    @property
    def warnings(self) -> Sequence[str]:
        """What the proxy lacks."""
        return () if self.task is None or self.task.progress is None else self.task.progress.warnings


def address_of(video_id: str, source: ProxySource) -> str:
    """Return the address of the file or proxy, relative to the app's own."""
    return f"player/{'copy' if source == 'copy' else 'video'}/{video_id}"


def refuse(address: str) -> None:
    """Record that this session's browser cannot play what is at an address."""
    region_state(ProxyState).refused.add(address)


def forget(video_id: str) -> None:
    """Forget that this session asked for a proxy of a video, and what its browser refused of it."""
    state = region_state(ProxyState)
    state.refused -= {address_of(video_id, "file"), address_of(video_id, "copy")}
    state.asked.discard(video_id)
    state.error = None


def see_to_proxy(video: VideoChoice, record: VideoRecord, config: Config) -> Playable:
    """Return what can be played of a video, and start making a proxy if one is needed."""
    state, video_id, target = region_state(ProxyState), record.video_id, proxy_path(config, record.video_id)
    no_file, no_copy = (address_of(video_id, source) in state.refused for source in ("file", "copy"))
    try:
        what = why_not_playable(video.path) or ("joined recordings" if record.table.joins else None)
    except VideoError:  # missing, or no longer a video: the player says so, and an existing proxy still works
        there = target.is_file() and not no_copy
        if there:
            return Playable("copy", "The file itself is not there")
        return Playable(None if is_address(record.path) else "file")
    if what is None and not no_file:
        return Playable("file")
    if no_copy:
        return Playable(None, NEITHER)
    make = partial(_make, video, record, target)
    task = _see_to_copy(video_id, target, make)
    reason = "This browser does not play the file itself" if what is None else f"Browsers do not play {what}"
    error = state.error[1] if state.error is not None and state.error[0] == video_id else None
    return Playable("copy" if target.is_file() else None, reason, task, error, make)


def _see_to_copy(video_id: str, target: Path, make: Callable[[], None]) -> TaskView[str] | None:
    """Start a proxy once per session, or again if the task was dropped for lack of viewers; return the task."""
    asked = region_state(ProxyState).asked
    task = proxy_queue().view(video_id, session_id())  # before the file check: a finished task has written it
    # A failed or cancelled task is not restarted: the visitor sees that, and may start it again.
    may_start = task is None or (task.state == "done" and video_id not in asked)
    if may_start and not is_read_only() and not target.is_file():
        make()
        task = proxy_queue().view(video_id, session_id())
    asked.add(video_id)
    return task


def _make(video: VideoChoice, record: VideoRecord, target: Path) -> None:
    """Start making the proxy, or record why that is impossible."""
    state = region_state(ProxyState)
    state.error = None
    try:
        stamp = identified_stamp(video.path, record.video_id)
        proxy_queue().start(video.path, record, target, session_id(), stamp)
    except ClipVideoError as error:
        state.error = (record.video_id, error)


def status_px(playable: Playable) -> int:
    """Return the height of what ``draw_proxy_status`` draws, with the gap below it. Errors are not counted."""
    if playable.reason is None:
        return 0
    if playable.source is None and playable.reason != NEITHER:
        return ROW_PX
    return LINE_PX * (1 + len(playable.warnings))


def draw_proxy_status(playable: Playable, record: VideoRecord) -> None:
    """Draw one row: the proxy's progress, a button to make it, or that it is played. Draw nothing if the file plays."""
    if playable.reason is None:
        return
    with st.container(key="proxy", gap="xsmall"):
        if playable.reason == NEITHER:
            st.caption(f":material/info: {NEITHER}. Its frames are shown one by one.")
        elif playable.source == "copy":
            _, lines = proxy_size(record.width, record.height)
            reason = playable.reason[:1].lower() + playable.reason[1:]
            st.caption(f"Plays a copy in {lines} lines: {escape_markdown(reason)}.")
            for warning in playable.warnings:
                st.caption(f":material/warning: {escape_markdown(warning)}")
        elif playable.task is not None and playable.task.active:
            text, help_text = partial(_text, playable.reason), "Cancel. Nothing of the copy is kept."
            draw_task_row(TaskRow(proxy_queue(), record.video_id, session_id(), text, "proxy_cancel", help_text))
        else:
            _offer(playable)


def _offer(playable: Playable) -> None:
    task = playable.task
    error = playable.error or (task.error if task is not None else None)
    if error is not None and (task is None or task.state != "cancelled"):
        st.error(error_markdown(error), icon=":material/error:")
    stopped = " A copy was begun and cancelled." if task is not None and task.state == "cancelled" else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(f"{escape_markdown(playable.reason or '')}.{stopped}")
        if is_read_only():
            st.caption(f"{READ_ONLY} No copy to play is made; choose View → Frames.")
            return
        help_text = "A smaller copy with the same frames at the same times, kept beside the uploads."
        st.button("Make a copy to play", key="proxy_make", on_click=playable.make, help=help_text)


def _text(reason: str, task: TaskView[str]) -> str:
    which = "a copy that they play" if reason.startswith("Browsers") else "a copy that it plays"
    report = task.progress
    if task.state == "waiting":
        state = f"waits for its turn: number {task.place} in line"
    elif report is not None and report.note:
        state = f"waits: {report.note}"
    else:
        share = 0.0 if report is None else report.share
        state = f"is being made · {100 * share:.0f} %{left_text(report)}"
    return escape_markdown(f"{reason}: {which} {state}")
