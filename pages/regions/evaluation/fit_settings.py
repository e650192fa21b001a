"""Evaluate, Sweep and Fit thresholds: which settings fit the ground truth best, and buttons that apply them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from clip_core.analysis.evaluate import Evaluation, sweep_settings, usual_grid
from clip_core.charts.evaluation_charts import share_text, sweep_figure
from clip_core.evaluation.marks import FittedThreshold, Mark, fit_thresholds, marked_frames
from clip_core.evaluation.sweep import Setting, best_cell
from clip_core.scoring.detection import MomentDetection
from clip_core.settings import Settings
from clip_core.text import value_decimals
from pages.regions.evaluation.state import EvaluationState, SweepRun
from pages.regions.sidebar.signal import use_swept
from pages.regions.sidebar.threshold import use_own_thresholds
from pages.shared.session import region_state
from pages.shared.tables import draw_numbers
from pages.shared.theme import theme_name, unseen

SHOW_EVERY_S = 0.1
SWEEP_HELP = (
    "Tries smoothing × threshold × shortest duration. F1: the share of all moments and truths that fit each "
    "other, averaged over IoU 0.5 to 0.95; a false moment of any prompt lowers it. “adapt” gives each prompt a "
    "threshold of its own. What is best here is best for this video: judge it on another."
)


def draw_sweep(evaluation: Evaluation) -> None:
    """Draw the button, the progress or the result. Call last: while a sweep runs, nothing below it is drawn."""
    state = region_state(EvaluationState)
    run = state.sweep_run
    if run is None or not _is_about(run.begun_with, evaluation):
        state.sweep_run = None
        st.button(
            "Try settings", icon=":material/grid_on:", key="sweep", on_click=_begin, args=(evaluation,), help=SWEEP_HELP
        )
        st.caption("Shows which smoothing, threshold and shortest duration suit this truth best.")
    elif len(run.done) < len(run.grid):
        _go_on(run)
    else:
        _draw_result(run, evaluation)


def _is_about(swept: Evaluation, current: Evaluation) -> bool:
    """Return whether the scores, the ground truth and the settings that a sweep does not vary are still the same."""
    before, now = swept.detection, current.detection
    same_scores = before.video_scores is now.video_scores
    return same_scores and swept.truth == current.truth and _not_varied(before.settings) == _not_varied(now.settings)


def _not_varied(settings: Settings) -> Settings:
    """Return the settings that a sweep does not vary; the others are reset."""
    return replace(settings, smoothing_s=0.0, smoothing_samples=None, threshold=None, thresholds={}, min_duration_s=0.0)


def _begin(evaluation: Evaluation) -> None:
    settings, video_scores = evaluation.detection.settings, evaluation.detection.video_scores
    grid = usual_grid(settings, video_scores)
    cells = sweep_settings(settings, video_scores, evaluation.truth, grid)
    region_state(EvaluationState).sweep_run = SweepRun(evaluation, grid, cells)


def _cancel() -> None:
    region_state(EvaluationState).sweep_run = None


def _go_on(run: SweepRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        bar = st.progress(0.0, text="Trying settings")
        st.button(unseen("Cancel"), icon=":material/close:", key="cancel_sweep", help="Cancel", on_click=_cancel)
    shown_s = 0.0
    for cell in run.cells:
        run.done.append(cell)
        if time.monotonic() - shown_s >= SHOW_EVERY_S:  # pressing Cancel ends this run here
            shown_s = time.monotonic()
            count, whole = len(run.done), len(run.grid)
            bar.progress(count / whole, text=f"{count} of {whole} settings")
    st.rerun()


def _draw_result(run: SweepRun, evaluation: Evaluation) -> None:
    grid, best = run.grid, best_cell(run.grid, run.done)
    setting = best.setting
    shortest = grid.min_durations_s.index(setting.min_duration_s)
    scores = np.array([cell.score for cell in run.done]).reshape(grid.shape)[:, :, shortest].T
    place = grid.thresholds.index(setting.threshold), grid.smoothings_s.index(setting.smoothing_s)
    left, right = st.columns([62, 38], gap="small")
    left.plotly_chart(
        sweep_figure(grid.thresholds, grid.smoothings_s, scores, place, theme_name()),
        theme=None,
        key="sweep_chart",
        config={"displayModeBar": False},
    )
    with right.container(gap="xsmall"):
        st.button(
            "Use these settings",
            icon=":material/check:",
            key="use_sweep",
            on_click=use_swept,
            args=(setting,),
            help="Sets threshold, smoothing and shortest duration for all pages. Clears thresholds of single prompts.",
        )
        st.caption(
            f"Best of {len(grid)}: {_setting_text(setting)}: F1 {share_text(best.score)}, "
            f"now {share_text(evaluation.overall.f1)}",
            help=SWEEP_HELP,
        )


def _setting_text(setting: Setting) -> str:
    threshold = "thresholds that adapt" if setting.threshold is None else f"threshold {setting.threshold:g}"
    shortest = f", shortest {setting.min_duration_s:g} s" if setting.min_duration_s else ""
    return f"{threshold}, smoothing {setting.smoothing_s:g} s{shortest}"


MOST_ROWS = 4
ENOUGH = 10
FIT_HELP = (
    "The middle sample of each mark counts as one marked frame, there or not there. The threshold is where the fewest "
    "of them contradict it. The interval holds 90 % of the thresholds that resampled marks would give. "
    f"About {ENOUGH} marked frames of a prompt, of both kinds, are enough."
)


def draw_fit(detection: MomentDetection, marks: Sequence[Mark]) -> None:
    """Draw the thresholds that fit the marks, with their intervals, and the button that applies them."""
    frames = marked_frames(marks, detection.scores, detection.smoothed)
    fits = region_state(EvaluationState).fitted.of(frames, lambda: fit_thresholds(frames))
    if not fits:
        st.caption(
            f"Mark about {ENOUGH} frames or stretches of a prompt below the video: some where it is there, some "
            "where it is not. The middle of each counts as one frame.",
            help=FIT_HELP,
        )
        return
    _draw_fits(fits, detection)
    for note in dict.fromkeys(fit.words for fit in fits.values()):
        st.caption(note)
    sure = {prompt: fit.threshold for prompt, fit in fits.items() if fit.yes and fit.no}
    st.button(
        "Use these thresholds",
        icon=":material/check:",
        key="use_fit",
        disabled=not sure,
        on_click=use_own_thresholds,
        args=(sure,),
        help=f"{FIT_HELP} Gives these prompts thresholds of their own on all pages. Only prompts marked both yes "
        "and no get one.",
    )


def _draw_fits(fits: dict[str, FittedThreshold], detection: MomentDetection) -> None:
    unit = detection.scores.unit
    number = f"%.{value_decimals(unit)}f"
    rows = [(fit.threshold, fit.sure_low, fit.sure_high, fit.yes, fit.no, fit.errors) for fit in fits.values()]
    measures = {
        "Threshold": (90, number, f"In {unit}. At or above it: there."),
        "From": (70, number, "The interval that holds 90 % of the thresholds of resampled marks begins here."),
        "To": (70, number, "It ends here."),
        "Yes": (60, "%d", "Frames marked as there."),
        "No": (60, "%d", "Frames marked as not there."),
        "Wrong": (70, "%d", "Marks that the threshold contradicts."),
    }
    table = pd.DataFrame({"Prompt": list(fits)} | dict(zip(measures, zip(*rows, strict=True), strict=True)))
    columns = {"Prompt": st.column_config.TextColumn("Prompt", width=150)} | {
        name: st.column_config.NumberColumn(name, format=form, help=help_text, width=width)
        for name, (width, form, help_text) in measures.items()
    }
    draw_numbers("fit_table", table, columns, MOST_ROWS)
