"""How far off moments begin, planted."""

import numpy as np
import pytest

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.metrics import onsets


def test_each_truth_is_held_against_the_moment_that_shares_most() -> None:
    truths = as_intervals([(0, 10), (20, 30), (50, 60)])
    windows = as_intervals([(1.5, 10), (5, 9), (19, 31), (80, 90)])
    found = onsets(windows, truths)
    np.testing.assert_allclose(found.errors_s, [1.5, 1.0])
    np.testing.assert_allclose(found.ious, [0.85, 10 / 12, 0])
    assert (found.missed, found.false_moments) == (1, 1)


def test_one_moment_may_cover_two_truths_and_touching_is_not_meeting() -> None:
    found = onsets(as_intervals([(0, 20), (20, 25)]), as_intervals([(0, 8), (12, 20)]))
    np.testing.assert_allclose(found.errors_s, [0.0, 12.0])
    assert (found.missed, found.false_moments) == (0, 1)


@pytest.mark.parametrize(("windows", "truths", "counts"), [(0, 0, (0, 0)), (2, 0, (0, 2)), (0, 3, (3, 0))])
def test_nothing_found_or_nothing_true(windows: int, truths: int, counts: tuple[int, int]) -> None:
    made = [as_intervals((n, n + 1) for n in range(count)) for count in (windows, truths)]
    found = onsets(*made)
    assert (found.missed, found.false_moments) == counts
    assert found.errors_s.shape == (0,)
    assert found.ious.tolist() == [0.0] * truths
