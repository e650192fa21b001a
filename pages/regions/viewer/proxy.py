"""What the player can play of a video: the file, or a proxy where browsers do not play the file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError, VideoError
from clip_core.library.videos import VideoChoice
from clip_core.media.proxies import proxy_path, proxy_size
from clip_core.tasks import TaskView
from clip_core.types import VideoRecord
from pages.shared.cache import proxy_queue, why_not_playable
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.task_row import TaskRow, draw_task_row, left_text, viewer

LINE_PX, ROW_PX = 27, 42
NEITHER = "This browser plays neither the file nor its copy"

ProxySource: TypeAlias = Literal["file", "copy"]


@dataclass(frozen=True)
class Playable:
    """What can be played in this rerun.

    Attributes:
        source: The "file", its proxy ("copy"), or None when nothing can be played now.
        reason: Why the file itself is not played, a clause such as "Browsers do not play HEVC in MP4"; None if it is.
        task: The task that makes or made the proxy, or None.
        error: Why that task could not be started.
    """

    source: ProxySource | None
    reason: str | None = None
    task: TaskView[str] | None = None
    error: ClipVideoError | None = None


def address_of(video_id: str, source: ProxySource) -> str:
    """Return the address of the file or proxy, relative to the app's own."""
    return f"player/{'copy' if source == 'copy' else 'video'}/{video_id}"


def refuse(address: str) -> None:
    """Record that this session's browser cannot play what is at an address."""
    st.session_state.refused = {*st.session_state.get("refused", ()), address}


def _refuses(record: VideoRecord, source: ProxySource) -> bool:
    return address_of(record.video_id, source) in st.session_state.get("refused", ())


def forget(video_id: str) -> None:
    """Forget that this session asked for a proxy of a video, and what its browser refused of it."""
    state = st.session_state
    ours = {address_of(video_id, "file"), address_of(video_id, "copy")}
    state.refused = set(state.get("refused", ())) - ours
    state.copies_asked = set(state.get("copies_asked", ())) - {video_id}
    state.pop("copy_error", None)


def see_to_proxy(video: VideoChoice, record: VideoRecord, config: Config) -> Playable:
    """Return what can be played of a video, and start making a proxy if one is needed."""
    target = proxy_path(config, record.video_id)
    no_copy = _refuses(record, "copy")
    try:
        what = why_not_playable(video.path)
    except VideoError:  # missing, or no longer a video: the player says so, and an existing proxy still works
        there = target.is_file() and not no_copy
        return Playable("copy", "The file itself is not there") if there else Playable("file")
    if what is None and not _refuses(record, "file"):
        return Playable("file")
    if no_copy:
        return Playable(None, NEITHER)
    reason = "This browser does not play the file itself" if what is None else f"Browsers do not play {what}"
    task = _see_to_copy(video, record, config, target)
    failed_id, error = st.session_state.get("copy_error") or (None, None)
    return Playable("copy" if target.is_file() else None, reason, task, error if failed_id == record.video_id else None)


def _see_to_copy(video: VideoChoice, record: VideoRecord, config: Config, target: Path) -> TaskView[str] | None:
    """Start a proxy once per session, or again if the task was dropped for lack of viewers; return the task."""
    asked: set[str] = st.session_state.setdefault("copies_asked", set())
    task = proxy_queue().view(record.video_id, viewer())  # before the file check: a finished task has written it
    # A failed or cancelled task is not restarted: the visitor sees that, and may start it again.
    wanted = task is None or (task.state == "done" and record.video_id not in asked)
    if wanted and not target.is_file():
        _start(video, record, config)
        task = proxy_queue().view(record.video_id, viewer())
    asked.add(record.video_id)
    return task


def status_px(playable: Playable) -> int:
    """Return the height of what ``draw_proxy_status`` draws, with the gap below it. Errors are not counted."""
    if playable.reason is None:
        return 0
    if playable.source is None and playable.reason != NEITHER:
        return ROW_PX
    return LINE_PX * (1 + (0 if playable.task is None else len(_warnings(playable.task))))


def draw_proxy_status(playable: Playable, video: VideoChoice, record: VideoRecord, config: Config) -> None:
    """Draw one row: the proxy's progress, a button to make it, or that it is played. Draw nothing if the file plays."""
    if playable.reason is None:
        return
    with st.container(key="proxy", gap="xsmall"):
        if playable.reason == NEITHER:
            st.caption(f":material/info: {NEITHER}. Its frames are shown one by one.")
        elif playable.source == "copy":
            _, lines = proxy_size(record.width, record.height)
            st.caption(f"Plays a copy in {lines} lines: {escape_markdown(_within_a_sentence(playable.reason))}.")
            for warning in () if playable.task is None else _warnings(playable.task):
                st.caption(f":material/warning: {escape_markdown(warning)}")
        elif playable.task is not None and playable.task.active:
            text, help_text = partial(_text, playable.reason), "Cancel. Nothing of the copy is kept."
            draw_task_row(TaskRow(proxy_queue(), record.video_id, viewer(), text, "proxy_cancel", help_text))
        else:
            _offer(playable, video, record, config)


def _offer(playable: Playable, video: VideoChoice, record: VideoRecord, config: Config) -> None:
    task = playable.task
    error = playable.error or (task.error if task is not None else None)
    if error is not None and (task is None or task.state != "cancelled"):
        st.error(error_markdown(error), icon=":material/error:")
    stopped = " A copy was begun and cancelled." if task is not None and task.state == "cancelled" else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(f"{escape_markdown(playable.reason or '')}.{stopped}")
        st.button(
            "Make a copy to play",
            key="proxy_make",
            on_click=_start,
            args=(video, record, config),
            help="A smaller copy with the same frames at the same times, kept beside the uploads.",
        )


def _start(video: VideoChoice, record: VideoRecord, config: Config) -> None:
    """Ask for the proxy, or record why that is impossible. Also a callback."""
    st.session_state.copy_error = None
    try:
        proxy_queue().start(video.path, record, proxy_path(config, record.video_id), viewer())
    except ClipVideoError as error:
        st.session_state.copy_error = (record.video_id, error)


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


def _warnings(task: TaskView[str]) -> tuple[str, ...]:
    return () if task.progress is None else tuple(task.progress.warnings)


def _within_a_sentence(reason: str) -> str:
    return reason[:1].lower() + reason[1:]
