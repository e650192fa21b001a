"""Decide on segments of the video whether a prompt is visible, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.null_bank import PromptBank, beats_text
from clip_core.scoring.segments import Segments
from clip_core.scoring.units import MAD_TO_SIGMA, SMALLEST_SPREAD
from clip_core.types import Floats, Reals, Times

VerdictKind: TypeAlias = Literal["there", "throughout", "not sure"]
KEEP = 0.9
"""A moment grows over neighbouring segments that reach this share of its height above the background."""
HALF = 0.5
"""This share is enough for segments that beat nearly every text of the null bank by themselves."""
NEARLY_EVERY = 0.97
ANOTHER = 2 / 3
"""Further moments of a prompt reach this share of the height of its highest one."""
LOW_SHARE = 0.1
"""A prompt's low level is the one that it stays below for this share of the video's time."""
MOST = 0.9
"""A prompt whose moments fill this share of the video's time is there throughout."""
EVIDENCE = 20.0
"""An edge leaves its segment boundary only for a place e^20 times as likely; 10 to 40 give the same edges."""
MOST_CANDIDATES = 3
GENERIC_SHARE = 0.9
LEAST_RISE = 5.0
"""Without a null bank, a prompt must rise this many deviations above its background."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a prompt is visible.

    Attributes:
        kind: "there", "throughout" (all or most of the video) or "not sure".
        confidence: The share of neutral texts that it beats, in [0, 1]; None without a null bank.
        reason: A sentence to show to the user.
        texts: How many neutral texts it was compared with.
    """

    kind: VerdictKind
    confidence: float | None
    reason: str
    texts: int = 0

    @property
    def sure(self) -> bool:
        """Whether what was found are moments rather than candidates."""
        return self.kind != "not sure"


@dataclass(frozen=True, slots=True)
class SegmentRun:
    """The samples [first, stop) of a moment or candidate; ``level`` is the level of its highest segment."""

    first: int
    stop: int
    level: float


@dataclass(frozen=True, slots=True)
class PromptDetection:
    """What was detected for one prompt.

    Attributes:
        line: The level that its runs must reach, or the lowest level of their segments if that is lower.
        runs: Moments, or candidates if the verdict is "not sure"; highest first, none overlapping.
    """

    verdict: Verdict
    line: float
    runs: tuple[SegmentRun, ...]


def detect_prompt(curve: Floats, segments: Segments, bank: PromptBank | None, confidence: float) -> PromptDetection:
    """Detect one prompt.

    It is there if its highest segment beats more than the share ``confidence`` of the bank's texts, each at its
    highest. A moment starts from each segment that reaches ``ANOTHER`` of the highest one's height above the background
    (the median level) and, if the prompt is there, also beats that share of the bank. It grows over neighbours that are
    about as high. If even the background beats the bank, the prompt is there throughout, but for clearly lower parts.

    Args:
        curve: float32 (n,), raw cosines in time order.
        bank: The null bank for this prompt; None uses the curve alone and gives no confidence.
        confidence: In [0, 1).
    """
    if len(segments) == 0:
        return PromptDetection(Verdict("not sure", None, "There are no samples yet."), 0.0, ())
    levels = segments.average(curve[:, None])[:, 0].astype(np.float64)
    if bank is not None:
        levels -= bank.segment_level
        curve = curve - bank.level
    lengths_s, peak = segments.lengths_s, float(levels.max())
    background, low = (level_at(levels, lengths_s, share) for share in (0.5, LOW_SHARE))
    if bank is None:
        ceiling = proven = background + LEAST_RISE * _deviation(curve, background)
    else:
        ceiling, proven = bank.ceiling(confidence), bank.ceiling(NEARLY_EVERY)
    sure = peak > ceiling
    if sure and bank is not None and background > ceiling:
        line = ceiling if low > ceiling else (low + background) / 2
        found = [(0, len(levels))] if low > ceiling else list(_runs_where(levels >= line))
    else:
        line = background + ANOTHER * (peak - background)
        line = max(line, ceiling) if sure and bank is not None else line
        found = list(_grow(levels, line, background, proven))
    runs = [_refined(run, levels, curve, segments, background, proven) for run in found]
    runs = _apart(sorted(runs, key=lambda run: (-run.level, run.first)), len(curve))
    runs = runs[: None if sure else MOST_CANDIDATES]
    filled = sum(float(segments.samples_s[run.first : run.stop].sum()) for run in runs)
    throughout = sure and (background > ceiling or filled >= MOST * float(lengths_s.sum())) and bank is not None
    kind: VerdictKind = "throughout" if throughout else "there" if sure else "not sure"
    line = min([line, *(float(levels[first:stop].min()) for first, stop in found)])
    return PromptDetection(_verdict(kind, peak, levels, lengths_s, bank), line, tuple(runs))


def level_at(levels: Reals, lengths_s: Times, share: float) -> float:
    """Return the level that the segments stay below for ``share`` of the time."""
    order = np.argsort(levels, kind="stable")
    passed = np.cumsum(lengths_s[order])
    return float(levels[order[int(np.searchsorted(passed, share * passed[-1]))]])


def _deviation(curve: Floats, background: float) -> float:
    """Return the robust deviation of the samples below the background, which no event has raised; at least 0.005."""
    below = curve[curve <= background]
    spread = float(np.median(background - below)) if len(below) else 0.0
    return max(SMALLEST_SPREAD, MAD_TO_SIGMA * spread)


def _runs_where(on: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the runs [first, stop) in which ``on`` is true."""
    steps = np.diff(np.concatenate([[False], on, [False]]).astype(np.int8))
    yield from zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True)


def _grow(levels: Reals, line: float, background: float, proven: float) -> Iterator[tuple[int, int]]:
    """Yield runs of segments: from the highest segment down to the line, grow each free one over similar neighbours."""
    free = np.ones(len(levels), bool)
    reaching = np.flatnonzero(levels >= line)
    for k in reaching[np.argsort(-levels[reaching], kind="stable")].tolist():
        if not free[k]:
            continue
        first, stop = grow(levels, k, background, proven, free)
        free[first:stop] = False
        yield first, stop


def grow(
    levels: Reals, k: int, background: float, proven: float, free: NDArray[np.bool_] | None = None
) -> tuple[int, int]:
    """Return the segments [first, stop) that are about as high as segment k, around it.

    Args:
        levels: float64 (n,), of segments (or stretches) in time order.
        k: The one to begin with; it is always part of the result.
        background: The level of the rest of the video.
        proven: The level that beats nearly every text of the null bank.
        free: bool (n,), which may be taken; None: all.
    """
    height = levels[k] - background
    needed = min(background + KEEP * height, max(background + HALF * height, proven))
    taken = levels >= needed if free is None else (levels >= needed) & free
    before, after = np.flatnonzero(~taken[:k]), np.flatnonzero(~taken[k + 1 :])
    return int(before[-1]) + 1 if len(before) else 0, k + 1 + int(after[0]) if len(after) else len(levels)


def run_around(
    sample: int, curve: Floats, levels: Reals, segments: Segments, background: float, proven: float
) -> SegmentRun:
    """Return the run of samples around one sample, as ``detect_prompt`` finds it if its segment is a moment's highest.

    Args:
        sample: The sample.
        curve: float32 (n,), the corrected scores of the samples in time order.
        levels: float64 (k,), the corrected scores of the segments.
        background, proven: See ``grow``.
    """
    k = int(np.searchsorted(segments.starts, sample, side="right")) - 1
    return _refined(grow(levels, k, background, proven), levels, curve, segments, background, proven)


def _refined(
    run: tuple[int, int], levels: Reals, curve: Floats, segments: Segments, background: float, proven: float
) -> SegmentRun:
    """Return the samples of a run of segments; its edges move beside the segment boundary where the curve is decisive.

    The curve is modelled as two levels with noise. The likeliest edge maximises the cumulative distance from the
    midpoint of the levels. Samples added outside must also beat nearly every text of the bank.
    """
    first, stop = run
    edges = segments.edges
    a, b = int(edges[first]), int(edges[stop])
    top = first + int(levels[first:stop].argmax())
    inside = float(np.median(curve[edges[top] : edges[top + 1]]))
    if inside > background:
        edge = _Edge((inside + background) / 2, proven, (inside - background) / _noise(curve, segments, run) ** 2)
        if first > 0:
            end = int(edges[first + 1])
            a = end - edge.place(curve[int(edges[first - 1]) : end][::-1], end - a)
        if stop < len(levels):
            begin = int(edges[stop - 1])
            b = begin + edge.place(curve[begin : int(edges[stop + 1])], b - begin)
    if a >= b:
        a, b = int(edges[first]), int(edges[stop])
    return SegmentRun(a, b, float(levels[top]))


def _apart(runs: Sequence[SegmentRun], n: int) -> list[SegmentRun]:
    """Make runs disjoint, highest first: samples that two moved edges both claim go to the higher run."""
    free, apart = np.ones(n, bool), list[SegmentRun]()
    for run in runs:
        parts = list(_runs_where(free[run.first : run.stop]))
        if parts:
            a, b = max(parts, key=lambda part: part[1] - part[0])
            apart.append(SegmentRun(run.first + a, run.first + b, run.level))
            free[apart[-1].first : apart[-1].stop] = False
    return apart


@dataclass(frozen=True, slots=True)
class _Edge:
    """The level at which a curve leaves a moment, and how much each sample's distance from it weighs."""

    middle: float
    proven: float
    weight: float

    def place(self, curve: Floats, edge: int) -> int:
        """Return how many samples, from inside, belong to the moment: ``edge`` unless another place is far likelier."""
        needed = np.where(np.arange(len(curve)) < edge, self.middle, max(self.middle, self.proven))
        likelihood = np.cumsum((curve - needed) * self.weight)
        best = int(likelihood.argmax())
        return best + 1 if likelihood[best] - likelihood[edge - 1] >= EVIDENCE else edge


def _noise(curve: Floats, segments: Segments, run: tuple[int, int]) -> float:
    """Return the robust deviation of a curve from the means of a run's segments and their neighbours; above 0."""
    edges = segments.edges[max(0, run[0] - 1) : run[1] + 2]
    part = curve[int(edges[0]) : int(edges[-1])]
    means = np.add.reduceat(part, edges[:-1] - edges[0]) / np.diff(edges)
    return max(1e-6, MAD_TO_SIGMA * float(np.median(np.abs(part - np.repeat(means, np.diff(edges))))))


def _verdict(kind: VerdictKind, peak: float, levels: Reals, lengths_s: Times, bank: PromptBank | None) -> Verdict:
    if bank is None:
        rise = "rises clearly above" if kind != "not sure" else "does not rise clearly above"
        return Verdict(kind, None, f"Its curve {rise} its own background. No neutral texts were asked.")
    texts, share = len(bank.peaks), bank.beaten_by(peak)
    if kind != "not sure":
        reason = f"{beats_text(share, texts, stands_out=True).capitalize()}."
        reason += " It stays high in most of the video." if kind == "throughout" else ""
        return Verdict(kind, share, reason, texts)
    mean = float(np.average(levels, weights=lengths_s))
    usual = float(np.searchsorted(bank.means, np.float32(mean))) / texts
    beats = beats_text(share, texts, stands_out=False).capitalize()
    reason = f"{beats}: too many come as high somewhere in this video."
    usual_rise = float(np.median(bank.peaks) - np.median(bank.means))
    if usual >= GENERIC_SHARE and peak - mean <= usual_rise:
        reason += " It is high nearly everywhere, as generic prompts are."
        reason += " A negative prompt or a threshold set by hand helps."
    return Verdict(kind, share, reason, texts)
