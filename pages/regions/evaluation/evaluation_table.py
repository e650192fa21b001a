"""Evaluate: the measures of the moments as a table, and precision over recall."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from clip_core.analysis.evaluate import Evaluation
from clip_core.charts.evaluation_charts import RecallLine, recall_figure
from clip_core.charts.unit_text import share_text
from clip_core.evaluation.metrics import Metrics
from clip_core.evaluation.precision_recall import PrecisionRecall
from clip_core.text import short_prompt
from pages.regions.sidebar.prompts import Prompts
from pages.shared.markdown import escape_markdown
from pages.shared.tables import draw_numbers
from pages.shared.theme import swatch, theme_name
from pages.shared.widgets import bound

MOST_ROWS = 6
MOST_POINTS = 300
WIDTHS_PX = {
    "There": 45, "Found": 46, "Missed": 54, "False": 44, "R1@0.5": 58, "R1@0.7": 58, "mAP": 56, "Onset": 52,
    "Mean onset": 76,
}  # fmt: skip
ALL = "all prompts"
RECALL_HELP = (
    "What each threshold would flag, in seconds of the video. Precision: of the flagged seconds, the true ones. "
    "Recall: of the true seconds, the flagged ones. In the colour of text: all prompts under one threshold; in its own "
    "colour: the chosen prompt. A circle: the threshold of now."
)
_SHARE, _SECONDS = "%.1f %%", "%.2f s"
_COLUMNS: Mapping[str, tuple[str | None, str]] = {
    "There": (None, "How many times the prompt is there, by the truth."),
    "Found": (None, "How many moments were found."),
    "Missed": (None, "Truths that no moment overlaps."),
    "False": (None, "Moments that overlap no truth."),
    "R1@0.5": (_SHARE, "Share of prompts whose best moment shares at least half with a truth: IoU, what both cover "
               "of what either covers, is 0.5 or more."),
    "R1@0.7": (_SHARE, "The same with an IoU of 0.7: the ends must fit better."),
    "mAP": (_SHARE, "Average precision of a prompt's ten best moments, over IoU 0.5 to 0.95: are all found, and do "
            "the true ones rank first?"),
    "Onset": (_SECONDS, "How far off moments begin, in the middle (the median): half of them are nearer."),
    "Mean onset": (_SECONDS, "How far off moments begin, on average: one that is far off shows."),
}  # fmt: skip


def draw_worth(found: Evaluation, prompts: Prompts) -> None:
    """Draw the table: one row for all prompts together, then one per prompt."""
    each = [(prompt, prompts.swatch(prompt, 20)) for prompt in (one.prompt for one in found.prompts)]
    table = pd.DataFrame(
        {"": [swatch("none", 20), *(picture for _, picture in each)], "Prompt": [ALL, *(prompt for prompt, _ in each)]}
        | dict(zip(_COLUMNS, zip(*map(_row, (found.overall, *found.prompts)), strict=True), strict=True))
    )
    columns = {
        name: st.column_config.NumberColumn(name, format=form or "%d", help=help_text, width=WIDTHS_PX[name])
        for name, (form, help_text) in _COLUMNS.items()
    }
    names = {
        "": st.column_config.ImageColumn("", width=24),
        "Prompt": st.column_config.TextColumn("Prompt", width=76),
    }
    draw_numbers("worth", table, names | columns, MOST_ROWS)


def _row(one: Metrics) -> tuple[float | None, ...]:
    shares = (None if share is None else 100 * share for share in (one.r1_50, one.r1_70, one.map))
    counts = (one.truths, one.moments, one.missed, one.false_moments)
    return (*counts, *shares, one.onset_median_s, one.onset_mean_s)


def draw_recall(found: Evaluation, prompts: Prompts) -> None:
    """Draw precision over recall for all prompts and for a chosen one."""
    names = [one.prompt for one in found.prompts]
    state = st.session_state
    state.recall_of = state.recall_of if state.get("recall_of") in names else names[0]
    left, right = st.columns([62, 38], gap="small")
    with right.container(gap="xsmall"):
        chosen = st.selectbox(
            "Prompt", names, index=names.index(state.recall_of), format_func=short_prompt, help=RECALL_HELP,
            **bound(st.session_state, "recall_of"),
        )  # fmt: skip
        for name, key in ((ALL, ""), (chosen, chosen)):
            st.caption(_average(name, found.curves[key]))
    detection = found.detection
    thresholds = detection.thresholds
    lines = [_line(ALL, None, found.curves[""], detection.settings.threshold)]
    if chosen in found.curves:
        lines.append(_line(chosen, prompts.colour(chosen), found.curves[chosen], thresholds.get(chosen)))
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
