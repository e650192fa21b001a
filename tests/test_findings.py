"""Evidence and a recipe → thresholds and moments, on curves with planted events."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from clip_core.errors import RecipeError
from clip_core.recipe import UNITS, Recipe
from clip_core.scoring.findings import BankFacts, Evidence, carried_over, find, thresholds_of
from clip_core.values import Floats, Unit
from tests.curve_maker import scores_of

LOW, HIGH, N = 0.15, 0.30, 200
DOG, CAT, TREE, PERSON = "a dog", "a cat", "a tree", "a person"


def curve(*events: tuple[int, int], low: float = LOW, high: float = HIGH, seed: int = 0) -> Floats:
    """A quiet curve of 200 samples with events at [first, stop)."""
    values = low + np.random.default_rng(seed).normal(0, 0.001, N)
    for first, stop in events:
        values[first:stop] += high - low
    return values.astype(np.float32)


def bank_of(peak: float) -> BankFacts:
    """A bank of 100 captions that come out at ``peak`` at best, and lie there on every sample."""
    return BankFacts(np.full((N, 7), peak, np.float32), np.full(100, peak, np.float32))


def evidence_of(
    curves: dict[str, Floats], negatives: dict[str, Floats] | None = None, bank: BankFacts | None = None, **rest: Any
) -> Evidence:
    table = np.stack([*curves.values()], axis=1)
    raw = scores_of(table, prompts=list(curves), end_s=float(len(table)))
    none = np.empty((len(raw), 0), np.float32)
    against = scores_of(np.stack([*negatives.values()], axis=1) if negatives else none, raw.times_s, end_s=raw.end_s)
    object.__setattr__(against, "prompts", tuple(negatives or {}))
    given = {"weights": {}, "logit_scale": 100.0, "cuts_s": np.empty(0)} | rest
    return Evidence(raw, against, bank=bank, **given)


def stretches(recipe: Recipe, evidence: Evidence) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for moment in sorted(find(recipe, evidence).moments, key=lambda m: m.start_s):
        found.setdefault(moment.prompt, []).append((moment.start_s, moment.end_s))
    return found


@pytest.fixture
def both() -> Evidence:
    """A dog twice, a cat once within the dog's first, and a tree that is never there."""
    curves = {DOG: curve((40, 60), (120, 130)), CAT: curve((50, 70), seed=1, low=0.2, high=0.26), TREE: curve(seed=2)}
    return evidence_of(curves, bank=bank_of(0.2))


RAW = Recipe(smoothing_s=0.0)


@pytest.mark.parametrize("unit", ["cosine", "z", "percentile"])
def test_each_prompt_gets_a_threshold_halfway_up_its_events_in_every_unit(both: Evidence, unit: Unit) -> None:
    recipe = Recipe(unit=unit, smoothing_s=0.0)
    found = find(recipe, both)
    assert stretches(recipe, both) == {DOG: [(39.5, 59.5), (119.5, 129.5)], CAT: [(49.5, 69.5)]}
    assert found.unproven == (TREE,)
    if unit == "cosine":
        assert found.thresholds == pytest.approx({DOG: 0.225, CAT: 0.23}, abs=0.002)


def test_the_bank_says_whether(both: Evidence) -> None:
    higher = evidence_of({DOG: curve((40, 60)), TREE: curve(seed=2)}, bank=bank_of(0.35))
    assert stretches(RAW, higher) == {}
    assert thresholds_of(RAW, higher) == {}
    assert stretches(Recipe(smoothing_s=0.0, bank_share=0), higher) == {DOG: [(39.5, 59.5)]}
    assert higher.false_alarm_rates == {DOG: 1.0, TREE: 1.0}
    assert both.false_alarm_rates == {DOG: 0.0, CAT: 0.0, TREE: 1.0}


def test_the_bank_also_keeps_out_what_a_threshold_by_hand_would_flag(both: Evidence) -> None:
    by_hand = Recipe(unit="cosine", threshold=0.1, smoothing_s=0.0)
    assert set(stretches(by_hand, both)) == {DOG, CAT}
    assert stretches(Recipe(unit="cosine", threshold=0.1, smoothing_s=0.0, bank_share=0), both)[TREE] == [(0.0, 200.0)]


def test_a_threshold_of_its_own_comes_before_the_common_one(both: Evidence) -> None:
    recipe = Recipe(unit="cosine", threshold=0.25, thresholds={CAT: 0.9}, unflagged=(TREE,), bank_share=0)
    assert thresholds_of(recipe, both) == {DOG: 0.25, CAT: 0.9}
    assert find(recipe, both).unproven == ()
    adapting = Recipe(unit="cosine", thresholds={TREE: 0.1}, bank_share=0, smoothing_s=0)
    assert thresholds_of(adapting, both)[TREE] == 0.1
    assert thresholds_of(adapting, both)[DOG] == pytest.approx(0.225, abs=0.002)


def test_combinations_follow_the_moments(both: Evidence) -> None:
    recipe = Recipe(smoothing_s=0, combinations=(("and", DOG, CAT, 0.0), ("without", DOG, CAT, 0.0)))
    found = stretches(recipe, both)
    assert found[f"{DOG} and {CAT}"] == [(49.5, 59.5)]
    assert found[f"{DOG} without {CAT}"] == [(39.5, 49.5), (119.5, 129.5)]
    then = Recipe(smoothing_s=0, combinations=(("then", CAT, DOG, 55.0),))
    assert stretches(then, both)[f"{CAT} then {DOG} within 55 s"] == [(49.5, 129.5)]


def test_a_combination_of_a_combination(both: Evidence) -> None:
    first = ("and", DOG, CAT, 0.0)
    recipe = Recipe(smoothing_s=0, combinations=(first, ("without", CAT, f"{DOG} and {CAT}", 0.0)))
    assert stretches(recipe, both)[f"{CAT} without {DOG} and {CAT}"] == [(59.5, 69.5)]


def test_a_combination_with_a_prompt_that_is_not_there_says_nothing(both: Evidence) -> None:
    recipe = Recipe(smoothing_s=0, combinations=(("without", DOG, "a horse", 0.0), ("and", "a horse", DOG, 0.0)))
    assert set(stretches(recipe, both)) == {DOG, CAT}


def test_time_range_cuts_moments_and_leaves_the_statistics(both: Evidence) -> None:
    recipe = Recipe(smoothing_s=0, time_range=(50.0, 125.0))
    assert stretches(recipe, both) == {DOG: [(50.0, 59.5), (119.5, 124.5)], CAT: [(50.0, 69.5)]}
    assert thresholds_of(recipe, both) == thresholds_of(RAW, both)


def test_score_range_keeps_out(both: Evidence) -> None:
    recipe = Recipe(unit="cosine", smoothing_s=0, score_range=(0.0, 0.28))
    assert set(stretches(recipe, both)) == {CAT}


def test_hysteresis_goes_on_below_the_threshold() -> None:
    values = curve((40, 60), (120, 130))
    values[60:70] = 0.22
    one = evidence_of({DOG: values})
    recipe = Recipe(unit="cosine", threshold=0.25, smoothing_s=0, bank_share=0)
    assert stretches(recipe, one)[DOG] == [(39.5, 59.5), (119.5, 129.5)]
    wider = Recipe(unit="cosine", threshold=0.25, smoothing_s=0, bank_share=0, hysteresis=0.05)
    assert find(wider, one).offsets == {DOG: pytest.approx(0.20)}
    assert stretches(wider, one)[DOG] == [(39.5, 69.5), (119.5, 129.5)]


def test_rules_fill_drop_and_pad() -> None:
    one = evidence_of({DOG: curve((40, 50), (53, 60), (120, 122))})
    given = {"unit": "cosine", "threshold": 0.25, "smoothing_s": 0.0, "bank_share": 0}
    recipe = Recipe(**given, min_gap_s=3.5, min_duration_s=2.5, pad_s=1.0)
    assert stretches(recipe, one) == {DOG: [(38.5, 60.5)]}


def test_smoothing_stops_at_cuts_unless_it_may_cross() -> None:
    cut = evidence_of({DOG: curve((40, 60))}, cuts_s=np.array([39.5, 59.5]))
    kept = find(Recipe(unit="cosine", smoothing_s=9), cut)
    crossed = find(Recipe(unit="cosine", smoothing_s=9, across_cuts=True), cut)
    assert kept.smoothed[39:41, 0] == pytest.approx([LOW, HIGH], abs=0.002)
    assert 0.2 < crossed.smoothed[39, 0] < 0.25
    assert kept.cuts_s is cut.cuts_s
    assert crossed.cuts_s is None


def test_negatives_give_margin_and_nothing_else_does() -> None:
    alone = evidence_of({DOG: curve((40, 60))})
    with pytest.raises(RecipeError, match="Margin needs a negative prompt"):
        find(Recipe(unit="margin"), alone)
    both = evidence_of({DOG: curve((40, 60))}, {PERSON: np.full(N, 0.2, np.float32)})
    assert "margin" in both.scale.units
    margin = find(Recipe(unit="margin", threshold=0.05, smoothing_s=0, bank_share=0), both)
    assert [(m.start_s, m.end_s) for m in margin.moments] == [(39.5, 59.5)]
    assert margin.moments[0].peak == pytest.approx(float(both.raw.values.max()) - 0.2)


def test_weights_act_where_prompts_compete() -> None:
    curves = {DOG: curve((40, 60)), CAT: curve((40, 60), seed=1)}
    even, odd = evidence_of(curves), evidence_of(curves, weights={DOG: 1.0, CAT: 100.0})
    shares = find(Recipe(unit="softmax", threshold=0.5, smoothing_s=0), odd).scores.values
    assert shares[:, 1].min() > 0.9
    assert shares.sum(axis=1) == pytest.approx(np.ones(N), abs=1e-6)
    for unit in ("cosine", "z", "percentile"):
        same = (find(Recipe(unit=unit), e).scores.values for e in (even, odd))  # type: ignore[arg-type]
        assert np.array_equal(*same)
    with_negative = evidence_of(curves, {PERSON: np.full(N, 0.2, np.float32)}, weights={CAT: math.e, PERSON: math.e**2})
    margin = find(Recipe(unit="margin", threshold=0.5), with_negative).scores
    assert margin.column(CAT) == pytest.approx(curves[CAT] + 0.01 - 0.22, abs=1e-6)
    assert with_negative.weights_of_prompts == {CAT: math.e}


PAIRS = list(product(UNITS, UNITS))


@pytest.mark.parametrize(("given", "wanted"), PAIRS)
def test_a_cut_is_carried_over_in_every_pair_of_units(given: Unit, wanted: Unit) -> None:
    """Between cosine, z and percentile it parts the samples alike; with margin and softmax as many lie above it."""
    curves = {DOG: curve((40, 60)), CAT: curve((90, 140), seed=1)}
    evidence = evidence_of(curves, {PERSON: np.full(N, 0.2, np.float32)})
    rising = evidence.scale.rising(given, DOG)
    cut = float((rising[150] + rising[151]) / 2)
    carried = carried_over(cut, given, wanted, evidence, DOG)
    assert carried is not None
    above = [int((evidence.scale.in_unit(u).column(DOG) >= np.float32(c)).sum())
             for u, c in ((given, cut), (wanted, carried))]  # fmt: skip
    assert above == [49, 49]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_of_a_common_cut_the_median_is_taken(count: int) -> None:
    curves = {f"p{k}": curve((40, 60), low=0.1 + 0.01 * k, seed=k) for k in range(count)}
    evidence = evidence_of(curves)
    each = [carried_over(0.25, "cosine", "z", evidence, p) for p in curves]
    assert carried_over(0.25, "cosine", "z", evidence) == pytest.approx(float(np.median(each)))
    assert carried_over(0.25, "cosine", "cosine", evidence) == pytest.approx(0.25)


def test_without_samples_or_prompts_nothing_is_carried_over() -> None:
    nothing = evidence_of({DOG: np.empty(0, np.float32)})
    assert carried_over(0.3, "cosine", "z", nothing) is None
    assert carried_over(0.3, "cosine", "z", evidence_of({DOG: curve()}), "a horse") is None


def test_measure_takes_the_samples_within_or_the_nearest(both: Evidence) -> None:
    found = find(Recipe(unit="cosine", smoothing_s=0), both)
    moment = found.measure(DOG, 40.0, 60.0)
    assert moment is not None
    column = both.raw.column(DOG)[40:60]
    assert (moment.start_s, moment.end_s, moment.peak_s) == (40.0, 60.0, 40.0 + int(column.argmax()))
    assert moment.peak == pytest.approx(float(column.max()))
    assert moment.mean == pytest.approx(float(column.mean()), abs=1e-6)
    between = found.measure(DOG, 40.1, 40.3)
    assert between is not None
    assert (between.peak_s, between.peak) == (40.0, pytest.approx(float(column[0])))
    assert found.measure("a horse", 0.0, 1.0) is None


def test_within_marks_what_lies_outside(both: Evidence) -> None:
    found = find(Recipe(unit="cosine", smoothing_s=0, time_range=(45.0, 125.0)), both)
    inside = np.isfinite(found.within(DOG, (0.25, 1.0)))
    assert np.flatnonzero(inside).tolist() == [*range(45, 60), *range(120, 125)]
    everything = find(Recipe(unit="cosine", smoothing_s=0), both)
    assert np.array_equal(everything.within(DOG, (-1.0, 1.0)), both.raw.column(DOG))


def test_scale_to_unit_puts_a_band_beside_its_curve(both: Evidence) -> None:
    raw = both.raw.column(DOG)
    assert np.array_equal(find(Recipe(unit="cosine"), both).scale_to_unit(DOG, raw), raw)
    z = find(Recipe(unit="z"), both)
    assert z.scale_to_unit(DOG, raw) == pytest.approx(z.scores.column(DOG), abs=1e-5)
    with pytest.raises(ValueError, match="no place in percentile"):
        find(Recipe(unit="percentile"), both).scale_to_unit(DOG, raw)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("values", [np.empty(0), np.array([0.3]), np.full(50, 0.3), np.full(2, 0.0)],
                         ids=["none", "one", "constant", "zero"])  # fmt: skip
@pytest.mark.parametrize("mode", ["adapt", "hand"])
def test_few_or_constant_samples_give_no_nan_and_adapting_no_moment(unit: Unit, values: Floats, mode: str) -> None:
    values = values.astype(np.float32)
    n = len(values)
    bank = BankFacts(np.full((n, 7), 0.2, np.float32), np.full(10, 0.2 if n else -1.0, np.float32))
    evidence = evidence_of({DOG: values, CAT: values.copy()}, {PERSON: values.copy()}, bank)
    found = find(Recipe(unit=unit, threshold=None if mode == "adapt" else 1e6, smoothing_s=3), evidence)
    assert np.isfinite(found.scores.values).all()
    assert np.isfinite(found.smoothed).all()
    assert found.moments == []
    assert all(math.isfinite(rate) for rate in evidence.false_alarm_rates.values())
    low = find(Recipe(unit=unit, threshold=-1e6, smoothing_s=3, bank_share=0), evidence).moments
    assert len(low) == (2 if n else 0)
    assert all(math.isfinite(x) for m in low for x in (m.start_s, m.end_s, m.peak_s, m.peak, m.mean))


def test_no_prompts_and_only_negatives_find_nothing() -> None:
    none = np.empty((N, 0), np.float32)
    for negatives in ({}, {PERSON: curve()}):
        raw = scores_of(none)
        object.__setattr__(raw, "prompts", ())
        evidence = evidence_of({DOG: curve()}, negatives)
        evidence = Evidence(raw, evidence.negatives, weights={}, logit_scale=100.0, bank=None, cuts_s=np.empty(0))
        for unit in evidence.scale.units:
            found = find(Recipe(unit=unit), evidence)
            assert (found.moments, found.scores.values.shape) == ([], (N, 0))
