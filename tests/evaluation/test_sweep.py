"""A sweep whose best cell is planted."""

import numpy as np
import pytest

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.metrics import IOUS, Query, matched, mean_iou_f1
from clip_core.evaluation.sweep import Grid, Setting, SweepCell, best_cell, sweep

GRID = Grid((0.0, 1.0), (0.1, 0.2, 0.3), (0.0, 2.0))


def found(count: int, *, truths: int = 2) -> Query:
    """The first ``count`` of ten places 10 s apart are found exactly, the first ``truths`` are true."""
    windows = as_intervals((10 * n, 10 * n + 5) for n in range(count))
    return Query(windows, np.ones(count), as_intervals((10 * n, 10 * n + 5) for n in range(truths)))


def test_f1_worked_by_hand() -> None:
    assert mean_iou_f1([found(2)]) == 1.0
    assert mean_iou_f1([found(1)]) == pytest.approx(2 * 1 / (1 + 2))
    assert mean_iou_f1([found(4)]) == pytest.approx(2 * 2 / (4 + 2))
    eight_tenths = Query(as_intervals([(0, 10)]), np.ones(1), as_intervals([(0, 8)]))
    assert mean_iou_f1([eight_tenths]) == pytest.approx(0.7)  # right at 0.5 … 0.8: 7 of the 10 IoUs


def test_what_is_found_for_an_absent_prompt_costs() -> None:
    assert mean_iou_f1([found(2), found(0, truths=0)]) == 1.0
    assert mean_iou_f1([found(2), found(2, truths=0)]) == pytest.approx(2 * 2 / 6)
    assert mean_iou_f1([]) == mean_iou_f1([found(0, truths=0)]) == 1.0
    assert mean_iou_f1([found(0)]) == 0.0


def test_more_than_ten_moments_all_count() -> None:
    assert mean_iou_f1([found(30, truths=30)]) == 1.0


def test_cells_come_one_by_one_in_the_order_of_the_grid() -> None:
    asked: list[Setting] = []

    def moments(setting: Setting) -> list[Query]:
        asked.append(setting)
        return [found(2 if setting == Setting(1.0, 0.2, 0.0) else 1)]

    run = sweep(GRID, moments)
    first = next(run)
    assert (first.setting, len(asked)) == (Setting(0.0, 0.1, 0.0), 1)  # nothing is computed ahead
    cells = [first, *run]
    assert asked == list(GRID) == [cell.setting for cell in cells]
    assert len(cells) == len(GRID) == 12
    assert [setting.smoothing_s for setting in GRID] == [0.0] * 6 + [1.0] * 6
    assert best_cell(GRID, cells) == SweepCell(Setting(1.0, 0.2, 0.0), 1.0)


def test_of_equal_cells_the_middle_of_the_plateau_is_taken() -> None:
    grid = Grid((0.0,), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7))
    scores = [0.9, 0.1, 0.2, 0.9, 0.9, 0.9, 0.1]
    cells = [SweepCell(setting, score) for setting, score in zip(grid, scores, strict=True)]
    assert best_cell(grid, cells).setting.threshold == 0.5


def test_when_all_are_equal_the_first_is_taken() -> None:
    assert best_cell(GRID, [SweepCell(setting, 0.0) for setting in GRID]).setting == next(iter(GRID))


def test_an_unfinished_sweep_has_no_best_cell() -> None:
    with pytest.raises(ValueError, match="3 cells are not the 12 of the grid"):
        best_cell(GRID, [SweepCell(setting, 0.0) for setting in GRID][:3])


@pytest.mark.parametrize("values", [(), (1.0, 0.0), (1.0, 1.0), (float("nan"),), (0.0, float("inf"))])
def test_a_grid_that_cannot_be_meant_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="thresholds must be finite numbers, each once, in rising order"):
        Grid((0.0,), values)


def test_thresholds_that_adapt_come_first_and_are_no_neighbour() -> None:
    grid = Grid((0.0,), (None, 0.1, 0.2, 0.3))
    assert [setting.threshold for setting in grid] == [None, 0.1, 0.2, 0.3]
    scores = [0.9, 0.9, 0.5, 0.5]  # 0.1 has worse neighbours than None, which has none but itself
    cells = [SweepCell(setting, score) for setting, score in zip(grid, scores, strict=True)]
    assert best_cell(grid, cells).setting.threshold is None
    scores = [0.1, 0.9, 0.9, 0.9]
    cells = [SweepCell(setting, score) for setting, score in zip(grid, scores, strict=True)]
    assert best_cell(grid, cells).setting.threshold == 0.1  # all three are equal: what adapts does not count
    alone = Grid((0.0, 1.0), (None,))
    assert best_cell(alone, [SweepCell(setting, 0.5) for setting in alone]).setting == Setting(0.0, None, 0.0)
    with pytest.raises(ValueError, match="thresholds must be finite numbers"):
        Grid((0.0,), (0.1, None))


def test_the_quick_count_is_that_of_matching_one_by_one() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        ends = np.sort(rng.uniform(0, 30, (2, rng.integers(1, 8), 2)), axis=2)
        query = Query(ends[0], rng.random(len(ends[0])), np.round(ends[1][: rng.integers(0, 8)]))
        things = len(query.windows) + len(query.truths)
        slow = sum(2 * int((matched(query, iou) >= 0).sum()) / things for iou in IOUS) / len(IOUS)
        assert mean_iou_f1([query]) == pytest.approx(slow)
