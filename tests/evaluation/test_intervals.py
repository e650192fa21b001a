"""Intervals: checked, merged and measured against a slow count of instants."""

import numpy as np
import pytest

from clip_core.evaluation.intervals import as_intervals, covered_s, merged


def test_pairs_become_a_table() -> None:
    np.testing.assert_array_equal(as_intervals([(0, 1), (2.5, 2.5)]), [[0.0, 1.0], [2.5, 2.5]])
    assert as_intervals([]).shape == (0, 2)


@pytest.mark.parametrize("pair", [(float("nan"), 1.0), (0.0, float("inf"))])
def test_what_is_no_time_is_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        as_intervals([pair])


def test_what_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must not end before it starts: 3 … 2"):
        as_intervals([(0, 1), (3, 2)])


def test_overlaps_become_one_and_neighbours_stay_apart() -> None:
    given = as_intervals([(5, 7), (0, 2), (1, 3), (3, 4), (1.5, 1.7), (5, 7)])
    np.testing.assert_array_equal(merged(given), [[0, 3], [3, 4], [5, 7]])
    assert merged(as_intervals([])).shape == (0, 2)


def test_covered_seconds_are_those_of_a_slow_count() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        edges = np.sort(random.uniform(0, 20, 12))
        left, right = edges[:-1], edges[1:]
        starts = random.uniform(0, 18, 5)
        truths = np.stack([starts, starts + random.uniform(0.1, 4, 5)], axis=1)
        instants = np.arange(0.0005, 24, 0.001)
        true = ((instants[:, None] >= truths[:, 0]) & (instants[:, None] < truths[:, 1])).any(axis=1)
        slow = [0.001 * (true & (instants >= a) & (instants < b)).sum() for a, b in zip(left, right, strict=True)]
        np.testing.assert_allclose(covered_s(left, right, truths), slow, atol=0.01)


def test_nothing_covers_nothing() -> None:
    np.testing.assert_array_equal(covered_s(np.array([0.0, 1.0]), np.array([1.0, 2.0]), as_intervals([])), [0.0, 0.0])
    assert covered_s(np.empty(0), np.empty(0), as_intervals([(0, 1)])).shape == (0,)
