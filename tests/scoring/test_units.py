"""Each unit is what its definition says, computed once more the slow way."""

import math

import numpy as np
import pytest
from scipy.stats import rankdata

from clip_core.scoring.units import Scale, mid_ranks, robust_statistics
from clip_core.types import Scores
from tests.support.curve_maker import scores_of


def noisy(n: int, p: int, seed: int = 3) -> Scores:
    return scores_of(np.random.default_rng(seed).normal(0.22, 0.02, (n, p)))


@pytest.mark.parametrize("n", [1, 2, 7, 500])
def test_z_is_the_distance_from_the_median_in_robust_deviations(n: int) -> None:
    raw = noisy(n, 3)
    z = Scale(raw).in_unit("z")
    assert (z.unit, z.prompts, z.values.dtype) == ("z", raw.prompts, np.float32)
    for column in range(3):
        curve = raw.values[:, column].tolist()
        middle = sorted(curve)
        median = (middle[(n - 1) // 2] + middle[n // 2]) / 2
        away = sorted(abs(value - median) for value in curve)
        spread = max(1.4826 * (away[(n - 1) // 2] + away[n // 2]) / 2, 0.005)
        np.testing.assert_allclose(z.values[:, column], [(v - median) / spread for v in curve], atol=2e-4)


def test_the_floor_keeps_a_flat_curve_from_inventing_events() -> None:
    flat = scores_of(0.2 + 0.0001 * np.sin(np.arange(400)))
    scale = Scale(flat)
    assert scale.spread.tolist() == [0.005]
    assert float(np.abs(scale.values("z")).max()) < 0.03


@pytest.mark.parametrize("unit", ["corrected", "cosine", "z", "percentile", "softmax", "margin"])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_no_samples_one_sample_and_a_constant_curve_give_numbers(unit: str, n: int) -> None:
    flat = scores_of(np.full((n, 2), 0.25), np.arange(n), end_s=float(n))
    against = scores_of(np.full((n, 1), 0.2), np.arange(n), end_s=1.0, prompts=["no"])
    levels = {prompt: np.full(n, 0.22, np.float32) for prompt in flat.prompts}
    got = Scale(flat, against, levels=levels).in_unit(unit)  # type: ignore[arg-type]
    assert (got.values.shape, got.values.dtype, got.unit) == ((n, 2), np.float32, unit)
    expected = {"corrected": 0.03, "cosine": 0.25, "z": 0.0, "percentile": 50.0, "margin": 0.05,
                "softmax": 1 / (2 + math.exp(-5))}[unit]  # fmt: skip
    np.testing.assert_allclose(got.values, expected, atol=1e-5)


def test_percentile_is_the_mid_rank() -> None:
    curve = np.random.default_rng(1).integers(0, 30, 500).astype(np.float32) / 100  # many ties
    np.testing.assert_allclose(mid_ranks(curve), (rankdata(curve) - 0.5) / 5, rtol=1e-6)
    assert mid_ranks(np.array([3, 1, 2, 2], np.float32)).tolist() == [87.5, 12.5, 50.0, 50.0]
    raw = noisy(300, 2)
    slow = [
        [100 * (np.sum(c < v) + np.sum(c <= v)) / 600 for c, v in zip(raw.values.T, row, strict=True)]
        for row in raw.values
    ]
    np.testing.assert_allclose(Scale(raw).values("percentile"), slow, rtol=1e-6)


def test_softmax_is_over_prompts_and_negatives_with_the_models_scale_and_the_weights() -> None:
    raw, negatives = noisy(50, 3), scores_of(noisy(50, 2, seed=9).values, prompts=["no", "nay"])
    got = Scale(raw, negatives, weights={"p1": 5.0, "nay": 0.5}, logit_scale=40.0).values("softmax")
    for i in range(50):
        cosines = [*raw.values[i].tolist(), *negatives.values[i].tolist()]
        powers = [w * math.exp(40 * s) for w, s in zip([1, 5, 1, 1, 0.5], cosines, strict=True)]
        np.testing.assert_allclose(got[i], np.array(powers[:3]) / sum(powers), rtol=1e-4)
    alone = Scale(raw, logit_scale=40.0).values("softmax")
    np.testing.assert_allclose(alone.sum(axis=1), 1.0, rtol=1e-5)
    huge = Scale(raw, logit_scale=1e6).values("softmax")
    assert np.isfinite(huge).all()
    assert float(huge.max()) <= 1


def test_margin_is_over_the_best_negative_with_prior_odds_on_both_sides() -> None:
    raw = scores_of([[0.30, 0.20]])
    negatives = scores_of([[0.25, 0.10]], prompts=["no", "nay"])
    np.testing.assert_allclose(Scale(raw, negatives).values("margin"), [[0.05, -0.05]], atol=1e-6)
    weighed = Scale(raw, negatives, weights={"p1": math.e, "no": math.e**2}, logit_scale=50.0)
    np.testing.assert_allclose(weighed.values("margin"), [[0.30 - 0.29, 0.22 - 0.29]], atol=1e-6)


def test_corrected_is_less_what_neutral_texts_score_on_the_same_sample() -> None:
    raw = noisy(30, 2)
    levels = {p: np.random.default_rng(k).normal(0.2, 0.01, 30).astype(np.float32) for k, p in enumerate(raw.prompts)}
    got = Scale(raw, levels=levels).in_unit("corrected")
    assert (got.unit, got.values.dtype) == ("corrected", np.float32)
    for k, prompt in enumerate(raw.prompts):
        np.testing.assert_allclose(got.column(prompt), raw.values[:, k] - levels[prompt], atol=1e-7)
    shifted = scores_of(raw.values + levels["p0"][:, None], prompts=raw.prompts)  # what is common to all texts
    moved = Scale(shifted, levels={p: level + levels["p0"] for p, level in levels.items()})
    np.testing.assert_allclose(moved.values("corrected"), got.values, atol=1e-6)


def test_corrected_needs_what_neutral_texts_score_of_every_prompt() -> None:
    raw = noisy(5, 2)
    one = {"p0": np.zeros(5, np.float32)}
    for levels in (None, one):
        assert Scale(raw, levels=levels).units == ("cosine", "z", "percentile", "softmax")
        with pytest.raises(ValueError, match="corrected scores need what neutral texts score"):
            Scale(raw, levels=levels).in_unit("corrected")
    assert Scale(raw, levels=one | {"p1": one["p0"]}).units[0] == "corrected"
    none = scores_of(np.empty((5, 0)), prompts=[])
    object.__setattr__(none, "prompts", ())
    assert Scale(none).values("corrected").shape == (5, 0)


def test_weights_act_only_where_prompts_compete() -> None:
    raw = noisy(60, 2)
    for unit in ("cosine", "z", "percentile"):
        np.testing.assert_array_equal(Scale(raw, weights={"p0": 7.0}).values(unit), Scale(raw).values(unit))


def test_what_cannot_be_is_refused() -> None:
    raw = noisy(5, 1)
    with pytest.raises(ValueError, match='the margin needs a negative prompt: add a line such as "- a person"'):
        Scale(raw).in_unit("margin")
    assert "margin" not in Scale(raw).units
    assert "margin" in Scale(raw, scores_of(np.zeros(5), prompts=["no"])).units
    with pytest.raises(
        ValueError, match="there is no unit 'dB'; there are corrected, cosine, z, percentile, margin, softmax"
    ):
        Scale(raw).in_unit("dB")  # type: ignore[arg-type]
    for weight in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="the weight of 'p0' must be a finite number above 0"):
            Scale(raw, weights={"p0": weight})
    with pytest.raises(ValueError, match="the logit scale must be"):
        Scale(raw, logit_scale=0.0)
    with pytest.raises(ValueError, match="derived from raw cosines, not from z"):
        Scale(Scale(raw).in_unit("z"))
    with pytest.raises(ValueError, match="the negatives must have 5 samples too, not 4"):
        Scale(raw, noisy(4, 1))


def test_statistics_of_the_whole_video() -> None:
    median, spread = robust_statistics(np.array([[1.0], [2.0], [4.0], [9.0]], np.float32))
    assert median.tolist() == [3.0]
    np.testing.assert_allclose(spread, 1.4826 * 1.5)
