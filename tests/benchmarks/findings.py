"""From scores to moments: what each move of a slider computes, taken apart."""

from __future__ import annotations

import time

import numpy as np

from clip_core.scoring.moments import find_moments
from clip_core.scoring.rate import find_spikes, rate_of_change
from clip_core.scoring.smoothing import smooth
from clip_core.scoring.winner import leading_prompts
from clip_core.values import Floats, Scores
from tests.benchmarks.table import Row, Spread, tell
from tests.curve_maker import scores_of

GOALS_MS = {7_200: 200.0, 108_000: 600.0}
PROMPTS = 20
STEP_S = 0.5
EVENT_S = 20.0


def measure(quick: bool) -> list[Row]:
    """Milliseconds of unit → smoothing → moments, against the issue's limits, which the figure shares.

    Milliseconds of the processor, of which one thread is at work, so what else runs does not count.
    Each prompt has an event of some seconds every few minutes over noise, and hysteresis and all rules
    are on. Rate, spikes and the winner strip are measured beside it, not counted.
    """
    return [_row(n, goal_ms, 4 if quick else 15) for n, goal_ms in GOALS_MS.items()]


def planted(n: int) -> Scores:
    """Cosines of 20 prompts, each with an event of 20 s at every 500 to 700 s."""
    rng = np.random.default_rng(0)
    times = np.arange(n) * STEP_S
    values = rng.normal(0.2, 0.01, (n, PROMPTS))
    for column in range(PROMPTS):
        values[(times + 37 * column) % (500 + 10 * column) < EVENT_S, column] += 0.08
    return scores_of(values, step_s=STEP_S)


def robust_z(values: Floats) -> Floats:
    """The unit z of `scoring.md`, float32 (n, p)."""
    columns = np.ascontiguousarray(values.T)
    middle = np.median(columns, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(columns - middle), axis=1, keepdims=True)
    z: Floats = ((columns - middle) / np.maximum(spread, np.float32(0.005))).astype(np.float32)
    return z.T


def _row(n: int, goal_ms: float, turns: int) -> Row:
    cosines = planted(n)
    parts: dict[str, list[float]] = {}
    wholes: list[float] = []
    count = 0
    for _ in range(turns + 1):
        marks = [time.thread_time()]
        scores = Scores(cosines.frames, cosines.times_s, cosines.prompts, robust_z(cosines.values), 0.0, cosines.end_s)
        marks.append(time.thread_time())
        smoothed = smooth(scores, 2.0)
        marks.append(time.thread_time())
        moments = find_moments(
            scores, threshold=2.5, offset=2.0, smoothed=smoothed, min_gap_s=1.0, min_duration_s=2.0, pad_s=0.5
        )
        marks.append(time.thread_time())
        rate = rate_of_change(scores, smoothed)
        spikes = find_spikes(scores, rate)
        marks.append(time.thread_time())
        leads = leading_prompts(cosines)
        marks.append(time.thread_time())
        took = np.diff(marks).tolist()
        names = ("unit z", "smoothing", "moments", "rate and spikes (not counted)", "winner (not counted)")
        for name, seconds in zip(names, took, strict=True):
            parts.setdefault(name, []).append(seconds)
        wholes.append(sum(took[:3]))
        count = len(moments)
    whole = Spread.of(wholes[1:], "ms", 1, 1000)
    tell(f"findings: {n:,}: {whole}")
    raw = {"whole": whole} | {f"- {name}": Spread.of(values[1:], "ms", 1, 1000) for name, values in parts.items()}
    notes = (f"{count:,} moments, {len(spikes):,} spikes, {len(leads):,} runs of the winner",)
    says = f"unit z → smoothing → moments, {n:,} × {PROMPTS} / {goal_ms:.0f} ms (the figure is to fit in too)"
    return Row("findings", whole.over(goal_ms), 1.0, True, says, raw, notes)
