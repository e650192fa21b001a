"""From scores to the figure: what the page computes, taken apart; and scoring against its bare matrix product."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from clip_core.charts.timeline import Line, Timeline, live_figure, timeline_figure
from clip_core.recipe import Recipe
from clip_core.scoring.curves import Curves
from clip_core.scoring.findings import BankFacts, Evidence, Findings, find
from clip_core.scoring.null_bank import NullBank
from clip_core.values import Floats, FrameEmbeddings, Scores, TimeTable
from tests.benchmarks.table import Row, Spread, tell

GOALS_MS = {7_200: 200.0, 108_000: 600.0}
GOAL_BYTES, GOAL_SCORING = 600_000, 1.5
PROMPTS, CAPTIONS, DIM = 20, 300, 512
STEP_S, EVENT_S = 0.5, 20.0
RECIPE = Recipe(
    prompts=tuple(f"prompt {k}" for k in range(PROMPTS)),
    smoothing_s=2.0, hysteresis=0.5, min_gap_s=1.0, min_duration_s=2.0, pad_s=0.5,
)  # fmt: skip


def measure(quick: bool) -> list[Row]:
    """Milliseconds of each step, everything on: thresholds that adapt, the null bank, all rules.

    Each prompt has an event of 20 s every few minutes over noise. The first row of a length counts all steps from the
    vectors to the text that is sent; a move of a slider keeps the scores, the bank and the statistics.
    """
    turns = 3 if quick else 9
    rows: list[Row] = []
    for n, goal_ms in GOALS_MS.items():
        rows += _rows(n, goal_ms, turns)
    return rows


def planted(n: int) -> tuple[FrameEmbeddings, Floats, Floats]:
    """Frames whose cosines to 20 texts are 0.2 ± 0.01, and 0.28 in events; the texts; 300 captions."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((DIM, PROMPTS + 1)))
    texts = np.ascontiguousarray(basis[:, :PROMPTS].T, np.float32)
    times = np.arange(n) * STEP_S
    cosines = rng.normal(0.2, 0.01, (n, PROMPTS))
    for column in range(PROMPTS):
        cosines[(times + 37 * column) % (500 + 10 * column) < EVENT_S, column] += 0.08
    vectors = (cosines @ texts + np.outer(np.sqrt(np.clip(1 - (cosines**2).sum(axis=1), 0, 1)), basis[:, -1])).astype(
        np.float32
    )
    captions = rng.standard_normal((CAPTIONS, DIM)).astype(np.float32)
    captions /= np.linalg.norm(captions, axis=1, keepdims=True)
    return FrameEmbeddings(np.arange(n, dtype=np.int64), times, vectors), texts, captions


def _table(n: int) -> TimeTable:
    return TimeTable(np.arange(n, dtype=np.int64), Fraction(1, 2), 0, n * STEP_S, True, np.empty(0, np.int64))


def _rows(n: int, goal_ms: float, turns: int) -> list[Row]:
    frames, texts, captions = planted(n)
    bank = NullBank(captions)
    bank.extend(frames.vectors)
    facts = BankFacts(bank._levels, bank.peaks)
    nothing = Scores(np.arange(n), frames.times_s, (), np.empty((n, 0), np.float32), 0.0, n * STEP_S)
    parts: dict[str, list[float]] = {}
    found: Findings | None = None
    sent: dict[str, int] = {}
    for _ in range(turns + 1):
        curves = Curves()
        curves.add_frames(frames)
        curves.add_prompts(dict(zip(RECIPE.prompts, texts, strict=True)))
        timed = _Timed(parts)
        timed("bare product", lambda: np.clip(frames.vectors @ texts.T, -1, 1))
        raw = timed("scores", lambda c=curves: c.scores(RECIPE.prompts, _table(n)))
        evidence = Evidence(raw, nothing, weights={}, logit_scale=100.0, bank=facts, cuts_s=np.empty(0))
        timed("unit z", lambda e=evidence: e.scale.in_unit("z"))
        timed("adapting thresholds", lambda e=evidence: e.defaults(RECIPE))
        found = timed("smoothing and moments", lambda e=evidence: find(RECIPE, e))
        view = _view(found)
        figure = timed("figure", lambda v=view: live_figure(v))
        sent["player"] = len(timed("as text", lambda f=figure: json.dumps(f, separators=(",", ":"))))
        sent["frames"] = len(json.dumps(timed("figure of Frames", lambda v=view: timeline_figure(v))))
        again = Evidence(raw, nothing, weights={}, logit_scale=100.0, bank=facts, cuts_s=np.empty(0))
        again.scale.in_unit("z")
        again.defaults(RECIPE)
        timed("a move of the threshold", lambda e=again: live_figure(_view(find(RECIPE, e))))
    taken = {name: values[1:] for name, values in parts.items()}
    return _told(n, goal_ms, taken, sent, len(found.moments) if found is not None else 0)


class _Timed:
    """Runs something and notes how long it took."""

    def __init__(self, parts: dict[str, list[float]]) -> None:
        self._parts = parts

    def __call__(self, name: str, act: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = act()
        self._parts.setdefault(name, []).append(time.perf_counter() - began)
        return result


def _view(found: Findings) -> Timeline:
    lines = [Line(prompt, number) for number, prompt in enumerate(found.scores.prompts)]
    return Timeline(
        found.scores, found.smoothed, found.moments, lines, 0.0, (-3.0, 9.0), unit="z", thresholds=found.thresholds
    )


def _told(n: int, goal_ms: float, taken: dict[str, list[float]], sent: dict[str, int], moments: int) -> list[Row]:
    counted = ("scores", "unit z", "adapting thresholds", "smoothing and moments", "figure", "as text")
    wholes = [sum(step) for step in zip(*(taken[name] for name in counted), strict=True)]
    ratios = [a / b for a, b in zip(taken["scores"], taken["bare product"], strict=True)]
    whole = Spread.of(wholes, "ms", 1, 1000)
    tell(f"findings: {n:,}: {whole}")
    raw = {"whole": whole} | {f"- {name}": Spread.of(values, "ms", 1, 1000) for name, values in taken.items()}
    notes = (
        f"{moments:,} moments; sent: player {sent['player'] / 1000:.0f} KB, Frames {sent['frames'] / 1000:.0f} KB",
    )
    says = f"scores → unit → thresholds → smoothing → moments → figure, {n:,} × {PROMPTS} / {goal_ms:.0f} ms"
    rows = [Row("findings", whole.over(goal_ms), 1.0, True, says, raw, notes)]
    if n == max(GOALS_MS):
        says = f"cosines of {n:,} × {PROMPTS} / the bare matrix product, clipped"
        rows.append(Row("scoring", Spread.of(ratios, "", 2), GOAL_SCORING, True, says, {}, ()))
    else:
        bytes_ = Spread.of([max(sent.values()) / GOAL_BYTES], "", 2)
        says = (
            f"text of the figure that is sent, {n:,} × {PROMPTS} / {GOAL_BYTES // 1000} KB (the larger of both views)"
        )
        rows.append(Row("sent", bytes_, 1.0, True, says, {}, ()))
    return rows
