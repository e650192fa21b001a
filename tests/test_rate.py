"""Rates of planted slopes, spikes of planted jumps."""

import numpy as np
import pytest

from clip_core.scoring.rate import find_spikes, rate_of_change
from clip_core.scoring.smoothing import smooth
from tests.curve_maker import scores_of


def steps_at(places: dict[int, float], n: int = 400, noise: float = 0.004, seed: int = 0) -> np.ndarray:
    values = np.full(n, 0.2) + np.random.default_rng(seed).normal(0, noise, n)
    for place, height in places.items():
        values[place:] += height
    return values


def test_the_rate_is_per_second_at_irregular_times() -> None:
    times = np.array([0.0, 0.5, 1.5, 2.0, 3.5])
    rate = rate_of_change(scores_of(np.column_stack([times * 0.1, -times]), times))
    np.testing.assert_allclose(rate, [[0, 0]] + [[0.1, -1.0]] * 4, atol=1e-6)


def test_it_is_zero_across_a_gap_a_cut_and_no_time() -> None:
    times = [0.0, 1.0, 2.0, 3.0, 30.0, 31.0, 31.0]
    scores = scores_of([0.0, 1, 2, 3, 4, 5, 9], times, end_s=32.0)
    assert rate_of_change(scores)[:, 0].tolist() == [0, 1, 1, 1, 0, 1, 0]
    assert rate_of_change(scores, cuts_s=np.array([1.5]))[:, 0].tolist() == [0, 1, 0, 1, 0, 1, 0]


def test_it_is_of_the_smoothed_curve_where_one_is_given() -> None:
    scores = scores_of(steps_at({}), step_s=0.2)
    smoothed = smooth(scores, 1.0)
    np.testing.assert_allclose(rate_of_change(scores, smoothed)[1:], np.diff(smoothed, axis=0) * 5, atol=1e-5)


@pytest.mark.parametrize("window_s", [0.0, 1.0])
def test_planted_jumps_of_both_signs_are_the_spikes(window_s: float) -> None:
    scores = scores_of(steps_at({100: 0.15, 250: -0.15, 399: 0.15}), step_s=0.2)
    rate = rate_of_change(scores, smooth(scores, window_s))
    spikes = find_spikes(scores, rate, least_z=6.0)
    assert [s.time_s for s in spikes] == pytest.approx([20.0, 50.0, 79.8], abs=window_s / 2 + 1e-9)
    assert [np.sign(s.rate) for s in spikes] == [1, -1, 1]
    for spike in spikes:
        column = rate[:, 0].astype(np.float64)[1:]
        spread = 1.4826 * np.median(np.abs(column - np.median(column)))
        assert spike.z == pytest.approx((spike.rate - np.median(column)) / spread)
    assert all(abs(s.z) >= 3.5 for s in find_spikes(scores, rate))


def test_a_jump_over_several_samples_is_one_spike() -> None:
    ramp = np.concatenate([np.zeros(100), [0.05, 0.12, 0.17], np.full(100, 0.2)])
    (spike,) = find_spikes(scores := scores_of(ramp), rate_of_change(scores))
    assert spike.time_s == 101.0


def test_a_jump_at_a_cut_is_no_spike() -> None:
    scores = scores_of(steps_at({100: 0.3}), step_s=0.2)
    cuts = np.array([19.9])
    assert 20.0 in [s.time_s for s in find_spikes(scores, rate_of_change(scores))]
    assert 20.0 not in [s.time_s for s in find_spikes(scores, rate_of_change(scores, cuts_s=cuts), cuts)]


@pytest.mark.parametrize(
    "values", [[0.2], [0.2, 0.2], np.full(50, 0.2), 0.2 + np.random.default_rng(0).random(50) * 1e-4]
)
def test_what_stays_has_none(values: list[float]) -> None:
    scores = scores_of(values)
    assert find_spikes(scores, rate_of_change(scores)) == []


def test_no_samples_at_all_and_a_bad_limit() -> None:
    empty = scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0)
    assert rate_of_change(empty).shape == (0, 1)
    assert find_spikes(empty, rate_of_change(empty)) == []
    with pytest.raises(ValueError, match="least_z must be above 0, not 0"):
        find_spikes(empty, rate_of_change(empty), least_z=0)
