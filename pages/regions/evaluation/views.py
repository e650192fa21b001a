"""The views of the Evaluate page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from clip_core.analysis.evaluate import Agreement, Evaluation, evaluate
from clip_core.errors import TruthError
from clip_core.scoring.detection import MomentDetection
from pages.regions.evaluation import annotation_list, evaluation_table, fit_threshold, ground_truth, sweep
from pages.regions.evaluation.ground_truth import GroundTruthInput
from pages.regions.viewer.viewer import Scene
from pages.shared.markdown import escape_markdown
from pages.shared.page import draw_error

UNFINISHED = "Not all samples are indexed yet: what is still missing counts as missed."


@dataclass(frozen=True)
class Judged:
    """The evaluation, or why there is none; both None without ground truth."""

    evaluation: Evaluation | None = None
    error: TruthError | None = None


def judge(detection: MomentDetection, given: GroundTruthInput) -> Judged:
    """Evaluate the moments of the current settings against the ground truth."""
    if given.truth is None:
        return Judged()
    try:
        return Judged(evaluate(detection, given.truth))
    except TruthError as error:
        return Judged(error=error)


def notes_on(judged: Judged, given: GroundTruthInput) -> list[str]:
    """Return what of the ground truth was left out or changed, and what is still missing, one sentence each."""
    if judged.evaluation is None:
        return list(given.warnings)
    complete = judged.evaluation.detection.scores.complete
    return [*given.warnings, *judged.evaluation.warnings, *([] if complete else [UNFINISHED])]


def draw_notes(notes: Sequence[str]) -> None:
    """Draw a box with the notes, if there are any."""
    if not notes:
        return
    with st.popover(f"{len(notes)} note{'' if len(notes) == 1 else 's'}", icon=":material/warning:", key="truth_notes"):
        for note in notes:
            st.caption(f":material/warning: {escape_markdown(note)}")


def draw_empty() -> None:
    """Say what to do without ground truth."""
    st.markdown("##### No truth yet", width="content")
    st.caption(
        "Load a file under Truth that says when each prompt can be seen. Or choose a prompt below the video, watch, "
        "and press I where it appears and O where it is gone. Then this page says how well the moments of the settings "
        "at the left agree with that, and which other settings would do better.",
        width="content",
    )


TRUTH, MEASURES, RECALL, SWEEP, FIT = VIEWS = ["Truth", "Measures", "Precision and recall", "Sweep", "Fit thresholds"]
BODY_PX = 216
"""Least height of the box beside the picture; on wide pages it is as high as the picture. Longer content scrolls."""


def choose_view() -> str:
    """Draw the switch; return the chosen view."""
    st.session_state.setdefault("evaluate_view", TRUTH)
    chosen = st.segmented_control(
        "View", VIEWS, required=True, key="evaluate_view", persist_state="session", label_visibility="collapsed"
    )
    return chosen or TRUTH


def draw_view(
    view: str, scene: Scene, given: GroundTruthInput, judged: Judged, held: Agreement | None, *, direct: bool
) -> None:
    """Draw the chosen view. Call last: while a sweep runs, nothing after it is drawn.

    Args:
        view: One of ``VIEWS``.
        scene: The video, its detection and its prompts.
        given: The ground truth.
        judged: The evaluation against it.
        held: The annotations and moments of that evaluation; None: there is none.
        direct: Whether a row of the list moves the player in the browser.
    """
    found = judged.evaluation
    if view == TRUTH:
        _draw_truth(scene, given, judged, held, direct=direct)
    elif view == FIT:
        fit_threshold.draw_fit(scene.detection, given.marks)
    elif judged.error is not None:
        draw_error(judged.error)
    elif found is None:
        draw_empty()
    elif view == MEASURES:
        evaluation_table.draw_worth(found, scene.prompts)
    elif view == RECALL:
        evaluation_table.draw_recall(found, scene.prompts)
    else:
        sweep.draw_sweep(found)


def _draw_truth(scene: Scene, given: GroundTruthInput, judged: Judged, held: Agreement | None, *, direct: bool) -> None:
    if given.truth is None and not given.marks and given.error is None:
        draw_empty()
    notes = notes_on(judged, given)
    ground_truth.draw_source(given, scene.record, lambda: draw_notes(notes))
    if judged.error is not None:
        draw_error(judged.error)
    if given.truth is None and not given.marks:
        return
    absent = () if judged.evaluation is None else judged.evaluation.truth.absent
    annotation_list.draw_list(held, absent, scene.prompts, scene.record, direct=direct)
