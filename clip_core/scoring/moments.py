"""From curves to moments: thresholds with hysteresis, then rules for gaps, short moments and padding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.smoothing import smooth
from clip_core.scoring.spans import Spans, shown_spans
from clip_core.types import Floats, Ints, Moment, Scores, Times

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules that turn runs of samples into moments; 0 switches a rule off.

    Attributes:
        min_gap_s: Moments with a shorter gap between them are joined.
        min_duration_s: Shorter moments are dropped.
        pad_s: Time added on either side.

    Raises:
        ValueError: A value is negative or not finite.
    """

    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("min_gap_s", "min_duration_s", "pad_s"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be >= 0 and finite, not {value}: 0 switches the rule off")


def hysteresis(starts: Mask, carries: Mask, stretch: Ints) -> tuple[Ints, Ints]:
    """Return first and stop, int64 (k,), of each unbroken run of ``carries`` in which ``starts`` is true at least once.

    Args:
        starts: bool (n,). Only counts where ``carries`` is true.
        carries: bool (n,).
        stretch: int64 (n,), increasing; a run never continues from one number to the next.
    """
    if len(carries) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    broken = np.diff(stretch) > 0
    first = np.flatnonzero(carries & np.concatenate([[True], ~carries[:-1] | broken]))
    stop = np.flatnonzero(carries & np.concatenate([~carries[1:] | broken, [True]])) + 1
    if starts is not carries:
        started = np.flatnonzero(starts & carries)
        kept = np.searchsorted(started, first) < np.searchsorted(started, stop)
        first, stop = first[kept], stop[kept]
    return first.astype(np.int64), stop.astype(np.int64)


def apply_rules(
    first: Ints, stop: Ints, spans: Spans, rules: Rules, outside: Mask | None, limits: tuple[float, float]
) -> tuple[Ints, Ints, Times, Times]:
    """Fill gaps, drop short runs, then pad.

    Args:
        first, stop: int64 (k,), from ``hysteresis``.
        outside: bool (n,), samples that a filled gap must not contain; None: no such samples.
        limits: Start and end of the time that moments may cover, in seconds.

    Returns:
        ``first`` and ``stop`` of the remaining runs, and when each begins and ends, float64 (k,): padding changes only
        these.
    """
    if rules.min_gap_s > 0 and len(first) > 1:
        first, stop = _fill(first, stop, spans, rules.min_gap_s, outside)
    start_s, end_s = np.maximum(spans.left[first], limits[0]), np.minimum(spans.right[stop - 1], limits[1])
    if rules.min_duration_s > 0:
        kept = end_s - start_s >= rules.min_duration_s - 1e-9  # tolerance: three steps of 0.2 s count as 0.6 s
        first, stop, start_s, end_s = first[kept], stop[kept], start_s[kept], end_s[kept]
    if rules.pad_s > 0 and len(first):
        middle = (end_s[:-1] + start_s[1:]) / 2
        start_s = np.maximum(start_s - rules.pad_s, np.concatenate([[limits[0]], middle]))
        end_s = np.minimum(end_s + rules.pad_s, np.concatenate([middle, [limits[1]]]))
    return first, stop, start_s, end_s


def _fill(first: Ints, stop: Ints, spans: Spans, min_gap_s: float, outside: Mask | None) -> tuple[Ints, Ints]:
    gap_s = spans.left[first[1:]] - spans.right[stop[:-1] - 1]
    joined = (gap_s < min_gap_s - 1e-9) & (spans.stretch[first[1:]] == spans.stretch[stop[:-1] - 1])
    if outside is not None:
        count = np.concatenate([[0], np.cumsum(outside)])
        joined &= count[first[1:]] == count[stop[:-1]]
    return first[np.concatenate([[True], ~joined])], stop[np.concatenate([~joined, [True]])]


PerPrompt = float | Mapping[str, float]


def find_moments(
    scores: Scores,
    *,
    threshold: PerPrompt,
    smoothing_s: float = 0.0,
    score_range: tuple[float, float] | None = None,
    smoothed: Floats | None = None,
    offset: PerPrompt | None = None,
    min_gap_s: float = 0.0,
    min_duration_s: float = 0.0,
    pad_s: float = 0.0,
    allowed: Mask | None = None,
    time_range: tuple[float, float] | None = None,
) -> list[Moment]:
    """Return the moments of each prompt.

    A moment starts where the smoothed score reaches the threshold (the onset). It extends in both directions while the
    score stays at or above the offset. Then gaps are filled, short moments are dropped, and the rest are padded, in
    this order. Peak and mean are taken over a moment's samples, including filled gaps and excluding padding.

    Args:
        scores: Raw scores; they are smoothed here unless ``smoothed`` is given.
        threshold: One number for all prompts, or prompt → number, in the unit of ``scores``; prompts missing from the
            mapping are not flagged.
        smoothing_s: Width of the moving average in seconds; 0 uses the raw scores.
        score_range: Smoothed scores outside [low, high] are never part of a moment, so no gap is filled over them;
            padding may cover them. None: no limits.
        smoothed: The result of ``smooth(scores, …)``, float32 (n, p), if already computed.
        offset: Score at which a moment ends, at or below the threshold. None, or a prompt missing from the mapping: the
            threshold.
        min_gap_s: Moments of a prompt with a shorter gap are joined, unless samples are missing between them. 0: off.
        min_duration_s: Shorter moments are dropped. 0: off.
        pad_s: Time added on either side, up to the middle between two moments and to the ends of the video or of
            ``time_range``. 0: off.
        allowed: bool (n, p): only samples where this is true can start a moment (the null bank). One such sample at or
            above the threshold keeps a moment, so its ends stay those of the curve. None: all can.
        time_range: [start_s, end_s): samples outside are never part of a moment, and moments end there. The scores do
            not depend on it. None: the whole video.

    Returns:
        Moments ranked by peak, highest first; equal peaks by start.

    Raises:
        ValueError: A threshold or an offset is not finite, an offset lies above its threshold, a length is negative or
            not finite, or ``allowed`` and the scores differ in shape.
    """
    thresholds = _per_prompt(scores.prompts, threshold, "threshold")
    offsets = _offsets(thresholds, offset)
    rules = Rules(min_gap_s, min_duration_s, pad_s)
    if allowed is not None and allowed.shape != scores.values.shape:
        raise ValueError(f"allowed must be {scores.values.shape}, as the scores are, not {allowed.shape}")
    smoothed = smooth(scores, smoothing_s) if smoothed is None else smoothed
    spans = shown_spans(scores)
    limits = _limits(scores, spans, time_range)
    curves = np.ascontiguousarray(smoothed.T)  # makes each prompt's curve contiguous
    found: list[Moment] = []
    for prompt, onset in thresholds.items():
        column = scores.prompts.index(prompt)
        curve = curves[column]
        outside = outside_limits(curve, scores.times_s, score_range, time_range)
        carries = curve >= np.float32(offsets[prompt])  # in float32, so that an equal score reaches it
        if outside is not None:
            carries &= ~outside
        starts = carries if offsets[prompt] == onset else curve >= np.float32(onset)
        if allowed is not None:
            starts = starts & allowed[:, column]
        first, stop = hysteresis(starts, carries, spans.stretch)
        runs = apply_rules(first, stop, spans, rules, outside, limits)
        found += _measure(prompt, curve, curve, scores.times_s, spans, runs)
    return sorted(found, key=lambda m: (-m.peak, m.start_s))


def moments_of_runs(
    scores: Scores,
    prompt: str,
    curve: Floats,
    levels: Floats,
    runs: Sequence[tuple[int, int]],
    *,
    rules: Rules,
    score_range: tuple[float, float] | None = None,
    time_range: tuple[float, float] | None = None,
) -> list[Moment]:
    """Turn runs of samples found by other means into moments, by the same rules as ``find_moments``.

    Args:
        scores: They give the times of the samples.
        curve: float32 (n,), the prompt's smoothed scores: the mean averages them, and ``peak_s`` is where they are
            highest among the samples of the peak level.
        levels: float32 (n,), the level of each sample's segment; the peak of a run is its highest level.
        runs: Samples [first, stop) each, in any order; they may touch but not overlap.
        rules, score_range, time_range: As in ``find_moments``.
    """
    spans = shown_spans(scores)
    outside = outside_limits(curve, scores.times_s, score_range, time_range)
    parts = [part for run in sorted(runs) for part in _parts_within(run, outside, spans.stretch)]
    first, stop = np.array(parts, np.int64).reshape(-1, 2).T
    remaining = apply_rules(first, stop, spans, rules, outside, _limits(scores, spans, time_range))
    return _measure(prompt, curve, levels, scores.times_s, spans, remaining)


def _parts_within(run: tuple[int, int], outside: Mask | None, stretch: Ints) -> list[tuple[int, int]]:
    """Split a run of samples at gaps and at samples outside; return the remaining parts."""
    first, stop = run
    on = np.ones(stop - first, bool) if outside is None else ~outside[first:stop]
    begins, ends = hysteresis(on, on, stretch[first:stop])
    return [(first + int(a), first + int(b)) for a, b in zip(begins, ends, strict=True)]


def _per_prompt(prompts: tuple[str, ...], numbers: PerPrompt, name: str) -> dict[str, float]:
    by_prompt = dict(numbers) if isinstance(numbers, Mapping) else dict.fromkeys(prompts, numbers)
    for prompt, number in by_prompt.items():
        if not math.isfinite(number):
            raise ValueError(f"the {name} of {prompt!r} must be finite, not {number}")
    return {prompt: by_prompt[prompt] for prompt in prompts if prompt in by_prompt}


def _offsets(thresholds: dict[str, float], offset: PerPrompt | None) -> dict[str, float]:
    offsets = {} if offset is None else _per_prompt(tuple(thresholds), offset, "offset")
    for prompt, low in offsets.items():
        if low > thresholds[prompt]:
            limit = f"above its onset {thresholds[prompt]:g}: give an offset at or below the onset"
            raise ValueError(f"the offset {low:g} of {prompt!r} lies {limit}")
    return thresholds | offsets


def _limits(scores: Scores, spans: Spans, time_range: tuple[float, float] | None) -> tuple[float, float]:
    """Return when moments may start and end: the video, extended to all its samples' spans, within the time range."""
    if len(scores) == 0:
        return scores.start_s, scores.end_s
    low, high = min(scores.start_s, float(spans.left[0])), max(scores.end_s, float(spans.right[-1]))
    return (low, high) if time_range is None else (max(low, time_range[0]), min(high, time_range[1]))


def outside_limits(
    curve: Floats, times_s: Times, score_range: tuple[float, float] | None, time_range: tuple[float, float] | None
) -> Mask | None:
    """Return which samples are never part of a moment, bool (n,), or None if there are no limits."""
    outside: Mask | None = None
    if score_range is not None:
        outside = ~((curve >= np.float32(score_range[0])) & (curve <= np.float32(score_range[1])))
    if time_range is not None:
        elsewhere: Mask = (times_s < time_range[0]) | (times_s >= time_range[1])
        outside = elsewhere if outside is None else outside | elsewhere
    return outside


def _measure(
    prompt: str, curve: Floats, levels: Floats, times_s: Times, spans: Spans, runs: tuple[Ints, Ints, Times, Times]
) -> list[Moment]:
    """Return the moments of runs; the peak of each is the highest of its ``levels``, the mean that of its curve."""
    lengths_s = spans.lengths_s
    weighted = curve.astype(np.float64) * lengths_s
    found = []
    for a, b, start_s, end_s in zip(*(side.tolist() for side in runs), strict=True):
        peak = levels[a:b].max()
        top = a + int(np.where(levels[a:b] == peak, curve[a:b], -np.inf).argmax())
        weight = float(lengths_s[a:b].sum())
        mean = weighted[a:b].sum() / weight if weight > 0 else curve[a:b].mean()
        found.append(Moment(prompt, start_s, end_s, float(times_s[top]), float(peak), float(mean)))
    return found
