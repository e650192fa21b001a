"""A cut says the same in every unit: the same samples lie at or above it."""

import numpy as np
import pytest

from clip_core.scoring.units import (
    Equivalents,
    Scale,
    convert_prompt_threshold,
    cosine_of,
    equivalents,
    equivalents_text,
    share_at_or_above,
)
from tests.support.curve_maker import scores_of


def scale_of(n: int = 400, *, ties: bool = False) -> Scale:
    values = np.random.default_rng(5).normal(0.22, 0.02, (n, 3))
    values = np.round(values, 2) if ties else values
    common = np.random.default_rng(6).normal(0.2, 0.01, n).astype(np.float32)
    raw = scores_of(values[:, :2])
    return Scale(raw, scores_of(values[:, 2], prompts=["no"]), levels=dict.fromkeys(raw.prompts, common))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("cut", [0.0, 12.5, 50.0, 90.0, 98.2, 99.99, 100.0])
def test_a_percentile_and_its_cosine_hold_the_very_same_samples(cut: float, ties: bool) -> None:
    scale = scale_of(ties=ties)
    for prompt in ("p0", "p1"):
        cosine = convert_prompt_threshold(scale, prompt, cut, "percentile", "cosine")
        above = scale.in_unit("percentile").column(prompt) >= np.float32(cut)
        np.testing.assert_array_equal(scale.raw.column(prompt) >= np.float32(cosine), above)
        assert share_at_or_above(scale, prompt, "percentile", cut) == above.mean()


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("cut", [-1.0, 0.18, 0.22, 0.2213, 0.27, 1.0])
def test_a_cosine_and_its_percentile_and_z_hold_the_very_same_samples(cut: float, ties: bool) -> None:
    scale = scale_of(ties=ties)
    above = scale.raw.column("p0") >= np.float32(cut)
    percentile = convert_prompt_threshold(scale, "p0", cut, "cosine", "percentile")
    assert 0 <= percentile <= 100
    np.testing.assert_array_equal(scale.in_unit("percentile").column("p0") >= np.float32(percentile), above)
    z = convert_prompt_threshold(scale, "p0", cut, "cosine", "z")
    assert z == pytest.approx((cut - scale.median[0]) / scale.spread[0])
    assert convert_prompt_threshold(scale, "p0", z, "z", "cosine") == pytest.approx(cut)


@pytest.mark.parametrize("wanted", ["corrected", "margin", "softmax"])
def test_where_no_cosine_stands_for_a_cut_the_share_at_or_above_is_kept(wanted: str) -> None:
    scale = scale_of()
    there = convert_prompt_threshold(scale, "p0", 1.5, "z", wanted)
    assert cosine_of(scale, "p0", wanted, there) is None
    kept = int((scale.in_unit("z").column("p0") >= 1.5).sum())
    assert int((scale.in_unit(wanted).column("p0") >= np.float32(there)).sum()) == kept > 0
    back = convert_prompt_threshold(scale, "p0", there, wanted, "cosine")
    assert int((scale.raw.column("p0") >= np.float32(back)).sum()) == kept
    nothing = convert_prompt_threshold(scale, "p0", 99.0, "z", wanted)
    assert not (scale.in_unit(wanted).column("p0") >= np.float32(nothing)).any()


def test_equivalents_of_a_planted_curve() -> None:
    scale = Scale(scores_of([*[0.20] * 50, *[0.22] * 48, 0.30, 0.31], prompts=["a dog"]))
    assert scale.median[0] == pytest.approx(0.21)
    assert scale.spread[0] == pytest.approx(0.014826, rel=1e-4)
    same = equivalents(scale, "a dog", "z", 2.5)
    assert same.cosine == pytest.approx(0.21 + 2.5 * 0.014826, rel=1e-4)
    assert (same.share, same.z) == (0.02, 2.5)
    assert convert_prompt_threshold(scale, "a dog", 2.5, "z", "percentile") == 98.0
    assert equivalents_text(same) == "z 2.50 ≙ cosine 0.247 ≙ top 2.0 %"
    assert equivalents_text(equivalents(scale, "a dog", "cosine", 0.25)) == "cosine 0.250 ≙ z 2.70 ≙ top 2.0 %"
    assert equivalents_text(equivalents(scale, "a dog", "percentile", 97.0)) == (
        "percentile 97.0 ≙ cosine 0.300 ≙ z 6.07 ≙ top 2.0 %"
    )
    assert equivalents(scale, "a dog", "softmax", 0.5) == Equivalents("softmax", 0.5, 1.0, None, None)
    assert equivalents_text(Equivalents("softmax", 0.5, 0.25, None, None)) == "softmax 0.500 ≙ top 25.0 %"


def test_a_cut_of_corrected_scores_is_told_by_its_share() -> None:
    raw = scores_of([*[0.20] * 90, *[0.30] * 10], prompts=["a dog"])
    scale = Scale(raw, levels={"a dog": np.full(100, 0.25, np.float32)})
    same = equivalents(scale, "a dog", "corrected", 0.01)
    assert (same.share, same.cosine, same.z) == (0.1, None, None)
    assert equivalents_text(same) == "corrected 0.010 ≙ top 10.0 %"
    assert convert_prompt_threshold(scale, "a dog", 0.01, "corrected", "cosine") == pytest.approx(0.30)
    assert convert_prompt_threshold(scale, "a dog", 0.25, "cosine", "corrected") == pytest.approx(0.05)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("unit", ["corrected", "cosine", "z", "percentile", "softmax"])
def test_no_samples_and_one_sample(n: int, unit: str) -> None:
    scale = Scale(scores_of(np.full((n, 1), 0.3), np.arange(n), end_s=1.0), levels={"p0": np.full(n, 0.2, np.float32)})
    same = equivalents(scale, "p0", unit, 0.25)
    assert 0 <= same.share <= 1
    for wanted in ("corrected", "cosine", "z", "percentile", "softmax"):
        assert np.isfinite(convert_prompt_threshold(scale, "p0", 0.25, unit, wanted))
