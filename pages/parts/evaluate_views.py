"""Evaluate: what stands beside the picture: the truth, or one of four views of what the moments are worth."""

from __future__ import annotations

import streamlit as st

from clip_core.evaluation.agreement import Agreement
from pages.parts import annotations, evaluating, fitting, sweeping, truth, worth
from pages.parts.evaluating import Judged
from pages.parts.states import draw_error
from pages.parts.truth import Given
from pages.parts.watch import Scene

TRUTH, MEASURES, RECALL, SWEEP, FIT = VIEWS = ["Truth", "Measures", "Precision and recall", "Sweep", "Fit thresholds"]
BODY_PX = 216
"""The least height of what stands beside the picture: with more room it is as high as that. What is longer scrolls."""


def choose_view() -> str:
    """Draw the switch; return which view is chosen."""
    st.session_state.setdefault("evaluate_view", TRUTH)
    chosen = st.segmented_control(
        "View", VIEWS, required=True, key="evaluate_view", persist_state="session", label_visibility="collapsed"
    )
    return chosen or TRUTH


def draw_view(view: str, scene: Scene, given: Given, judged: Judged, held: Agreement | None, *, direct: bool) -> None:
    """Draw the chosen view. Call it last: while a sweep runs, nothing that comes after it is drawn.

    Args:
        view: One of ``VIEWS``.
        scene: The video, its findings and its prompts.
        given: What is true.
        judged: What the findings are worth by that.
        held: The annotations and moments of that judgement; None: there is none.
        direct: Whether a row of the list leads the player in the browser.
    """
    found = judged.evaluation
    if view == TRUTH:
        _draw_truth(scene, given, judged, held, direct=direct)
    elif view == FIT:
        fitting.draw_fit(scene.findings, given.marks)
    elif judged.error is not None:
        draw_error(judged.error)
    elif found is None:
        evaluating.draw_empty()
    elif view == MEASURES:
        worth.draw_worth(found, scene.prompts)
    elif view == RECALL:
        worth.draw_recall(found, scene.prompts)
    else:
        sweeping.draw_sweep(found)


def _draw_truth(scene: Scene, given: Given, judged: Judged, held: Agreement | None, *, direct: bool) -> None:
    if given.truth is None and not given.marks and given.error is None:
        evaluating.draw_empty()
    notes = evaluating.notes_on(judged, given)
    truth.draw_source(given, scene.record, lambda: evaluating.draw_notes(notes))
    if judged.error is not None:
        draw_error(judged.error)
    if given.truth is None and not given.marks:
        return
    absent = () if judged.evaluation is None else judged.evaluation.truth.absent
    annotations.draw_list(held, absent, scene.prompts, scene.record, direct=direct)
