"""Each kind of smoothing against slow, obvious code, and on the curves that go wrong most easily."""

import math

import numpy as np
import pytest

from clip_core.filters import FILTERS, odd_samples
from clip_core.scoring.smoothing import smooth
from clip_core.types import Scores
from tests.support.curve_maker import scores_of

ADDED: tuple[str, ...] = ("gaussian", "median", "savgol", "exponential")


def noise(n: int, p: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.05, (n, p)).astype(np.float32)


def weighted(values: np.ndarray, weight_of: object) -> np.ndarray:
    """Means with weights by distance in samples; those that are there sum to 1."""
    k = np.arange(len(values))
    weights = weight_of(np.abs(k[:, None] - k[None, :]).astype(np.float64))  # type: ignore[operator]
    return (weights @ values.astype(np.float64)) / weights.sum(axis=1, keepdims=True)


def slow(kind: str, values: np.ndarray, window: float) -> np.ndarray:
    """One kind on evenly spaced samples, a window of ``window`` samples."""
    n = len(values)
    half = (odd_samples(window, n) - 1) // 2
    if kind == "gaussian":
        sigma = min(window, n) / math.sqrt(12)
        radius = int(4 * sigma + 0.5)
        return weighted(values, lambda d: np.exp(-0.5 * (d / sigma) ** 2) * (d <= radius))
    if kind == "exponential":
        return weighted(values, lambda d: np.exp(-d * math.sqrt(24) / min(window, n)))
    out = np.empty(values.shape)
    for i in range(n):
        if kind == "median":
            mirrored = [j if j >= 0 else -1 - j for j in range(i - half, i + half + 1)]
            mirrored = [j if j < n else 2 * n - 1 - j for j in mirrored]
            out[i] = np.median(values[mirrored], axis=0)
        else:
            middle = min(max(i, half), n - 1 - half)
            x = np.arange(middle - half, middle + half + 1)
            for p in range(values.shape[1]):
                fit = np.polyfit(x - i, values[x, p].astype(np.float64), min(2, 2 * half))
                out[i, p] = fit[-1]
    return out


@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("window_s", [0.1, 0.6, 0.8, 1.5, 5.0, 9.0, 30.0, 1000.0])
def test_on_even_samples_it_is_the_slow_code(kind: str, window_s: float) -> None:
    scores = scores_of(noise(75), step_s=0.2)
    np.testing.assert_allclose(smooth(scores, window_s, kind), slow(kind, scores.values, window_s / 0.2), atol=3e-6)


@pytest.mark.parametrize("kind", FILTERS)
def test_cuts_and_gaps_split_the_curve(kind: str) -> None:
    times = np.concatenate([np.arange(30), 40 + np.arange(40)]).astype(np.float64)
    scores = scores_of(np.repeat([0.1, 0.4, 0.2], [30, 15, 25]), times)
    curve = smooth(scores, 8.0, kind, shot_boundaries_s=np.array([54.5]))
    np.testing.assert_allclose(curve, scores.values, atol=1e-6)
    if kind != "median":  # which keeps edges
        assert np.abs(smooth(scores, 8.0, kind) - scores.values).max() > 0.02


@pytest.mark.parametrize("kind", FILTERS)
def test_it_is_centred(kind: str) -> None:
    scores = scores_of(noise(80))
    backwards = Scores(scores.frames, scores.times_s, scores.prompts, scores.values[::-1].copy(), -0.5, 79.5)
    forward = Scores(scores.frames, scores.times_s, scores.prompts, scores.values, -0.5, 79.5)
    np.testing.assert_allclose(smooth(backwards, 6.4, kind)[::-1], smooth(forward, 6.4, kind), atol=1e-6)


@pytest.mark.parametrize("kind", ["mean", "gaussian", "exponential"])
def test_one_position_of_the_slider_blurs_alike(kind: str) -> None:
    """The response to an impulse has the standard deviation of a box of that width."""
    scores = scores_of(np.eye(1, 401, 200)[0])
    curve = smooth(scores, 41.0, kind)[:, 0].astype(np.float64)
    offset = np.arange(401) - 200.0
    assert curve.sum() == pytest.approx(1.0, abs=1e-4)
    assert math.sqrt((curve * offset**2).sum()) == pytest.approx(41 / math.sqrt(12), rel=0.02)


@pytest.mark.parametrize("kind", ADDED)
def test_irregular_samples_of_a_slow_wave_stay_on_it(kind: str) -> None:
    times = np.cumsum(np.random.default_rng(2).uniform(0.1, 0.3, 400))
    wave = 0.2 + 0.05 * np.sin(times / 8)
    curve = smooth(scores_of(wave, times), 1.0, kind)[:, 0]
    np.testing.assert_allclose(curve[10:-10], wave[10:-10], atol=1.5e-3)


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize(
    "times",
    [[0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0, 1.0, 2.0], [0.0, 0.0, 0.0], [0, 1, 2, 2.4, 50, 51], np.arange(9) / 5],
)
@pytest.mark.parametrize("window_s", [0.01, 2.0, 1e6])
def test_a_constant_stays_constant_and_nothing_is_nan(kind: str, times: list[float], window_s: float) -> None:
    constant = scores_of(np.full(len(times), 0.25), times)
    np.testing.assert_allclose(smooth(constant, window_s, kind), 0.25, atol=1e-6)
    curve = smooth(scores_of(noise(len(times)), times), window_s, kind, shot_boundaries_s=np.array([0.5]))
    assert curve.dtype == np.float32
    assert np.isfinite(curve).all()


@pytest.mark.parametrize("kind", FILTERS)
def test_no_prompts_and_no_samples(kind: str) -> None:
    assert smooth(scores_of(np.empty((6, 0)), [0, 1, 2, 3.4, 4, 5]), 3.0, kind).shape == (6, 0)
    assert smooth(scores_of(np.empty((0, 2)), np.empty(0), end_s=1.0), 3.0, kind).shape == (0, 2)
    scores = scores_of(noise(9))
    assert smooth(scores, 0.0, kind) is scores.values


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of mean, gaussian, median, savgol, exponential, not 'box'"):
        smooth(scores_of(noise(9)), 1.0, "box")


@pytest.mark.parametrize(
    ("window", "most", "size"),
    [(0.2, 9, 1), (2, 9, 3), (3, 9, 3), (4, 9, 5), (4.9, 9, 5), (50, 9, 9), (50, 8, 7), (9, 1, 1)],
)
def test_even_windows_become_odd(window: float, most: int, size: int) -> None:
    assert odd_samples(window, most) == size
