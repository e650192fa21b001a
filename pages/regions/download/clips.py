"""In the Download box: clips and pictures of the moments, made in the background and fetched as one ZIP."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote

import streamlit as st

from clip_core.analysis.export_bundle import ExportBundle, moments_file
from clip_core.errors import ClipVideoError
from clip_core.files import named_after
from clip_core.media.clips import ClipMode
from clip_core.media.export_media import ExportRequest, PictureKind
from clip_core.media.exports_folder import CLIPS_ZIP
from clip_core.tasks import TaskView
from clip_core.text import size_text
from pages.shared.cache import export_queue
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.task_row import TaskRow, draw_task_row, left_text, viewer

LARGE_BYTES = 500_000_000
"""From this size on, the result's path is shown too: a user on this machine need not download it."""
ClipChoice: TypeAlias = Literal["exact", "fast", "none"]
FrameChoice: TypeAlias = Literal["none", "jpeg", "png"]
CLIPS: dict[ClipChoice, str] = {"exact": "exact", "fast": "fast copy", "none": "none"}
FRAMES: dict[FrameChoice, str] = {"none": "none", "jpeg": "JPEG", "png": "PNG"}
HELP = (
    "**exact**: the very frames of a moment, encoded anew. **fast copy**: the file's own packets, so a clip begins at "
    "the keyframe before."
)


def draw_clips(bundle: ExportBundle) -> None:
    """Draw the choice of clips and pictures, the progress, and the link to the result."""
    st.markdown("**Clips of these moments**")
    _choose()
    clip_mode, pictures = _chosen()
    video_id = bundle.record.video_id
    of, key = st.session_state.get("clips_asked") or (None, "")
    task = export_queue().view(key, viewer()) if of == video_id else None
    if task is not None and task.active:
        draw_task_row(TaskRow(export_queue(), key, viewer(), _text, "clips_cancel", "Cancel. Nothing of it is kept."))
        return
    nothing = not bundle.moments or (clip_mode is None and pictures is None)
    st.button(
        "Make a ZIP",
        icon=":material/movie:",
        key="clips_make",
        disabled=nothing,
        on_click=_start,
        args=(bundle,),
        help="Clips, pictures and moments.csv in one file. It is made in the background, and kept for a day.",
    )
    error = st.session_state.get("clips_error") or (task.error if task is not None else None)
    if error is not None and (task is None or task.state != "cancelled"):
        st.error(error_markdown(error), icon=":material/error:")
    elif task is not None and task.state == "cancelled":
        st.caption("Cancelled. Nothing of it is kept.")
    elif task is not None and task.state == "done":
        _draw_result(key, task, bundle.record.name)


def _choose() -> None:
    state = st.session_state
    state.setdefault("clips_kind", "exact")
    state.setdefault("frames_kind", "none")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        st.selectbox(
            "Clips",
            list(CLIPS),
            key="clips_kind",
            persist_state="session",
            format_func=lambda kind: CLIPS[kind],
            help=HELP,
        )
        st.selectbox(
            "Frames at the peaks",
            list(FRAMES),
            key="frames_kind",
            persist_state="session",
            format_func=lambda kind: FRAMES[kind],
        )


def _chosen() -> tuple[ClipMode | None, PictureKind | None]:
    clip_mode: ClipChoice = st.session_state.clips_kind
    pictures: FrameChoice = st.session_state.frames_kind
    return (None if clip_mode == "none" else clip_mode), (None if pictures == "none" else pictures)


def _start(bundle: ExportBundle) -> None:
    """Ask for the ZIP, or record why that is impossible."""
    state = st.session_state
    state.clips_error = None
    clip_mode, pictures = _chosen()
    texts = {"moments.csv": moments_file("csv", bundle)}
    request = ExportRequest(tuple(bundle.moments), clip_mode, pictures, CLIPS_ZIP, texts)
    try:
        key = export_queue().start(Path(bundle.path), bundle.record, request, viewer())
        state.clips_asked = (bundle.record.video_id, key)
    except ClipVideoError as error:
        state.clips_error = error


def _text(task: TaskView[str]) -> str:
    report = task.progress
    if task.state == "waiting" or report is None:
        return escape_markdown(f"waits for its turn: number {task.place} in line") if task.place else "begins"
    parts = {
        "clips": f"{report.done:.1f} of {report.total:.1f} s cut",
        "frames": f"{report.done:.0f} of {report.total:.0f} frames",
        "zip": f"{size_text(report.done)} of {size_text(report.total)} packed",
        "done": "done",
    }
    return escape_markdown(parts[report.stage] + left_text(report))


def _draw_result(key: str, task: TaskView[str], video: str) -> None:
    report = task.progress
    path = report.files[0] if report is not None and report.files else None
    if report is None or path is None or not path.is_file():
        st.caption("The result is gone: it is kept for a day. Make it again.")
        return
    size = path.stat().st_size
    address = f"player/clips/{key}?of={quote(video, safe='')}"
    st.link_button(f"{named_after(video, path.name)} · {size_text(size)}", address, icon=":material/download:")
    if size >= LARGE_BYTES:
        st.caption(f"On this machine: {escape_markdown(str(path))}")
    for warning in report.warnings:
        st.caption(f":material/warning: {escape_markdown(warning)}")
