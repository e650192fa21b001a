"""A sweep over the usual settings of a long video against its planted truth."""

from __future__ import annotations

import time

import numpy as np

from clip_core.analysis.evaluate import sweep_settings, usual_grid
from clip_core.evaluation.ground_truth import Span, Truth
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from tests.benchmarks import detection
from tests.benchmarks.table import Row, Spread, tell

SAMPLES, QUICK_SAMPLES, GOAL_S = 7_200, 500, 30.0


def measure(quick: bool) -> list[Row]:
    """Seconds of a whole sweep of 7,200 samples × 20 prompts, detection on segments among them."""
    samples = QUICK_SAMPLES if quick else SAMPLES
    video_scores, truth = planted(samples)
    settings = Settings(prompts=detection.SETTINGS.prompts)
    grid = usual_grid(settings, video_scores)
    taken = []
    for _ in range(1 if quick else 3):
        began = time.perf_counter()
        cells = list(sweep_settings(settings, video_scores, truth, grid))
        taken.append(time.perf_counter() - began)
    best = max(cell.score for cell in cells)
    whole = Spread.of(taken, "s", 2)
    tell(f"sweep: {len(grid)} settings: {whole}")
    says = f"a sweep of {len(grid)} settings, {samples:,} × {detection.PROMPTS} / {GOAL_S:.0f} s"
    notes = (f"best F1 {best:.3f} against {len(truth.spans)} planted events",)
    return [Row("sweep", whole.over(GOAL_S), 1.0, True, says, {"whole": whole}, notes)]


def planted(samples: int) -> tuple[VideoScores, Truth]:
    """The curves of ``detection.planted`` and when their events are."""
    frames, texts, captions = detection.planted(samples)
    video_scores = detection.gathered(frames, texts, captions)
    spans = []
    for column, prompt in enumerate(video_scores.raw.prompts):
        there = detection.event_of(frames.times_s, column)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
        for first, stop in edges.reshape(-1, 2).tolist():
            spans.append(Span(prompt, first * detection.STEP_S, stop * detection.STEP_S))
    return video_scores, Truth(tuple(spans))
