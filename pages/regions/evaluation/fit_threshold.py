"""Evaluate, Fit thresholds: marked frames → a threshold per prompt, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from clip_core.evaluation.marks import FittedThreshold, Marked, fit_thresholds, marked_frames
from clip_core.scoring.detection import MomentDetection
from clip_core.text import value_decimals
from pages.regions.sidebar.threshold import use_own_thresholds
from pages.shared.tables import draw_numbers

MOST_ROWS = 4
ENOUGH = 10
WIDTHS_PX = {"Prompt": 150, "Threshold": 90, "From": 70, "To": 70, "Yes": 60, "No": 60, "Wrong": 70}
HELP = (
    "The middle sample of each mark counts as one marked frame, there or not there. The threshold is put where the "
    "fewest of them contradict it. The interval holds 90 % of the thresholds that the marks, drawn anew, would give. "
    f"About {ENOUGH} marked frames of a prompt, of both kinds, do."
)


def draw_fit(detection: MomentDetection, marks: Sequence[Marked]) -> None:
    """Draw the threshold that fits each prompt's marks, and the button that applies the thresholds."""
    fits = _fits(detection, marks)
    if not fits:
        st.caption(
            f"Mark about {ENOUGH} frames or stretches of a prompt below the video: some where it is there, some "
            "where it is not. The middle of each counts as one frame.",
            help=HELP,
        )
        return
    _draw_table(fits, detection)
    for prompt_words in dict.fromkeys(fit.words for fit in fits.values()):
        st.caption(prompt_words)
    sure = {prompt: fit.threshold for prompt, fit in fits.items() if fit.yes and fit.no}
    st.button(
        "Use these thresholds",
        icon=":material/check:",
        key="use_fit",
        disabled=not sure,
        on_click=use_own_thresholds,
        args=(sure,),
        help=f"{HELP} Gives these prompts thresholds of their own on all pages. Only prompts marked yes and no have "
        "one.",
    )


def _fits(detection: MomentDetection, marks: Sequence[Marked]) -> dict[str, FittedThreshold]:
    """Return the fitted thresholds, computed once for the same marks on the same curves."""
    state = st.session_state
    frames = marked_frames(marks, detection.scores, detection.smoothed)
    if state.get("fitted", (None,))[0] != frames:
        state.fitted = (frames, fit_thresholds(frames))
    found: dict[str, FittedThreshold] = state.fitted[1]
    return found


def _draw_table(fits: dict[str, FittedThreshold], detection: MomentDetection) -> None:
    unit = detection.scores.unit
    number = f"%.{value_decimals(unit)}f"
    table = pd.DataFrame(
        {
            "Prompt": list(fits),
            "Threshold": [fit.threshold for fit in fits.values()],
            "From": [fit.sure_low for fit in fits.values()],
            "To": [fit.sure_high for fit in fits.values()],
            "Yes": [fit.yes for fit in fits.values()],
            "No": [fit.no for fit in fits.values()],
            "Wrong": [fit.errors for fit in fits.values()],
        }
    )
    helps = {
        "Threshold": f"In {unit}. At or above it: there.",
        "From": "90 % of the thresholds that the marks, drawn anew, would give lie above this.",
        "To": "… and below this.",
        "Yes": "Frames marked as there.",
        "No": "Frames marked as not there.",
        "Wrong": "Marks that the threshold contradicts.",
    }
    counts = ("Yes", "No", "Wrong")
    columns = {
        name: st.column_config.NumberColumn(
            name, format="%d" if name in counts else number, help=text, width=WIDTHS_PX[name]
        )
        for name, text in helps.items()
    }
    names = {"Prompt": st.column_config.TextColumn("Prompt", width=WIDTHS_PX["Prompt"])}
    draw_numbers("fit_table", table, names | columns, MOST_ROWS)
