"""What the player may play of a video: the file, or a copy that is made where browsers do not play the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from clip_core.config import Config
from clip_core.errors import ClipVideoError, VideoError, VideoNotFoundError
from clip_core.media.size import proxy_size
from clip_core.pipeline.list_videos import VideoChoice
from clip_core.pipeline.make_proxy import proxy_path
from clip_core.proxies import ProxyView
from clip_core.values import VideoRecord, clock
from pages.parts.cached import proxies, why_not_playable
from pages.parts.text import literal, told

LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Playable:
    """What can be played at this rerun.

    Attributes:
        source: "file", "proxy" for the copy, or None when nothing can be played now.
        reason: Why the file itself is not played, a clause such as "Browsers do not play HEVC in MP4"; None if it is.
        task: How the copy stands that is being made, or was.
        error: Why none can be begun.
    """

    source: Literal["file", "proxy"] | None
    reason: str | None = None
    task: ProxyView | None = None
    error: ClipVideoError | None = None


def see_to_proxy(video: VideoChoice, record: VideoRecord, settings: Config, *, refused: bool) -> Playable:
    """Say what can be played of a video, and begin a copy where one is needed: once for each session and video.

    Args:
        video: The video that is chosen.
        record: What is known of it.
        settings: They say where copies are kept.
        refused: This browser has said that it cannot play the file, whatever its header promises.
    """
    try:
        what = why_not_playable(video.path)
    except VideoError:  # gone, or no video any more: the player says so, and a copy of it is as good as ever
        there = proxy_path(settings, record.video_id).is_file()
        return Playable("proxy", "The file itself is not there") if there else Playable("file")
    if what is None and not refused:
        return Playable("file")
    reason = "This browser does not play the file itself" if what is None else f"Browsers do not play {what}"
    asked: set[str] = st.session_state.setdefault("proxies_asked", set())
    target = proxy_path(settings, record.video_id)
    task = proxies().view(record.video_id)  # before the file: one that has ended has put it there
    error = None
    # Who comes to one that somebody cancelled, or that failed, sees that and may begin it again.
    if not target.is_file() and record.video_id not in asked and (task is None or task.state == "done"):
        error = _start(video, record, settings)
        task = proxies().view(record.video_id)
    asked.add(record.video_id)
    return Playable("proxy" if target.is_file() else None, reason, task, error)


def draw_proxy_status(playable: Playable, video: VideoChoice, record: VideoRecord, settings: Config) -> None:
    """Draw one row: how far the copy is, how to make one, or that it is being played; nothing for the file itself."""
    if playable.reason is None or isinstance(playable.error, VideoNotFoundError):  # the viewer says that it is gone
        return
    with st.container(key="proxy", gap="xsmall"):
        if playable.source == "proxy":
            _, lines = proxy_size(record.width, record.height)
            st.caption(f"Plays a copy in {lines} lines: {literal(_small(playable.reason))}.")
            for warning in () if playable.task is None else _warnings(playable.task):
                st.caption(f":material/warning: {literal(warning)}")
        elif playable.task is not None and playable.task.active:
            st.fragment(_live, run_every=LOOK_EVERY_S)(record.video_id, playable.reason)
        else:
            _offer(playable, video, record, settings)


def _offer(playable: Playable, video: VideoChoice, record: VideoRecord, settings: Config) -> None:
    task = playable.task
    error = playable.error or (task.error if task is not None else None)
    if error is not None and (task is None or task.state != "cancelled"):
        st.error(told(error), icon=":material/error:")
    stopped = " A copy was begun and cancelled." if task is not None and task.state == "cancelled" else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.caption(f"{literal(playable.reason or '')}.{stopped}")
        st.button(
            "Make a copy to play",
            key="proxy_make",
            on_click=_start,
            args=(video, record, settings),
            help="A smaller copy with the same frames at the same times, kept beside the uploads.",
        )


def _live(video_id: str, reason: str) -> None:
    """The moving part: runs every second by itself, and runs the page when the copy has ended."""
    task = proxies().view(video_id)
    if task is None or not task.active:
        st.rerun(scope="app")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.progress(_share(task), text=literal(f"{reason}: {_copy(reason)} {_text(task)}"))
        st.button(
            "",
            icon=":material/close:",
            key="proxy_cancel",
            help="Cancel. Nothing of the copy is kept.",
            on_click=proxies().cancel,
            args=(video_id,),
        )


def _start(video: VideoChoice, record: VideoRecord, settings: Config) -> ClipVideoError | None:
    """Ask for the copy; also a callback. Return why that is impossible."""
    try:
        proxies().start(video.path, record, proxy_path(settings, record.video_id))
    except ClipVideoError as error:
        return error
    return None


def _share(task: ProxyView) -> float:
    report = task.report
    return 0.0 if report is None or report.total == 0 else min(1.0, report.done / report.total)


def _text(task: ProxyView) -> str:
    if task.state == "waiting":
        return f"waits for its turn: number {task.place} in line"
    report = task.report
    if report is not None and report.note:
        return f"waits: {report.note}"
    text = f"is being made · {100 * _share(task):.0f} %"
    if report is not None and report.seconds_left is not None:
        text += f" · {clock(report.seconds_left)[:-4]} left"
    return text


def _warnings(task: ProxyView) -> tuple[str, ...]:
    return () if task.report is None else task.report.warnings


def _copy(reason: str) -> str:
    return "a copy that they play" if reason.startswith("Browsers") else "a copy that it plays"


def _small(reason: str) -> str:
    return reason[:1].lower() + reason[1:]
