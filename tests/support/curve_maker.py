"""Curves with planted truth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from clip_core.scoring.null_bank import PromptBank
from clip_core.scoring.segments import Segments
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.video_scores import VideoScores
from clip_core.types import Floats, Scores


def scores_of(
    values: Sequence[float] | np.ndarray,
    times_s: Sequence[float] | np.ndarray | None = None,
    *,
    step_s: float = 1.0,
    end_s: float | None = None,
    prompts: Sequence[str] | None = None,
) -> Scores:
    """Scores of one or more prompts; regular from 0 unless times are given."""
    table = np.asarray(values, np.float32)
    table = table[:, None] if table.ndim == 1 else table
    times = np.arange(len(table)) * step_s if times_s is None else np.asarray(times_s, np.float64)
    return Scores(
        frames=np.arange(len(table), dtype=np.int64),
        times_s=times.astype(np.float64),
        prompts=tuple(prompts or [f"p{i}" for i in range(table.shape[1])]),
        values=table,
        start_s=0.0,
        end_s=float(times[-1] + step_s) if end_s is None else end_s,
    )


def bank_at(peak: float | Floats, n: int) -> PromptBank:
    """A bank of 300 that scores 0 on each sample, but whose texts, all or each, reach ``peak`` somewhere."""
    peaks = np.sort(np.broadcast_to(np.float32(peak), 300))
    return PromptBank(np.zeros(n, np.float32), np.zeros(n, np.float32), peaks, peaks)


def video_scores_of(
    raw: Scores,
    negatives: Mapping[str, Floats] | None = None,
    *,
    bank_peak: float | Floats | None = None,
    weights: Mapping[str, float] | None = None,
    shot_boundaries_s: Sequence[float] = (),
) -> VideoScores:
    """VideoScores of curves without vectors behind them; each sample is a segment.

    Args:
        raw: The prompts'.
        negatives: Negative prompt → its curve.
        bank_peak: What neutral texts reach somewhere, all or each of 300. None: they were not asked.
        weights: Prompt → prior odds.
        shot_boundaries_s: Shot boundaries.
    """
    n, against = len(raw), dict(negatives or {})
    table = np.stack([*against.values()], axis=1) if against else np.empty((n, 0), np.float32)
    samples_s = np.maximum(sample_spans(raw.times_s, raw.start_s, raw.end_s).lengths_s, 1e-6)
    segments = Segments(np.arange(n), samples_s, np.zeros((n, 1), np.float32), samples_s)
    banks = {} if bank_peak is None else {p: bank_at(bank_peak, n) for p in raw.prompts}
    return VideoScores(
        raw,
        replace(raw, prompts=tuple(against), values=table),
        weights=dict(weights or {}),
        logit_scale=100.0,
        banks=banks,
        shot_boundaries_s=np.asarray(shot_boundaries_s, np.float64),
        segments=segments,
    )


def brute_force_mean(scores: Scores, window_s: float, grid: int = 40_000) -> np.ndarray:
    """The slow, obvious moving mean: a fine grid of instants, each with the value of the sample it belongs to."""
    times = scores.times_s
    steps = np.diff(times)
    median = np.median(steps)
    left = times - np.concatenate(
        [[min(times[0] - scores.start_s, 1.25 * median)], np.minimum(steps / 2, 1.25 * median)]
    )
    right = times + np.concatenate(
        [np.minimum(steps / 2, 1.25 * median), [min(scores.end_s - times[-1], 1.25 * median)]]
    )
    group = np.concatenate([[0], np.cumsum(steps > 2.5 * median)])
    instants = (
        np.linspace(scores.start_s, scores.end_s, grid, endpoint=False) + (scores.end_s - scores.start_s) / grid / 2
    )
    owner = np.full(grid, -1)
    for i in range(len(times)):
        owner[(instants >= left[i]) & (instants < right[i])] = i
    out = np.empty_like(scores.values)
    for i, t in enumerate(times):
        near = (np.abs(instants - t) < window_s / 2) & (owner >= 0)
        near &= np.isin(owner, np.flatnonzero(group == group[i]))
        out[i] = scores.values[owner[near]].mean(axis=0, dtype=np.float64) if near.any() else scores.values[i]
    return out
