"""Rates of planted slopes."""

import numpy as np

from clip_core.scoring.curve_features import rate_of_change
from clip_core.scoring.smoothing import smooth
from tests.support.curve_maker import scores_of


def test_the_rate_is_per_second_at_irregular_times() -> None:
    times = np.array([0.0, 0.5, 1.5, 2.0, 3.5])
    rate = rate_of_change(scores_of(np.column_stack([times * 0.1, -times]), times))
    np.testing.assert_allclose(rate, [[0, 0]] + [[0.1, -1.0]] * 4, atol=1e-6)


def test_it_is_zero_across_a_gap_and_no_time() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 30.0, 31.0, 31.0]
    scores = scores_of([0.0, 1, 2, 3, 4, 5, 9], times, end_s=32.0)
    assert rate_of_change(scores)[:, 0].tolist() == [0, 1, 1, 1, 0, 1, 0]


def test_it_is_of_the_smoothed_curve_where_one_is_given() -> None:
    scores = scores_of(np.random.default_rng(0).normal(0.2, 0.004, 400), step_s=0.2)
    smoothed = smooth(scores, 1.0)
    np.testing.assert_allclose(rate_of_change(scores, smoothed)[1:], np.diff(smoothed, axis=0) * 5, atol=1e-5)


def test_without_samples_there_is_none() -> None:
    assert rate_of_change(scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0)).shape == (0, 1)
