"""Stretches: runs of nearly equal sampled frames, among which a search looks first."""

from __future__ import annotations

from dataclasses import dataclass

from clip_core.types import Floats, Ints, Times


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Runs of nearly equal sampled frames of one video under one model, in time order. Search looks among these first.

    Attributes:
        first_pts, last_pts: int64 (m,), the first and the last sampled frame of each.
        picture_pts: int64 (m,), the frame nearest to the mean: the picture to show.
        start_s, end_s: float64 (m,), the span [start_s, end_s) that its samples stand for.
        counts: int64 (m,), how many samples each holds, at least 1.
        vectors: float32 (m, dim), the mean vectors, unit length.
        levels: float32 (m, 2), the mean levels of the null banks (names, captions) on the samples; None: unknown.
    """

    first_pts: Ints
    last_pts: Ints
    picture_pts: Ints
    start_s: Times
    end_s: Times
    counts: Ints
    vectors: Floats
    levels: Floats | None = None

    def __post_init__(self) -> None:
        m = len(self.counts)
        columns = (self.first_pts, self.last_pts, self.picture_pts, self.start_s, self.end_s, self.counts)
        _check(all(column.shape == (m,) for column in columns), f"all columns must be ({m},)")
        _check(self.vectors.shape[:-1] == (m,), f"vectors must be ({m}, dim), not {self.vectors.shape}")
        _check(self.levels is None or self.levels.shape == (m, 2), f"levels must be ({m}, 2)")

    def __len__(self) -> int:
        return len(self.counts)


@dataclass(frozen=True, slots=True, eq=False)
class StretchSummary:
    """What is known of all stretches of a video together.

    Attributes:
        frames: How many stored frames they hold.
        names, captions: float32 (m,), the corrected score of each text of a null bank in its best stretch; None if
            the bank was not asked.
    """

    frames: int
    names: Floats | None = None
    captions: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FoundStretches:
    """Stretches of any videos that are near to some query vectors.

    Attributes:
        video_ids: The video of each of the m stretches.
        stretches: The stretches in the same order, the best for any query first.
        scores: float32 (m, q), the score of each for each query vector.
    """

    video_ids: tuple[str, ...]
    stretches: Stretches
    scores: Floats

    def __post_init__(self) -> None:
        m = len(self.stretches)
        _check(
            len(self.video_ids) == m and self.scores.shape[:-1] == (m,), f"there must be {m} videos and rows of scores"
        )

    def __len__(self) -> int:
        return len(self.video_ids)


@dataclass(frozen=True, slots=True, eq=False)
class StretchFrames:
    """The stored frames of some stretches.

    Attributes:
        places: int64 (n,), which of the stretches each frame belongs to, increasing.
        pts, times_s: int64 and float64 (n,), increasing within each stretch.
        vectors: float32 (n, dim), unit length.
    """

    places: Ints
    pts: Ints
    times_s: Times
    vectors: Floats

    def __post_init__(self) -> None:
        n = len(self.places)
        _check(self.pts.shape == self.times_s.shape == (n,), f"pts and times_s must be ({n},)")
        _check(self.vectors.shape[:-1] == (n,), f"vectors must be ({n}, dim), not {self.vectors.shape}")

    def __len__(self) -> int:
        return len(self.places)
