"""The views of the Evaluate page, and the measures of the moments in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from clip_core.analysis.evaluate import Agreement, Evaluation, agreement, evaluate
from clip_core.charts.evaluation_charts import RecallLine, recall_figure, share_text
from clip_core.errors import TruthError
from clip_core.evaluation.metrics import Metrics
from clip_core.evaluation.precision_recall import PrecisionRecall
from clip_core.scoring.detection import MomentDetection
from clip_core.text import short_prompt
from clip_core.types import VideoRecord
from pages.regions.evaluation import annotation_list, fit_settings, ground_truth
from pages.regions.evaluation.ground_truth import GroundTruthInput
from pages.regions.evaluation.state import EvaluationState
from pages.regions.sidebar.prompts import Prompts
from pages.regions.viewer.viewer import Scene
from pages.shared.markdown import escape_markdown
from pages.shared.page import draw_error
from pages.shared.session import region_state
from pages.shared.tables import draw_numbers
from pages.shared.theme import swatch, theme_name
from pages.shared.widgets import bound

TRUTH, MEASURES, RECALL, SWEEP, FIT = VIEWS = ["Truth", "Measures", "Precision and recall", "Sweep", "Fit thresholds"]
BODY_PX = 216
"""Least height of the box beside the picture; on wide pages it is as high as the picture. Longer content scrolls."""
UNFINISHED = "Not all samples are indexed yet: what is still missing counts as missed."


@dataclass(frozen=True)
class EvaluatedVideo:
    """The ground truth, and the moments of the current settings evaluated against it, or why they cannot be."""

    source: GroundTruthInput
    evaluation: Evaluation | None = None
    agreement: Agreement | None = None
    error: TruthError | None = None


def evaluate_video(detection: MomentDetection, record: VideoRecord) -> EvaluatedVideo:
    """Evaluate the moments of a video against the ground truth that is known of it."""
    source = ground_truth.known_truth(record)
    if source.truth is None:
        return EvaluatedVideo(source)
    try:
        evaluation = evaluate(detection, source.truth)
    except TruthError as error:
        return EvaluatedVideo(source, error=error)
    return EvaluatedVideo(source, evaluation, agreement(evaluation.moments, evaluation.truth))


def choose_view() -> str:
    """Draw the switch; return the chosen view."""
    return st.segmented_control(
        "View",
        VIEWS,
        default=TRUTH,
        required=True,
        key="evaluate_view",
        persist_state="session",
        label_visibility="collapsed",
    )


def draw_view(view: str, scene: Scene, evaluated: EvaluatedVideo, *, direct: bool) -> None:
    """Draw one of ``VIEWS``. Call last: while a sweep runs, nothing after it is drawn.

    ``direct``: whether a row of the list moves the player in the browser.
    """
    evaluation = evaluated.evaluation
    if view == TRUTH:
        _draw_truth(scene, evaluated, direct=direct)
    elif view == FIT:
        fit_settings.draw_fit(scene.detection, evaluated.source.marks)
    elif evaluated.error is not None:
        draw_error(evaluated.error)
    elif evaluation is None:
        _draw_empty()
    elif view == MEASURES:
        _draw_measures(evaluation, scene.prompts)
    elif view == RECALL:
        _draw_recall(evaluation, scene.prompts)
    else:
        fit_settings.draw_sweep(evaluation)


def _draw_empty() -> None:
    """Say what to do without ground truth."""
    st.markdown("##### No truth yet", width="content")
    st.caption(
        "Load a file under Truth that says when each prompt can be seen. Or choose a prompt below the video, watch, "
        "and press I where it appears and O where it is gone. Then this page says how well the moments of the settings "
        "at the left agree with that, and which other settings would do better.",
        width="content",
    )


def _draw_truth(scene: Scene, evaluated: EvaluatedVideo, *, direct: bool) -> None:
    source, evaluation = evaluated.source, evaluated.evaluation
    nothing = source.truth is None and not source.marks
    if nothing and source.error is None:
        _draw_empty()
    notes = [*source.warnings]
    if evaluation is not None:
        notes += [*evaluation.warnings, *([] if evaluation.detection.scores.complete else [UNFINISHED])]
    ground_truth.draw_source(source, scene.record, notes)
    if evaluated.error is not None:
        draw_error(evaluated.error)
    if not nothing:
        absent = () if evaluation is None else evaluation.truth.absent
        annotation_list.draw_list(evaluated.agreement, absent, scene.prompts, scene.record, direct=direct)


MOST_ROWS = 6
MOST_POINTS = 300
ALL = "all prompts"
RECALL_HELP = (
    "What each threshold would flag, in seconds of the video. Precision: of the flagged seconds, the true ones. "
    "Recall: of the true seconds, the flagged ones. The line in the colour of text is all prompts under one threshold; "
    "the other is the chosen prompt, in its own colour. A circle marks the current threshold."
)
_SHARE, _SECONDS = "%.1f %%", "%.2f s"
_COLUMNS: Mapping[str, tuple[int, str, str]] = {
    "There": (45, "%d", "How many times the prompt is there, by the truth."),
    "Found": (46, "%d", "How many moments were found."),
    "Missed": (54, "%d", "Truths that no moment overlaps."),
    "False": (44, "%d", "Moments that overlap no truth."),
    "R1@0.5": (58, _SHARE, "Share of prompts whose best moment shares at least half with a truth: IoU, what both cover "
               "of what either covers, is 0.5 or more."),
    "R1@0.7": (58, _SHARE, "The same with an IoU of 0.7: the ends must fit better."),
    "mAP": (56, _SHARE, "Average precision of a prompt's ten best moments, over IoU 0.5 to 0.95: are all found, and do "
            "the true ones rank first?"),
    "Onset": (52, _SECONDS, "How far off moments begin: the median, so half of them are nearer."),
    "Mean onset": (76, _SECONDS, "How far off moments begin: the mean, which one that is far off raises."),
}  # fmt: skip
"""Measure → the width of its column in pixels, its format, and its help."""


def _draw_measures(evaluation: Evaluation, prompts: Prompts) -> None:
    """Draw the table: one row for all prompts together, then one per prompt."""
    names = [one.prompt for one in evaluation.prompts]
    swatches = [swatch("none", 20), *(prompts.swatch(name, 20) for name in names)]
    measures = zip(*map(_row, (evaluation.overall, *evaluation.prompts)), strict=True)
    table = pd.DataFrame({"": swatches, "Prompt": [ALL, *names]} | dict(zip(_COLUMNS, measures, strict=True)))
    columns = {
        "": st.column_config.ImageColumn("", width=24),
        "Prompt": st.column_config.TextColumn("Prompt", width=76),
    }
    columns |= {
        name: st.column_config.NumberColumn(name, format=form, help=help_text, width=width)
        for name, (width, form, help_text) in _COLUMNS.items()
    }
    draw_numbers("worth", table, columns, MOST_ROWS)


def _row(one: Metrics) -> tuple[float | None, ...]:
    shares = (None if share is None else 100 * share for share in (one.r1_50, one.r1_70, one.map))
    counts = (one.truths, one.moments, one.missed, one.false_moments)
    return (*counts, *shares, one.onset_median_s, one.onset_mean_s)


def _draw_recall(evaluation: Evaluation, prompts: Prompts) -> None:
    """Draw precision over recall for all prompts and for a chosen one."""
    state, names = region_state(EvaluationState), [one.prompt for one in evaluation.prompts]
    state.recall_of = chosen = state.recall_of if state.recall_of in names else names[0]
    left, right = st.columns([62, 38], gap="small")
    with right.container(gap="xsmall"):
        st.selectbox(
            "Prompt", names, index=names.index(chosen), format_func=short_prompt, help=RECALL_HELP,
            **bound(state, "recall_of"),
        )  # fmt: skip
        for name, key in ((ALL, ""), (chosen, chosen)):
            st.caption(_average(name, evaluation.curves[key]))
    detection = evaluation.detection
    lines = [
        _line(ALL, None, evaluation.curves[""], detection.settings.threshold),
        _line(chosen, prompts.colour(chosen), evaluation.curves[chosen], detection.thresholds.get(chosen)),
    ]
    figure = recall_figure(lines, theme_name(), detection.scores.unit)
    left.plotly_chart(figure, theme=None, key="recall_chart", config={"displayModeBar": False})


def _line(name: str, colour: str | None, curve: PrecisionRecall, threshold: float | None) -> RecallLine:
    thin = curve.thinned(MOST_POINTS)
    here = None if threshold is None else curve.at(threshold)
    return RecallLine(short_prompt(name), colour, thin.thresholds, thin.precision, thin.recall, here)


def _average(name: str, curve: PrecisionRecall) -> str:
    if curve.average_precision is None:
        return f"{escape_markdown(short_prompt(name))}: never there"
    return f"{escape_markdown(short_prompt(name))}: average precision {share_text(curve.average_precision)}"
