"""The fast mean over even samples against the slow one over any samples."""

import numpy as np
import pytest

from clip_core.scoring import smoothing as module
from clip_core.scoring.smoothing import smooth
from tests.support.curve_maker import brute_force_mean, scores_of


def noise(n: int, p: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, 0.05, (n, p)).astype(np.float32)


@pytest.mark.parametrize("window_s", [0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0, 3.7, 7.5, 100.0])
@pytest.mark.parametrize("start_s", [0.0, 0.07])
def test_even_samples_by_box_and_by_integral(window_s: float, start_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = scores_of(noise(200), start_s + np.arange(200) * 0.2, end_s=40.15)
    fast = smooth(scores, window_s)
    monkeypatch.setattr(module, "EVEN_WITHIN", -1.0)  # nothing counts as even
    np.testing.assert_allclose(fast, smooth(scores, window_s), atol=1e-6)


def test_the_integral_in_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.5, 60))
    scores = scores_of(noise(60, 5), times)
    whole = smooth(scores, 4.0)
    monkeypatch.setattr(module, "BLOCK_CELLS", 120)
    np.testing.assert_array_equal(whole, smooth(scores, 4.0))


def test_a_cut_splits_even_samples() -> None:
    scores = scores_of(noise(60, 2))
    cut = smooth(scores, 5.0, shot_boundaries_s=np.array([24.5]))
    halves = [scores_of(scores.values[:25], end_s=24.5), scores_of(scores.values[25:], end_s=35.0)]
    expected = np.concatenate([brute_force_mean(halves[0], 5.0), smooth(scores, 5.0)[25:]])
    np.testing.assert_allclose(cut[:25], expected[:25], atol=2e-4)
    np.testing.assert_allclose(cut[30:], expected[30:], atol=1e-6)
    assert cut[25, 0] == pytest.approx(scores.values[25:28, 0].mean(), abs=1e-6)


def test_two_samples_at_one_time_stay_as_they_are() -> None:
    np.testing.assert_array_equal(
        smooth(scores_of([0.1, 0.3], [1.0, 1.0], end_s=1.0), 2.0)[:, 0], np.float32([0.1, 0.3])
    )
    assert np.isfinite(smooth(scores_of([0.1, 0.3, 0.2], [0.0, 1.0, 1.0]), 2.0)).all()
