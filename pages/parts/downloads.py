"""What can be taken away: scores and moments as files."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clip_core.export.csv_files import moments_csv, scores_csv
from clip_core.scoring.findings import Findings
from pages.parts.moments import Listed


def draw_downloads(findings: Findings, listed: Listed) -> None:
    """Draw the box."""
    with st.popover("", icon=":material/download:", help="Download", key="download_box"):
        st.caption("Cells that a spreadsheet would run as a formula get a quote in front.")
        st.download_button(
            "Scores (CSV)",
            partial(scores_csv, findings.scores),
            "scores.csv",
            "text/csv",
            key="scores_csv",
            on_click="ignore",
        )
        st.download_button(
            "Moments (CSV)",
            partial(moments_csv, listed.to_walk),
            "moments.csv",
            "text/csv",
            key="moments_csv",
            on_click="ignore",
        )
