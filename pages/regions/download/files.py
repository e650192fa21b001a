"""The download menu: files of moments, spikes and scores, the report, and clips that are made in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.addresses import is_address
from clip_core.analysis.export_bundle import (
    MOST_PICTURES,
    ExportBundle,
    make_report,
    moments_file,
    scores_file,
    spikes_file,
)
from clip_core.charts.timeline import still_figure
from clip_core.charts.view import Timeline
from clip_core.errors import ClipVideoError
from clip_core.evaluation.metrics import Match
from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, Format
from clip_core.export.html_report import chart_html
from clip_core.files import named_after
from clip_core.media.clips import ClipMode
from clip_core.media.export_media import ExportRequest, PictureKind
from clip_core.media.exports_folder import CLIPS_ZIP
from clip_core.text import counted
from clip_core.types import Moment
from pages.regions.moments.moment_list import MomentList
from pages.regions.moments.other_lists import spikes_of
from pages.regions.moments.table import thumbnails_at
from pages.shared.cache import export_queue, identified_stamp, why_not_fast
from pages.shared.export_task import CANCEL_HELP, draw_result, progress_text
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.session import Remembered, region_state
from pages.shared.task_row import TaskRow, draw_task_row, session_id
from pages.shared.theme import unseen

WIDTH_PX, GROUP_PX = 480, 64
CANDIDATES_KEY = "give_candidates"
CANDIDATES_HELP = "The likeliest places of prompts that are not sure to be there; their label is “candidate”."


@dataclass
class DownloadState:
    """The session's state of this region."""

    rate_note: Remembered[str] = field(default_factory=Remembered)
    clips_asked: tuple[str | None, str] = (None, "")  # the video of the last ZIP, and the key of its task
    clips_error: ClipVideoError | None = None  # why it could not be asked for
    theirs: Remembered[list[Moment] | ClipVideoError] = field(default_factory=Remembered)  # the file to compare with
    matches: Remembered[list[Match]] = field(default_factory=Remembered)


def moments_for_files(listed: MomentList) -> list[Moment]:
    """Return the ticked moments, or else all: those that count, and the ticked candidates, or all if asked for."""
    with_candidates = bool(listed.chosen) or _with_candidates()
    return [r.moment for r in listed.chosen or listed.reviewed if r.kept or (r.is_candidate and with_candidates)]


def _with_candidates() -> bool:
    return bool(st.session_state.get(CANDIDATES_KEY))


def draw_downloads(bundle: ExportBundle, view: Timeline, listed: MomentList) -> None:
    """Draw the box; ``view`` is the chart as shown. Each file is made when its button is pressed, not before."""
    box = st.popover(unseen("Download"), icon=":material/download:", help="Download", key="download_box")
    with box, st.container(width=WIDTH_PX):
        st.markdown("**Download**")
        st.caption(_which(listed))
        if listed.candidates:
            st.toggle("With candidates", key=CANDIDATES_KEY, persist_state="session", help=CANDIDATES_HELP)
        with st.container(gap="xsmall"):
            draw_files(bundle)
            _draw_spikes(bundle, listed)
        _draw_pages(bundle, view)
        _draw_clips(bundle)


def _which(listed: MomentList) -> str:
    all_of_them, candidates = len(listed.reviewed), len(listed.candidates)
    if listed.chosen:
        rejected = len(listed.chosen) - len(moments_for_files(listed))
        left = f", without {rejected} rejected" if rejected else ""
        return f"Ticked rows only: {len(listed.chosen)} of {all_of_them} moments{left}."
    left_out = all_of_them - len(listed.kept) - candidates
    moments = counted(len(listed.kept), "moment")
    if candidates and _with_candidates():
        moments += f" and {counted(candidates, 'candidate')}"
    without = [f"{left_out} rejected"] if left_out else []
    without += [f"{listed.hidden} of hidden prompts"] if listed.hidden else []
    return f"{moments}{', without ' if without else ''}{' and '.join(without)}. Tick rows to take only these."


def draw_files(bundle: ExportBundle) -> None:
    """Draw a download button for each format of moments and scores.

    A single button beside a list of formats would race: until the page has rerun, it gives the previous format.
    """
    _draw_formats("moments", MOMENT_FORMATS, moments_file, bundle)
    # The note is computed from the times of all frames, perhaps a million.
    table = bundle.record.table
    times = (bundle.record.video_id, len(table), table.confirmed)
    if note := region_state(DownloadState).rate_note.of(times, lambda: bundle.rate_note):
        counting = ", ".join(form.title for form in MOMENT_FORMATS.values() if form.counts_frames)
        st.caption(escape_markdown(f"{counting}: {note}"))
    _draw_formats("scores", SCORE_FORMATS, scores_file, bundle)


def _draw_formats(
    name: str, formats: Mapping[str, Format[...]], write: Callable[[str, ExportBundle], bytes], bundle: ExportBundle
) -> None:
    groups = list(dict.fromkeys(form.group for form in formats.values()))
    for group in groups:
        with _line(group if len(groups) > 1 else name.capitalize()):
            for kind, form in formats.items():
                if form.group == group:
                    make, key = partial(write, kind, bundle), f"{name}_as_{kind}"
                    _draw_button(
                        form.title, make, bundle, form.file_name, form.mime, key, f"{form.file_name}. {form.hint}"
                    )


def _line(title: str) -> DeltaGenerator:
    """Draw a title; return the container beside it, which puts its contents into one line."""
    line = st.container(horizontal=True, gap="xsmall", vertical_alignment="center")
    line.caption(title, width=GROUP_PX)
    return line


def _draw_button(
    label: str, make: Callable[[], bytes | str], bundle: ExportBundle, name: str, mime: str, key: str, help_text: str
) -> None:
    file_name = named_after(bundle.record.name, name)
    st.download_button(label, make, file_name, mime, key=key, on_click="ignore", help=help_text)


def _draw_spikes(bundle: ExportBundle, listed: MomentList) -> None:
    def make() -> bytes:
        return spikes_file(bundle, spikes_of(bundle.detection, listed.off))

    help_text = "spikes.csv: where the drawn curves rise and fall suddenly."
    with _line("Spikes"):
        _draw_button("CSV", make, bundle, "spikes.csv", "text/csv", "spikes_file", help_text)


PATIENCE_S = 20.0
"""How long a report waits for pictures that are not stored yet; those still missing are left out."""
REPORT_HELP = (
    "Video, model, settings, chart and moments with pictures of their peaks, in one HTML file of about 5 MB. At most "
    f"the first {MOST_PICTURES} moments have pictures."
)
CHART_HELP = "The chart as it is now, in one HTML file of about 5 MB."


def _draw_pages(bundle: ExportBundle, view: Timeline) -> None:
    """Draw the buttons for the report and the chart."""
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="give_pages"):
        report, chart = partial(_report, bundle, view), partial(_chart, bundle, view)
        _draw_button("Report", report, bundle, "report.html", "text/html", "report_file", REPORT_HELP)
        _draw_button("Chart", chart, bundle, "chart.html", "text/html", "chart_file", CHART_HELP)
    st.caption("To save the chart as PNG, press the camera in the chart's own bar.")


def _chart(bundle: ExportBundle, view: Timeline) -> str:
    return chart_html(still_figure(view), bundle.record.name)


def _report(bundle: ExportBundle, view: Timeline) -> str:
    """Return the report. Runs in its own thread, so it must not use the Streamlit session."""
    try:
        shown = bundle.moments[:MOST_PICTURES]
        scores = bundle.detection.scores
        pictures = thumbnails_at(shown, scores, bundle.record, bundle.path, patience_s=PATIENCE_S)
        return make_report(bundle, view, pictures)
    except ClipVideoError as error:
        return make_report(bundle, view, {}, f"There are no pictures: {error.what}")


CLIPS = {"exact": "exact", "fast": "fast copy", "none": "none"}
FRAMES = {"none": "none", "jpeg": "JPEG", "png": "PNG"}
CLIPS_KEY, FRAMES_KEY = "clips_kind", "frames_kind"
CLIPS_HELP = (
    "**exact**: the very frames of a moment, encoded anew. **fast copy**: the file's own packets, so a clip begins at "
    "the keyframe before."
)


def _draw_clips(bundle: ExportBundle) -> None:
    """Draw the choice of clips and pictures, the progress, and the link to the result."""
    st.markdown("**Clips of these moments**")
    choices = (("Clips", CLIPS, CLIPS_KEY, CLIPS_HELP), ("Frames at the peaks", FRAMES, FRAMES_KEY, None))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        for label, titles, key, help_text in choices:
            title_of = titles.__getitem__
            st.selectbox(label, list(titles), key=key, persist_state="session", format_func=title_of, help=help_text)
    state, queue = region_state(DownloadState), export_queue()
    asked_of, key = state.clips_asked
    task = queue.view(key, session_id()) if asked_of == bundle.record.video_id else None
    if task is not None and task.active:
        draw_task_row(TaskRow(queue, key, session_id(), progress_text, "clips_cancel", CANCEL_HELP))
        return
    refused = why_not_fast(Path(bundle.path), bundle.record) if _chosen()[0] == "fast" else None
    if is_address(bundle.record.path):
        refused = "The video lies in a bucket. Fetch it first, with the button below the picture."
    if refused is not None:
        st.caption(f":material/info: {escape_markdown(refused)}")
    st.button(
        "Make a ZIP",
        icon=":material/movie:",
        key="clips_make",
        disabled=not bundle.moments or _chosen() == (None, None) or refused is not None,
        on_click=_start,
        args=(bundle,),
        help="Clips, pictures and moments.csv in one file. It is made in the background, and kept for a day.",
    )
    if task is not None and task.state == "cancelled":
        st.caption("Cancelled. Nothing of it is kept.")
    elif error := state.clips_error or (None if task is None else task.error):
        st.error(error_markdown(error), icon=":material/error:")
    elif task is not None and task.state == "done":
        draw_result(key, task, bundle.record.name)


def _chosen() -> tuple[ClipMode | None, PictureKind | None]:
    kinds = (st.session_state[key] for key in (CLIPS_KEY, FRAMES_KEY))
    clip_mode, pictures = (None if kind == "none" else kind for kind in kinds)
    return clip_mode, pictures


def _start(bundle: ExportBundle) -> None:
    """Ask for the ZIP, or record why that is impossible."""
    state = region_state(DownloadState)
    state.clips_error = None
    texts = {"moments.csv": moments_file("csv", bundle)}
    request = ExportRequest(tuple(bundle.moments), *_chosen(), CLIPS_ZIP, texts)
    try:
        stamp = identified_stamp(bundle.path, bundle.record.video_id)
        key = export_queue().start(Path(bundle.path), bundle.record, request, session_id(), stamp)
        state.clips_asked = (bundle.record.video_id, key)
    except ClipVideoError as error:
        state.clips_error = error
