"""Many settings tried against a truth: smoothing x threshold x shortest duration, a score for each cell, the best."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.evaluation.metrics import Query, mean_iou_f1
from clip_core.types import Reals


@dataclass(frozen=True, slots=True)
class Setting:
    """One cell: how curves become moments.

    Attributes:
        smoothing_s: Width of the smoothing in seconds, >= 0.
        threshold: In the unit of the curves, for all prompts; None: each prompt is detected from the data.
        min_duration_s: Shorter moments are dropped.
    """

    smoothing_s: float
    threshold: float | None
    min_duration_s: float


@dataclass(frozen=True, slots=True)
class SweepCell:
    """A setting and its score, from 0 to 1."""

    setting: Setting
    score: float


@dataclass(frozen=True)
class Grid:
    """The values to try, in all combinations: each once, increasing; a threshold of None comes first."""

    smoothings_s: tuple[float, ...]
    thresholds: tuple[float | None, ...]
    min_durations_s: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        numbers = {name: getattr(self, name) for name in ("smoothings_s", "min_durations_s")}
        if self.thresholds != (None,):
            numbers["thresholds"] = self.thresholds[self.common_from :]
        for name, values in numbers.items():
            if not values or None in values or not all(np.isfinite(values)) or list(values) != sorted(set(values)):
                raise ValueError(f"{name} must be finite numbers, each once, in rising order, not {values}")

    @property
    def common_from(self) -> int:
        """Index of the first threshold that is a number: 0 or 1."""
        return int(self.thresholds[:1] == (None,))

    @property
    def shape(self) -> tuple[int, int, int]:
        """The number of smoothings, thresholds and durations."""
        return len(self.smoothings_s), len(self.thresholds), len(self.min_durations_s)

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    def __iter__(self) -> Iterator[Setting]:
        """Yield the settings in a fixed order, grouped by smoothing, which is the expensive part."""
        return itertools.starmap(Setting, itertools.product(self.smoothings_s, self.thresholds, self.min_durations_s))


def sweep(grid: Grid, queries_under: Callable[[Setting], Sequence[Query]]) -> Iterator[SweepCell]:
    """Try each setting of ``grid`` in order; yield a cell as soon as its score is known.

    ``queries_under`` returns the queries under a setting, including those of prompts that never appear.
    """
    for setting in grid:
        yield SweepCell(setting, mean_iou_f1(queries_under(setting)))


def best_cell(grid: Grid, cells: Sequence[SweepCell]) -> SweepCell:
    """Return the cell with the highest score; on a tie the one with the best neighbours, then the first.

    The middle of a plateau is a safer choice than its edge. ``cells`` are all those of ``sweep``, in order.

    Raises:
        ValueError: The number of cells differs from the grid.
    """
    if len(cells) != len(grid):
        raise ValueError(f"{len(cells)} cells are not the {len(grid)} of the grid")
    scores = np.array([cell.score for cell in cells]).reshape(grid.shape)
    parts = np.split(scores, [grid.common_from], axis=1)  # thresholds that adapt are not neighbours of a common one
    around = np.concatenate([_around(part) for part in parts], axis=1)
    tied = np.flatnonzero(scores.ravel() == scores.max())
    return cells[int(tied[np.argmax(around.ravel()[tied].round(9))])]


def _around(scores: Reals) -> Reals:
    """Return the sum of each cell and its 26 neighbours, with edge cells repeated beyond the edge. Same shape."""
    if not scores.size:
        return scores
    near = np.pad(scores, 1, mode="edge")
    p, q, r = scores.shape
    cubes = (near[i : i + p, j : j + q, k : k + r] for i, j, k in itertools.product(range(3), repeat=3))
    return np.asarray(sum(cubes))
