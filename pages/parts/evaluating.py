"""Evaluate: the findings held against the truth, and what is said where that cannot be."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.errors import TruthError
from clip_core.pipeline.evaluate import Evaluation, evaluate
from clip_core.scoring.findings import Findings
from pages.parts.states import draw_error
from pages.parts.text import literal
from pages.parts.truth import Given

MOST_WARNINGS = 4


def judge(findings: Findings, given: Given, told: DeltaGenerator) -> Evaluation | None:
    """Draw the heading; return the judgement, or say what it needs.

    Args:
        findings: What the settings of now find.
        given: What is true.
        told: Where warnings go: beside the truth.
    """
    st.markdown("##### How good are the moments?")
    if given.truth is None:
        _draw_empty()
        return None
    try:
        found = evaluate(findings, given.truth)
    except TruthError as error:
        draw_error(error)
        return None
    warnings = [*given.warnings, *found.warnings]
    with told:
        for warning in warnings[:MOST_WARNINGS]:
            st.caption(f":material/warning: {literal(warning)}")
        if len(warnings) > MOST_WARNINGS:
            st.caption(f"… and {len(warnings) - MOST_WARNINGS} more like these.")
    if not findings.scores.complete:
        st.caption(":material/hourglass: Not all samples are indexed yet: what is still missing counts as missed.")
    return found


def _draw_empty() -> None:
    with st.container(
        height=280, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
    ):
        st.markdown("##### No truth yet", width="content")
        st.caption(
            "Upload a file that says when each prompt can be seen, or choose Marks and mark it yourself. Then "
            "it stands here how well the moments of the settings at the left agree with it, and which others "
            "would do better.",
            width="content",
        )
