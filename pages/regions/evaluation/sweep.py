"""Evaluate, Sweep: try settings against the ground truth, show the best, and offer a button that applies them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from clip_core.analysis.evaluate import Evaluation, sweep_settings, usual_grid
from clip_core.charts.evaluation_charts import share_text, sweep_figure
from clip_core.evaluation.ground_truth import Truth
from clip_core.evaluation.sweep import Grid, Setting, SweepCell, best_cell
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from pages.regions.sidebar.signal import use_swept
from pages.shared.theme import theme_name, unseen

TELL_EVERY_S = 0.1
HELP = (
    "Tries smoothing × threshold × shortest duration. F1: moments that fit a truth, of all moments and truths, "
    "averaged over IoU 0.5 to 0.95; a false moment of any prompt costs. “adapt” gives each prompt a threshold of its "
    "own. What is best here is best for this video: judge it on another."
)


@dataclass
class SweepRun:
    """A sweep in progress; it continues where it was when the page reruns.

    Attributes:
        settings, video_scores, truth: What is swept; ``settings`` without the settings that are varied.
        grid: The settings to try.
        cells: Yields the remaining cells.
        done: The cells that are computed.
    """

    settings: Settings
    video_scores: VideoScores
    truth: Truth
    grid: Grid
    cells: Iterator[SweepCell]
    done: list[SweepCell] = field(default_factory=list)

    def is_about(self, found: Evaluation) -> bool:
        """Return whether settings, scores and ground truth are still those of this sweep."""
        detection = found.detection
        return (self.settings, self.truth) == (
            _kept(detection.settings),
            found.truth,
        ) and self.video_scores is detection.video_scores


def _kept(settings: Settings) -> Settings:
    """Return the settings that a sweep does not vary; the others are reset."""
    return replace(settings, smoothing_s=0.0, smoothing_samples=None, threshold=None, thresholds={}, min_duration_s=0.0)


def draw_sweep(found: Evaluation) -> None:
    """Draw the button, the progress or the result. Call last: while a sweep runs, nothing below it is drawn."""
    state = st.session_state
    run: SweepRun | None = state.get("sweep_run")
    if run is None or not run.is_about(found):
        state.sweep_run = None
        st.button("Try settings", icon=":material/grid_on:", key="sweep", on_click=_begin, args=(found,), help=HELP)
        st.caption("Shows which smoothing, threshold and shortest duration suit this truth best.")
    elif len(run.done) < len(run.grid):
        _go_on(run)
    else:
        _draw_result(run, found)


def _begin(found: Evaluation) -> None:
    detection = found.detection
    settings, video_scores = detection.settings, detection.video_scores
    grid = usual_grid(settings, video_scores)
    cells = sweep_settings(settings, video_scores, found.truth, grid)
    st.session_state.sweep_run = SweepRun(_kept(settings), video_scores, found.truth, grid, cells)


def _cancel() -> None:
    st.session_state.sweep_run = None


def _go_on(run: SweepRun) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        bar = st.progress(0.0, text="Trying settings")
        st.button(unseen("Cancel"), icon=":material/close:", key="cancel_sweep", help="Cancel", on_click=_cancel)
    told = 0.0
    for cell in run.cells:
        run.done.append(cell)
        if time.monotonic() - told >= TELL_EVERY_S:  # pressing Cancel ends this run here
            told = time.monotonic()
            count, whole = len(run.done), len(run.grid)
            bar.progress(count / whole, text=f"{count} of {whole} settings")
    st.rerun()


def _draw_result(run: SweepRun, found: Evaluation) -> None:
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
            help="Sets threshold, smoothing and shortest duration for all pages; thresholds of single prompts go.",
        )
        st.caption(
            f"Best of {len(grid)}: {setting_words(setting)}: F1 {share_text(best.score)}, "
            f"now {share_text(found.overall.f1)}",
            help=HELP,
        )


def setting_words(setting: Setting) -> str:
    """Return a setting in words."""
    threshold = "thresholds that adapt" if setting.threshold is None else f"threshold {setting.threshold:g}"
    shortest = f", shortest {setting.min_duration_s:g} s" if setting.min_duration_s else ""
    return f"{threshold}, smoothing {setting.smoothing_s:g} s{shortest}"
