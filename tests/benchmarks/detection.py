"""From scores to the figure: what the page computes, taken apart; and scoring against its bare matrix product."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import Line, Timeline
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.scoring.null_bank import NullBank, PromptBank, prompt_banks
from clip_core.scoring.segments import Neighbours, Segmenter, Segments, find_shot_boundaries
from clip_core.scoring.similarity_table import SimilarityTable
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.types import Floats, FrameEmbeddings, Ints, Scores, Times, TimeTable
from tests.benchmarks.table import Row, Spread, tell

GOALS_MS = {7_200: 200.0, 108_000: 600.0}
QUICK_GOALS_MS = {500: 200.0, 2_000: 600.0}
GOAL_BYTES, GOAL_SCORING = 600_000, 1.5
PROMPTS, CAPTIONS, DIM = 20, 300, 512
STEP_S, EVENT_S = 0.5, 20.0
SETTINGS = Settings(
    prompts=tuple(f"prompt {k}" for k in range(PROMPTS)),
    smoothing_s=2.0, hysteresis=0.5, min_gap_s=1.0, min_duration_s=2.0, pad_s=0.5,
)  # fmt: skip


def measure(quick: bool) -> list[Row]:
    """Milliseconds of each step, everything on: detection on segments, the null bank, all rules.

    Each prompt has an event of 20 s every few minutes over noise. The first row of a length counts all steps from the
    scores to the text that is sent; shot boundaries, segments and what the bank scores are had once for each video, and
    are told beside it. A move of a slider keeps what was detected.
    """
    turns, goals_ms = (1, QUICK_GOALS_MS) if quick else (9, GOALS_MS)
    rows: list[Row] = []
    for n, goal_ms in goals_ms.items():
        rows += _rows(n, goal_ms, turns, is_longest=n == max(goals_ms))
    return rows


def planted(n: int) -> tuple[FrameEmbeddings, Floats, Floats]:
    """Frames whose cosines to 20 texts are 0.1 ± 0.005, and 0.2 in events; the texts; 300 captions about as high.

    What else is in the picture changes whenever an event begins or ends.
    """
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((DIM, PROMPTS + 3 + CAPTIONS)))
    texts, scenes, others = np.split(np.ascontiguousarray(basis.T, np.float32), [PROMPTS, PROMPTS + 3])
    times = np.arange(n) * STEP_S
    there = np.stack([event_of(times, column) for column in range(PROMPTS)], axis=1)
    cosines = rng.normal(0.1, 0.005, (n, PROMPTS)) + 0.1 * there
    turned = 2.4 * np.cumsum(np.abs(np.diff(there.astype(int), axis=0, prepend=there[:1])).sum(axis=1))
    rest = scenes[0] + 0.5 * np.stack([np.cos(turned), np.sin(turned)], axis=1) @ scenes[1:]
    rest *= (np.sqrt(1 - (cosines**2).sum(axis=1)) / np.linalg.norm(rest[0]))[:, None]
    heights = rng.normal(0.12, 0.02, (CAPTIONS, 1))
    captions = (heights * scenes[0] + np.sqrt(1 - heights**2) * others).astype(np.float32)
    return FrameEmbeddings(np.arange(n), times, (cosines @ texts + rest).astype(np.float32)), texts, captions


def event_of(times_s: Times, column: int) -> np.ndarray:
    """When a prompt is there, bool (n,)."""
    return (times_s + 37 * column) % (500 + 10 * column) < EVENT_S


def _table(n: int) -> TimeTable:
    return TimeTable(np.arange(n, dtype=np.int64), Fraction(1, 2), 0, n * STEP_S, True, np.empty(0, np.int64))


def _rows(n: int, goal_ms: float, turns: int, *, is_longest: bool) -> list[Row]:
    frames, texts, captions = planted(n)
    vectors, order = frames.vectors, np.arange(n)
    parts: dict[str, list[float]] = {}
    found: MomentDetection | None = None
    sent: dict[str, int] = {}
    once = _Timed(parts)
    shot_boundaries_s, segments = once("once: shot boundaries and segments", lambda: _segmented(frames))
    banks = once("once: the bank on all frames", lambda: _banks(captions, vectors, order, segments))
    for _ in range(turns + 1):
        curves = SimilarityTable()
        curves.add_frames(frames)
        curves.add_prompts(dict(zip(SETTINGS.prompts, texts, strict=True)))
        timed = _Timed(parts)
        timed("bare product", lambda: np.clip(vectors @ texts.T, -1, 1))
        raw = timed("scores", lambda c=curves: c.scores(SETTINGS.prompts, _table(n)))
        video_scores = _video_scores(raw, banks, shot_boundaries_s, segments)
        timed("corrected", lambda e=video_scores: e.scale.in_unit(SETTINGS.unit))
        timed("detection", lambda e=video_scores: [e.detected(p, SETTINGS.confidence) for p in SETTINGS.prompts])
        found = timed("smoothing and moments", lambda e=video_scores: detect(SETTINGS, e))
        view = _view(found)
        figure = timed("figure", lambda v=view: live_figure(v))
        sent["player"] = len(timed("as text", lambda f=figure: json.dumps(f, separators=(",", ":"))))
        sent["frames"] = len(json.dumps(timed("figure of Frames", lambda v=view: timeline_figure(v))))
        timed("a move of a slider", lambda e=video_scores: live_figure(_view(detect(SETTINGS, e))))
    taken = {name: values[1:] if len(values) > 1 else values for name, values in parts.items()}
    moments = len(found.moments) if found is not None else 0
    return _told(n, goal_ms, taken, sent, moments, is_longest=is_longest)


def gathered(frames: FrameEmbeddings, texts: Floats, captions: Floats) -> VideoScores:
    """What ``Analysis`` would make of frames, of the vectors of ``RECIPE.prompts``, and of 300 neutral texts."""
    curves = SimilarityTable()
    curves.add_frames(frames)
    curves.add_prompts(dict(zip(SETTINGS.prompts, texts, strict=True)))
    raw = curves.scores(SETTINGS.prompts, _table(len(frames)))
    shot_boundaries_s, segments = _segmented(frames)
    return _video_scores(
        raw, _banks(captions, frames.vectors, np.arange(len(frames)), segments), shot_boundaries_s, segments
    )


def _segmented(frames: FrameEmbeddings) -> tuple[Times, Segments]:
    n, order = len(frames), np.arange(len(frames))
    shot_boundaries_s = find_shot_boundaries(Neighbours().distances(frames.vectors, order), frames.times_s)
    spans = sample_spans(frames.times_s, 0.0, n * STEP_S)
    return shot_boundaries_s, Segmenter().segments(frames.vectors, order, spans, frames.times_s, shot_boundaries_s)


def _banks(captions: Floats, vectors: Floats, order: Ints, segments: Segments) -> dict[str, PromptBank]:
    bank = NullBank([f"text {k}" for k in range(CAPTIONS)], captions, 100.0)
    return prompt_banks(SETTINGS.prompts, bank, vectors, order, segments)


def _video_scores(
    raw: Scores, banks: Mapping[str, PromptBank], shot_boundaries_s: Times, segments: Segments
) -> VideoScores:
    nothing = replace(raw, prompts=(), values=np.empty((len(raw), 0), np.float32))
    return VideoScores(
        raw, nothing, weights={}, logit_scale=100.0, banks=banks, shot_boundaries_s=shot_boundaries_s, segments=segments
    )


class _Timed:
    """Runs something and notes how long it took."""

    def __init__(self, parts: dict[str, list[float]]) -> None:
        self._parts = parts

    def __call__(self, name: str, act: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = act()
        self._parts.setdefault(name, []).append(time.perf_counter() - began)
        return result


def _view(found: MomentDetection) -> Timeline:
    lines = [Line(prompt, number) for number, prompt in enumerate(found.scores.prompts)]
    return Timeline(
        found.scores,
        found.smoothed,
        found.moments,
        lines,
        0.0,
        (-0.2, 0.2),
        unit="corrected",
        thresholds=found.thresholds,
    )


def _told(
    n: int, goal_ms: float, taken: dict[str, list[float]], sent: dict[str, int], moments: int, *, is_longest: bool
) -> list[Row]:
    counted = ("scores", "corrected", "detection", "smoothing and moments", "figure", "as text")
    wholes = [sum(step) for step in zip(*(taken[name] for name in counted), strict=True)]
    ratios = [a / b for a, b in zip(taken["scores"], taken["bare product"], strict=True)]
    whole = Spread.of(wholes, "ms", 1, 1000)
    tell(f"findings: {n:,}: {whole}")
    raw = {"whole": whole} | {f"- {name}": Spread.of(values, "ms", 1, 1000) for name, values in taken.items()}
    notes = (
        f"{moments:,} moments; sent: player {sent['player'] / 1000:.0f} KB, Frames {sent['frames'] / 1000:.0f} KB",
    )
    says = f"scores → unit → detection → smoothing → moments → figure, {n:,} × {PROMPTS} / {goal_ms:.0f} ms"
    rows = [Row("findings", whole.over(goal_ms), 1.0, True, says, raw, notes)]
    if is_longest:
        says = f"cosines of {n:,} × {PROMPTS} / the bare matrix product, clipped"
        rows.append(Row("scoring", Spread.of(ratios, "", 2), GOAL_SCORING, True, says, {}, ()))
    else:
        bytes_ = Spread.of([max(sent.values()) / GOAL_BYTES], "", 2)
        says = (
            f"text of the figure that is sent, {n:,} × {PROMPTS} / {GOAL_BYTES // 1000} KB (the larger of both views)"
        )
        rows.append(Row("sent", bytes_, 1.0, True, says, {}, ()))
    return rows
