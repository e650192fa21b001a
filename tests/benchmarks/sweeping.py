"""A sweep over the usual settings of a long video against its planted truth."""

from __future__ import annotations

import time

import numpy as np

from clip_core.evaluation.truth import Span, Truth
from clip_core.pipeline.evaluate import sweep_settings, usual_grid
from clip_core.recipe import Recipe
from clip_core.scoring.evidence import Evidence
from tests.benchmarks import findings
from tests.benchmarks.table import Row, Spread, tell

SAMPLES, QUICK_SAMPLES, GOAL_S = 7_200, 500, 30.0


def measure(quick: bool) -> list[Row]:
    """Seconds of a whole sweep of 7,200 samples × 20 prompts, detection on segments among them."""
    samples = QUICK_SAMPLES if quick else SAMPLES
    evidence, truth = planted(samples)
    recipe = Recipe(prompts=findings.RECIPE.prompts)
    grid = usual_grid(recipe, evidence)
    taken = []
    for _ in range(1 if quick else 3):
        began = time.perf_counter()
        cells = list(sweep_settings(recipe, evidence, truth, grid))
        taken.append(time.perf_counter() - began)
    best = max(cell.score for cell in cells)
    whole = Spread.of(taken, "s", 2)
    tell(f"sweep: {len(grid)} settings: {whole}")
    says = f"a sweep of {len(grid)} settings, {samples:,} × {findings.PROMPTS} / {GOAL_S:.0f} s"
    notes = (f"best F1 {best:.3f} against {len(truth.spans)} planted events",)
    return [Row("sweep", whole.over(GOAL_S), 1.0, True, says, {"whole": whole}, notes)]


def planted(samples: int) -> tuple[Evidence, Truth]:
    """The curves of ``findings.planted`` and when their events are."""
    frames, texts, captions = findings.planted(samples)
    evidence = findings.gathered(frames, texts, captions)
    spans = []
    for column, prompt in enumerate(evidence.raw.prompts):
        there = findings.event_of(frames.times_s, column)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(int), [0]])))
        for first, stop in edges.reshape(-1, 2).tolist():
            spans.append(Span(prompt, first * findings.STEP_S, stop * findings.STEP_S))
    return evidence, Truth(tuple(spans))
