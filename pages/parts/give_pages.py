"""The box Download: the chart and the report as HTML pages that open offline."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clip_core.charts.timeline import Timeline, still_figure
from clip_core.errors import ClipVideoError
from clip_core.export.page import chart_html
from clip_core.files import named_after
from clip_core.pipeline.make_report import MOST_PICTURES, make_report
from clip_core.pipeline.write_outcome import Outcome
from pages.parts.peaks import thumbnails_at

PATIENCE_S = 20.0
"""A report waits so long for pictures that are not stored yet; those that are missing then are left out."""


def draw_pages(outcome: Outcome, view: Timeline) -> None:
    """Draw the buttons."""
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="give_pages"):
        st.download_button(
            "Report",
            partial(_report, outcome, view),
            named_after(outcome.record.name, "report.html"),
            "text/html",
            key="report_file",
            on_click="ignore",
            help="Video, model, settings, chart and moments with pictures of their peaks, in one HTML file of about "
            f"5 MB; of more than {MOST_PICTURES} moments the first have pictures.",
        )
        st.download_button(
            "Chart",
            partial(_chart, outcome, view),
            named_after(outcome.record.name, "chart.html"),
            "text/html",
            key="chart_file",
            on_click="ignore",
            help="The chart as it is now, in one HTML file of about 5 MB.",
        )
    st.caption("The chart as PNG: the camera in the chart's own bar.")


def _chart(outcome: Outcome, view: Timeline) -> str:
    return chart_html(still_figure(view), outcome.record.name)


def _report(outcome: Outcome, view: Timeline) -> str:
    """Runs in a thread of its own, so nothing of Streamlit is asked."""
    try:
        shown = outcome.moments[:MOST_PICTURES]
        scores = outcome.findings.scores
        pictures = thumbnails_at(shown, scores, outcome.record, outcome.path, patience_s=PATIENCE_S)
        return make_report(outcome, view, pictures)
    except ClipVideoError as error:
        return make_report(outcome, view, {}, f"There are no pictures: {error.what}")
