"""Smoothing against SciPy on regular grids and against brute force on irregular ones."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from clip_core.scoring.smoothing import smooth, window_samples
from tests.support.curve_maker import brute_force_mean, scores_of


def noise(n: int, p: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.05, (n, p)).astype(np.float32)


def test_window_zero_returns_the_input_to_the_bit() -> None:
    scores = scores_of(noise(50))
    assert smooth(scores, 0.0) is scores.values


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("step_s", [0.2, 1 / 30])
def test_on_a_regular_grid_it_is_the_uniform_filter(size: int, step_s: float) -> None:
    scores = scores_of(noise(200), step_s=step_s)
    expected = uniform_filter1d(scores.values.astype(np.float64), size, axis=0)
    inside = slice(size, -size)
    np.testing.assert_allclose(smooth(scores, size * step_s)[inside], expected[inside], atol=1e-6)


def test_a_window_below_the_step_changes_nothing() -> None:
    scores = scores_of(noise(30))
    np.testing.assert_allclose(smooth(scores, 0.4), scores.values, atol=1e-6)


def test_irregular_samples_with_a_gap_against_brute_force() -> None:
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.3, 1.2, 40))
    times[25:] += 9.0
    scores = scores_of(noise(40), times - times[0], end_s=float(times[-1] - times[0] + 0.4))
    np.testing.assert_allclose(smooth(scores, 2.3), brute_force_mean(scores, 2.3), atol=2e-4)


def test_nothing_crosses_a_gap() -> None:
    values = np.concatenate([np.zeros(5), np.ones(5)])
    times = np.concatenate([np.arange(5), 20 + np.arange(5)])
    assert smooth(scores_of(values, times), 30.0)[:, 0].tolist() == [0.0] * 5 + [1.0] * 5


def test_it_is_centred() -> None:
    values = np.concatenate([np.zeros(50), np.ones(50)])
    curve = smooth(scores_of(values), 9.0)[:, 0]
    assert curve[49] == pytest.approx(4 / 9, abs=1e-6)
    assert curve[50] == pytest.approx(5 / 9, abs=1e-6)


def test_a_constant_stays_constant_at_the_edges() -> None:
    np.testing.assert_allclose(smooth(scores_of(np.full(20, 0.25)), 5.0), 0.25, atol=1e-7)


@pytest.mark.parametrize("window_s", [-1.0, float("nan"), float("inf")])
def test_an_impossible_window_is_refused(window_s: float) -> None:
    with pytest.raises(ValueError, match="window_s must be >= 0"):
        smooth(scores_of(noise(3)), window_s)


def test_the_window_in_samples() -> None:
    assert window_samples(0.6, np.arange(100) / 5) == 3
    assert window_samples(0.6, np.array([0.0])) == 1
