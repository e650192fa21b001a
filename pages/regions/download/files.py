"""The download menu: files of moments and scores, and the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from clip_core.analysis.export_bundle import MOST_PICTURES, ExportBundle, make_report, moments_file, scores_file
from clip_core.charts.timeline import Timeline, still_figure
from clip_core.errors import ClipVideoError
from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, Format
from clip_core.export.html_report import chart_html
from clip_core.files import named_after
from pages.regions.download.clips import draw_clips
from pages.regions.moments.best_worst import draw_spikes_file
from pages.regions.moments.contact_sheet import thumbnails_at
from pages.regions.moments.moment_list import MomentList
from pages.shared.markdown import escape_markdown
from pages.shared.theme import unseen


def draw_files(bundle: ExportBundle) -> None:
    """Draw a download button for each format of moments and scores.

    A single button beside a list of formats would race: until the page has rerun, it gives the previous format.
    """
    _draw_formats("moments", MOMENT_FORMATS, moments_file, bundle)
    if note := _rate_note(bundle):
        counting = ", ".join(form.title for form in MOMENT_FORMATS.values() if form.counts_frames)
        st.caption(escape_markdown(f"{counting}: {note}"))
    _draw_formats("scores", SCORE_FORMATS, scores_file, bundle)


def _draw_formats(
    name: str, formats: Mapping[str, Format[...]], write: Callable[[str, ExportBundle], bytes], bundle: ExportBundle
) -> None:
    st.caption(f"{name.capitalize()} as")
    with st.container(horizontal=True, gap="xsmall", key=f"{name}_files"):
        for kind, form in formats.items():
            st.download_button(
                form.title,
                partial(write, kind, bundle),
                named_after(bundle.record.name, form.file_name),
                form.mime,
                key=f"{name}_as_{kind}",
                on_click="ignore",
                help=form.file_name,
            )


def _rate_note(bundle: ExportBundle) -> str:
    """Return ``ExportBundle.rate_note``, computed again only if the time table (perhaps a million rows) changed."""
    state, table = st.session_state, bundle.record.table
    asked = (bundle.record.video_id, len(table), table.confirmed)
    if "rate_note" not in state or state.rate_note[0] != asked:
        state.rate_note = (asked, bundle.rate_note)
    note: str = state.rate_note[1]
    return note


PATIENCE_S = 20.0
"""How long a report waits for pictures that are not stored yet; those still missing are left out."""


def draw_pages(bundle: ExportBundle, view: Timeline) -> None:
    """Draw the buttons for the report and the chart."""
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="give_pages"):
        st.download_button(
            "Report",
            partial(_report, bundle, view),
            named_after(bundle.record.name, "report.html"),
            "text/html",
            key="report_file",
            on_click="ignore",
            help="Video, model, settings, chart and moments with pictures of their peaks, in one HTML file of about "
            f"5 MB; of more than {MOST_PICTURES} moments the first have pictures.",
        )
        st.download_button(
            "Chart",
            partial(_chart, bundle, view),
            named_after(bundle.record.name, "chart.html"),
            "text/html",
            key="chart_file",
            on_click="ignore",
            help="The chart as it is now, in one HTML file of about 5 MB.",
        )
    st.caption("The chart as PNG: the camera in the chart's own bar.")


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


CANDIDATES_HELP = "The likeliest places of prompts that are not sure to be there; their label is “candidate”."
WIDTH_PX = 400


def draw_downloads(bundle: ExportBundle, view: Timeline, listed: MomentList) -> None:
    """Draw the box; ``view`` is the chart as shown. Each file is made when its button is pressed, not before."""
    box = st.popover(unseen("Download"), icon=":material/download:", help="Download", key="download_box")
    with box, st.container(width=WIDTH_PX):
        st.markdown("**Download**")
        st.caption(_which(listed))
        if listed.candidates:
            st.toggle("With candidates", key="give_candidates", persist_state="session", help=CANDIDATES_HELP)
        draw_files(bundle)
        draw_spikes_file(bundle, listed.off)
        draw_pages(bundle, view)
        draw_clips(bundle)


def _which(listed: MomentList) -> str:
    all_of_them, candidates = len(listed.reviewed), len(listed.candidates)
    if listed.chosen:
        rejected = len(listed.chosen) - len(listed.to_give)
        left = f", without {rejected} rejected" if rejected else ""
        return f"Ticked rows only: {len(listed.chosen)} of {all_of_them} moments{left}."
    left_out = all_of_them - len(listed.kept) - candidates
    counted = "1 moment" if len(listed.kept) == 1 else f"{len(listed.kept)} moments"
    if listed.with_candidates and candidates:
        counted += f" and {candidates} candidate{'' if candidates == 1 else 's'}"
    without = [f"{left_out} rejected"] if left_out else []
    without += [f"{listed.hidden} of hidden prompts"] if listed.hidden else []
    return f"{counted}{', without ' if without else ''}{' and '.join(without)}. Tick rows to take only these."
