"""How well a query fits the stretches of one video, and where a hit in it begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.retrieval.target import Target
from clip_core.scoring.null_bank import bank_of_peaks
from clip_core.scoring.prompt_detection import (
    ANOTHER,
    LEAST_RISE,
    LOW_SHARE,
    NEARLY_EVERY,
    grow,
    level_at,
    run_around,
)
from clip_core.scoring.segments import Neighbours, Segmenter, find_shot_boundaries
from clip_core.scoring.spans import sample_spans
from clip_core.scoring.units import MAD_TO_SIGMA, SMALLEST_SPREAD
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import FoundStretches, Stretches
from clip_core.types import Floats, FrameEmbeddings, Reals, TimeTable

AROUND_S, AROUND_STRETCHES = 20.0, 3
"""Frames are read so far beyond the stretches of a hit, because its edges depend on the segments beside it."""
WHOLE_FRAMES = 400
"""Of a shorter video all frames are read."""
MOST_FRAMES = 2000
"""Of a longer hit, only the frames of its best stretch are read; its edges are those of stretches."""


@dataclass(frozen=True, slots=True)
class StretchRun:
    """The stretches [first, stop) of one video that a hit stands on; ``best`` is the one that fits best."""

    first: int
    stop: int
    best: int


@dataclass(frozen=True, slots=True)
class HitSpan:
    """Where a hit begins and ends, and its best frame. Times are in seconds; the span is half-open."""

    start_s: float
    end_s: float
    peak_s: float
    peak_pts: int
    cosine: float


@dataclass(frozen=True, eq=False)
class VideoCurve:
    """The scores of a video's stretches for a query.

    Attributes:
        stretches: All of the video, m ≥ 1.
        levels: float64 (m,), their scores.
        background: The level that they stay below for half of the time; ``low``: for a tenth.
        ceiling, proven: The levels that beat the share of the null bank that settings ask for, and nearly all of it,
            in this video; without a null bank, a clear rise above the background.
    """

    stretches: Stretches
    levels: Reals
    background: float
    low: float
    ceiling: float
    proven: float

    @classmethod
    def of(cls, stretches: Stretches, target: Target, peaks: Floats | None) -> VideoCurve:
        """Score the stretches of a video; ``peaks`` are those of its null bank, None without one."""
        levels = target.scores(stretches.vectors).astype(np.float64)
        lengths_s = np.maximum(stretches.end_s - stretches.start_s, 1e-6)
        background, low = (level_at(levels, lengths_s, share) for share in (0.5, LOW_SHARE))
        if peaks is None:
            spread = float(np.median(background - levels[levels <= background]))
            ceiling = proven = background + LEAST_RISE * max(SMALLEST_SPREAD, MAD_TO_SIGMA * spread)
        else:
            bank = bank_of_peaks(peaks)
            ceiling, proven = bank.ceiling(Settings().confidence), bank.ceiling(NEARLY_EVERY)
        return cls(stretches, levels, background, low, ceiling, proven)

    @property
    def line(self) -> float:
        """The level that further hits of the video must reach, as further moments in detection."""
        return self.background + ANOTHER * (float(self.levels.max()) - self.background)

    @property
    def is_throughout(self) -> bool:
        """Whether even the background beats the null bank, so that the query is there in most of the video."""
        return self.background > self.ceiling

    def place_of(self, first_pts: int) -> int:
        """Return which of the stretches begins with a frame, or the one that holds it."""
        place = int(np.searchsorted(self.stretches.first_pts, first_pts, side="right")) - 1
        return min(max(place, 0), len(self.levels) - 1)

    def run_of(self, place: int) -> StretchRun:
        """Return the run of stretches around one, grown as in detection; for one that fits throughout, see there."""
        if not self.is_throughout:
            first, stop = grow(self.levels, place, self.background, self.proven)
        elif self.low > self.ceiling:
            first, stop = 0, len(self.levels)
        else:
            line = min((self.low + self.background) / 2, float(self.levels[place]))
            first, stop = grow(np.where(self.levels >= line, 1.0, 0.0), place, 0.0, 1.0)
        return StretchRun(first, stop, first + int(self.levels[first:stop].argmax()))

    def start_of(self, run: StretchRun) -> float:
        """Return when the first stretch of a run begins, in seconds."""
        return float(self.stretches.start_s[run.first])

    def end_of(self, run: StretchRun) -> float:
        """Return when the last stretch of a run ends, in seconds."""
        return float(self.stretches.end_s[run.stop - 1])

    def window(self, run: StretchRun) -> tuple[int, int]:
        """Return the stretches [first, stop) whose frames decide on the edges of a run."""
        if int(self.stretches.counts.sum()) <= WHOLE_FRAMES:
            return 0, len(self.levels)
        start_s, end_s = self.stretches.start_s, self.stretches.end_s
        first = max(0, min(run.first - AROUND_STRETCHES, int(np.searchsorted(end_s, start_s[run.first] - AROUND_S))))
        after = int(np.searchsorted(start_s, end_s[run.stop - 1] + AROUND_S))
        stop = min(len(self.levels), max(run.stop + AROUND_STRETCHES, after))
        frames = int(self.stretches.counts[first:stop].sum())
        return (first, stop) if frames <= MOST_FRAMES else (run.best, run.best + 1)


def spans_of(
    hits: Sequence[tuple[str, StretchRun]],
    curves: dict[str, VideoCurve],
    tables: dict[str, TimeTable],
    target: Target,
    fingerprint: str,
    store: EmbeddingStore,
) -> list[HitSpan | None]:
    """Return where hits begin and end; None where the frames are gone because the video was forgotten meanwhile.

    Args:
        hits: Video id and run of each.
        curves, tables: Video id → its curve and its times.
    """
    windows = [curves[video_id].window(run) for video_id, run in hits]
    frames = store.frames_of_stretches(fingerprint, _joined(hits, windows, curves))
    scores, found = target.scores(frames.vectors), list[HitSpan | None]()
    for place, ((video_id, run), window) in enumerate(zip(hits, windows, strict=True)):
        rows = slice(*np.searchsorted(frames.places, [place, place + 1]))
        own = FrameEmbeddings(frames.pts[rows], frames.times_s[rows], frames.vectors[rows])
        known = _Window(own, scores[rows], *window)
        found.append(_span(curves[video_id], run, known, target, tables[video_id]) if len(own) else None)
    return found


def _joined(
    hits: Sequence[tuple[str, StretchRun]], windows: Sequence[tuple[int, int]], curves: dict[str, VideoCurve]
) -> FoundStretches:
    """Return each window as if it were one stretch, so that its frames can be read."""
    parts = [curves[video_id].stretches for video_id, _ in hits]
    rows = [(part, first, stop - 1) for part, (first, stop) in zip(parts, windows, strict=True)]
    return FoundStretches(
        tuple(video_id for video_id, _ in hits),
        Stretches(
            first_pts=np.array([part.first_pts[first] for part, first, _ in rows], np.int64),
            last_pts=np.array([part.last_pts[last] for part, _, last in rows], np.int64),
            picture_pts=np.array([part.picture_pts[first] for part, first, _ in rows], np.int64),
            start_s=np.array([part.start_s[first] for part, first, _ in rows], np.float64),
            end_s=np.array([part.end_s[last] for part, _, last in rows], np.float64),
            counts=np.array([part.counts[first : last + 1].sum() for part, first, last in rows], np.int64),
            vectors=np.stack([part.vectors[first] for part, first, _ in rows]),
        ),
        np.zeros((len(rows), 1), np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """The frames of the stretches [first, stop) of a video, and their scores."""

    frames: FrameEmbeddings
    scores: Floats
    first: int
    stop: int


def _span(curve: VideoCurve, run: StretchRun, window: _Window, target: Target, table: TimeTable) -> HitSpan:
    """Return where a hit begins and ends: by the segments of the frames around it, as detection finds them."""
    stretches, frames, scores = curve.stretches, window.frames, window.scores
    best = (frames.pts >= stretches.first_pts[run.best]) & (frames.pts <= stretches.last_pts[run.best])
    top = int(np.where(best, scores, -np.inf).argmax())
    start_s, end_s = curve.start_of(run), curve.end_of(run)
    if not curve.is_throughout and window.first <= run.first and run.stop <= window.stop:
        first, stop, left_s, right_s = _edges(curve, top, window, target, table)
        start_s = min(start_s, left_s) if first == 0 and window.first > 0 else left_s
        end_s = max(end_s, right_s) if stop == len(frames) and window.stop < len(curve.levels) else right_s
        top = first + int(scores[first:stop].argmax())
    cosine = float(target.cosines(frames.vectors[top : top + 1])[0])
    return HitSpan(start_s, end_s, float(frames.times_s[top]), int(frames.pts[top]), cosine)


def _edges(
    curve: VideoCurve, top: int, window: _Window, target: Target, table: TimeTable
) -> tuple[int, int, float, float]:
    """Return the samples [first, stop) around one as in detection, and the span that they stand for."""
    frames, scores = window.frames, window.scores
    times_s, order = frames.times_s, np.arange(len(frames))
    spans = sample_spans(times_s, 0.0, table.end_s)
    boundaries_s = find_shot_boundaries(Neighbours().distances(frames.vectors, order), times_s)
    segments = Segmenter().segments(frames.vectors, order, spans, times_s, boundaries_s)
    background, proven, means = curve.background, curve.proven, segments.means
    if len(frames) < int(curve.stretches.counts.sum()):
        means = means / np.linalg.norm(means, axis=1, keepdims=True)  # like those of the stretches
    levels = target.scores(means).astype(np.float64)
    if means is segments.means:  # the whole video: no need to take the levels from its stretches
        background = level_at(levels, segments.lengths_s, 0.5)
        peaks = target.bank_peaks(means)
        proven = curve.proven if peaks is None else bank_of_peaks(peaks).ceiling(NEARLY_EVERY)
    run = run_around(top, scores, levels, segments, background, proven)
    following = table.seconds(table.pts[np.minimum(table.number_of(frames.pts) + 1, len(table) - 1)])
    until_s = np.where(following > times_s, following, table.end_s)
    shown = sample_spans(times_s, 0.0, table.end_s, until_s)
    return run.first, run.stop, float(shown.left[run.first]), float(shown.right[run.stop - 1])
