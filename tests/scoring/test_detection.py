"""VideoScores and settings → moments, candidates and verdicts, on curves with planted events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from clip_core.errors import SettingsError
from clip_core.scoring.detection import convert_threshold, detect, thresholds_by_hand
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import UNITS, Settings
from clip_core.types import Floats, Unit
from tests.support.curve_maker import scores_of
from tests.support.curve_maker import video_scores_of as video_scores_of_curves

LOW, HIGH, N = 0.15, 0.30, 200
DOG, CAT, TREE, PERSON = "a dog", "a cat", "a tree", "a person"


def curve(*events: tuple[int, int], low: float = LOW, high: float = HIGH, seed: int = 0) -> Floats:
    """A quiet curve of 200 samples with events at [first, stop)."""
    values = low + np.random.default_rng(seed).normal(0, 0.001, N)
    for first, stop in events:
        values[first:stop] += high - low
    return values.astype(np.float32)


def video_scores_of(
    curves: Mapping[str, Floats],
    negatives: Mapping[str, Floats] | None = None,
    bank_peak: float | Floats | None = None,
    weights: Mapping[str, float] | None = None,
    shot_boundaries_s: Sequence[float] = (),
) -> VideoScores:
    """Of curves a second apart; neutral texts score 0 on each sample and reach ``bank_peak`` somewhere."""
    table = np.stack([*curves.values()], axis=1)
    raw = scores_of(table, prompts=list(curves), end_s=float(len(table)))
    return video_scores_of_curves(
        raw, negatives, bank_peak=bank_peak, weights=weights, shot_boundaries_s=shot_boundaries_s
    )


def stretches(settings: Settings, video_scores: VideoScores) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for moment in sorted(detect(settings, video_scores).moments, key=lambda m: m.start_s):
        found.setdefault(moment.prompt, []).append((moment.start_s, moment.end_s))
    return found


@pytest.fixture
def both() -> VideoScores:
    """A dog twice, a cat once within the dog's first, and a tree that is never there."""
    curves = {DOG: curve((40, 60), (120, 130)), CAT: curve((50, 70), seed=1, low=0.2, high=0.26), TREE: curve(seed=2)}
    return video_scores_of(curves, {PERSON: curve(seed=4)}, bank_peak=0.21)


RAW = Settings(smoothing_s=0.0)
DOGS, CATS = [(39.5, 59.5), (119.5, 129.5)], [(49.5, 69.5)]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("smoothing_s", [0.0, 5.0])
def test_what_is_detected_is_the_same_in_every_unit_and_with_every_smoothing(
    both: VideoScores, unit: Unit, smoothing_s: float
) -> None:
    settings = Settings(unit=unit, smoothing_s=smoothing_s)
    found = detect(settings, both)
    assert stretches(settings, both) == {DOG: DOGS, CAT: CATS}
    assert {prompt: verdict.kind for prompt, verdict in found.verdicts.items()} == (
        {DOG: "there", CAT: "there", TREE: "not sure"}
    )
    assert (found.not_sure, found.detects) == ((TREE,), True)
    for moment in found.moments:
        assert moment.peak >= found.thresholds[moment.prompt]  # what is flagged is seen above its line
    assert [m.peak for m in found.moments] == sorted((m.peak for m in found.moments), reverse=True)
    assert set(found.thresholds) == {DOG, CAT}


def test_the_line_lies_between_what_is_there_and_what_is_not(both: VideoScores) -> None:
    for unit in ("corrected", "cosine"):
        lines = detect(Settings(unit=unit, smoothing_s=0), both).thresholds
        assert 0.2 < lines[DOG] < 0.3
        assert 0.21 < lines[CAT] < 0.265


def test_the_likeliest_places_of_what_is_not_sure_are_candidates(both: VideoScores) -> None:
    found = detect(RAW, both)
    assert {candidate.prompt for candidate in found.candidates} == {TREE}
    assert 1 <= len(found.candidates) <= 3
    higher = video_scores_of({DOG: curve((40, 60)), TREE: curve(seed=2)}, bank_peak=0.35)
    unsure = detect(RAW, higher)
    assert (unsure.moments, unsure.thresholds, unsure.not_sure) == ([], {}, (DOG, TREE))
    assert [(c.start_s, c.end_s) for c in unsure.candidates if c.prompt == DOG] == [(39.5, 59.5)]
    assert [unsure.verdicts[p].confidence for p in (DOG, TREE)] == [0.0, 0.0]


def test_candidates_of_the_likeliest_prompt_come_first() -> None:
    raw = scores_of(np.stack([curve(seed=k, high=0.2 + 0.03 * k, low=0.15) for k in range(2)], axis=1),
                    prompts=[TREE, CAT], end_s=float(N))  # fmt: skip
    raw.values[20:40, 1] += 0.1
    found = detect(RAW, video_scores_of_curves(raw, bank_peak=np.linspace(0.16, 0.4, 300, dtype=np.float32)))
    assert found.not_sure == (TREE, CAT)
    assert found.candidates[0].prompt == CAT
    assert (found.verdicts[CAT].confidence or 0) > (found.verdicts[TREE].confidence or 0)
    own = [c.peak for c in found.candidates if c.prompt == TREE]
    assert own == sorted(own, reverse=True)


def test_confidence_is_what_a_prompt_must_beat() -> None:
    peaks = np.repeat(np.array([0.2, 0.9], np.float32), [285, 15])
    video_scores = video_scores_of({DOG: curve((40, 60))}, bank_peak=peaks)
    kinds = {c: detect(replace(RAW, confidence=c), video_scores).verdicts[DOG].kind for c in (0.9, 0.94, 0.95, 0.98)}
    assert kinds == {0.9: "there", 0.94: "there", 0.95: "not sure", 0.98: "not sure"}
    assert detect(RAW, video_scores).verdicts[DOG].confidence == 0.95


def test_a_threshold_by_hand_means_what_it_says_and_the_bank_can_be_added_to_it(both: VideoScores) -> None:
    low = Settings(unit="cosine", threshold=-1.0, smoothing_s=0.0)
    assert stretches(low, both) == {prompt: [(0.0, 200.0)] for prompt in (DOG, CAT, TREE)}
    by_hand = Settings(unit="cosine", threshold=0.1, smoothing_s=0.0)
    found = detect(by_hand, both)
    assert stretches(by_hand, both)[TREE] == [(0.0, 200.0)]
    assert (found.not_sure, found.candidates, found.detects) == ((), [], False)
    assert found.verdicts[TREE].kind == "there"
    assert found.verdicts[TREE].reason.startswith("Its threshold was set by hand, so neutral texts do not decide.")
    assert set(stretches(replace(by_hand, bank_share=95), both)) == {DOG, CAT}
    assert set(stretches(replace(RAW, bank_share=100), both)) == {DOG, CAT}  # which detection does not look at
    without = video_scores_of({TREE: curve(seed=2)})
    assert stretches(replace(by_hand, bank_share=95), without) == {TREE: [(0.0, 200.0)]}
    nothing = detect(Settings(unit="cosine", threshold=0.9), both)
    assert {prompt: verdict.kind for prompt, verdict in nothing.verdicts.items()} == (
        dict.fromkeys((DOG, CAT, TREE), "not sure")
    )


def test_a_threshold_of_its_own_comes_before_the_common_one(both: VideoScores) -> None:
    prompts = both.raw.prompts
    settings = Settings(unit="cosine", threshold=0.25, thresholds={CAT: 0.9}, unflagged=(TREE,))
    assert thresholds_by_hand(settings, prompts) == {DOG: 0.25, CAT: 0.9, TREE: 0.25}
    assert detect(settings, both).thresholds == {DOG: 0.25, CAT: 0.9}
    detecting = Settings(unit="cosine", thresholds={TREE: 0.1}, smoothing_s=0)
    assert thresholds_by_hand(detecting, prompts) == {TREE: 0.1}
    found = detect(detecting, both)
    assert found.thresholds[TREE] == 0.1
    assert found.detects
    assert stretches(detecting, both) == {DOG: DOGS, CAT: CATS, TREE: [(0.0, 200.0)]}


def test_prompts_that_are_not_flagged_have_a_verdict_and_nothing_else(both: VideoScores) -> None:
    found = detect(replace(RAW, unflagged=(DOG, TREE)), both)
    assert {m.prompt for m in found.moments} == {CAT}
    assert (found.candidates, found.not_sure, set(found.thresholds)) == ([], (), {CAT})
    assert set(found.verdicts) == {DOG, CAT, TREE}


def test_what_is_there_all_the_time_is_one_moment() -> None:
    found = detect(RAW, video_scores_of({DOG: curve(low=0.3)}, bank_peak=0.2))
    assert [(m.start_s, m.end_s) for m in found.moments] == [(0.0, 200.0)]
    assert found.verdicts[DOG].kind == "throughout"
    assert found.thresholds[DOG] <= found.moments[0].peak


def test_where_the_bank_was_not_asked_corrected_is_refused_and_the_curves_alone_decide() -> None:
    alone = video_scores_of({DOG: curve((40, 60)), TREE: curve(seed=2)})
    with pytest.raises(SettingsError, match="Corrected scores need the null bank"):
        detect(Settings(), alone)
    for unit in ("cosine", "z", "percentile"):
        found = detect(Settings(unit=unit, smoothing_s=0), alone)  # type: ignore[arg-type]
        assert [(m.prompt, m.start_s, m.end_s) for m in found.moments] == [(DOG, 39.5, 59.5)]
        assert found.verdicts[DOG].confidence is None
        assert {c.prompt for c in found.candidates} == {TREE}


def test_combinations_follow_the_moments(both: VideoScores) -> None:
    settings = Settings(smoothing_s=0, combinations=(("and", DOG, CAT, 0.0), ("without", DOG, CAT, 0.0)))
    found = stretches(settings, both)
    assert found[f"{DOG} and {CAT}"] == [(49.5, 59.5)]
    assert found[f"{DOG} without {CAT}"] == [(39.5, 49.5), (119.5, 129.5)]
    then = Settings(smoothing_s=0, combinations=(("then", CAT, DOG, 55.0),))
    assert stretches(then, both)[f"{CAT} then {DOG} within 55 s"] == [(49.5, 129.5)]


def test_a_combination_of_a_combination(both: VideoScores) -> None:
    first = ("and", DOG, CAT, 0.0)
    settings = Settings(smoothing_s=0, combinations=(first, ("without", CAT, f"{DOG} and {CAT}", 0.0)))
    assert stretches(settings, both)[f"{CAT} without {DOG} and {CAT}"] == [(59.5, 69.5)]


def test_a_combination_with_a_prompt_that_is_not_there_says_nothing(both: VideoScores) -> None:
    settings = Settings(smoothing_s=0, combinations=(("without", DOG, "a horse", 0.0), ("and", "a horse", DOG, 0.0)))
    assert set(stretches(settings, both)) == {DOG, CAT}


def test_time_range_cuts_moments_and_leaves_the_statistics(both: VideoScores) -> None:
    settings = Settings(smoothing_s=0, time_range=(50.0, 125.0))
    assert stretches(settings, both) == {DOG: [(50.0, 59.5), (119.5, 124.5)], CAT: [(50.0, 69.5)]}
    assert detect(settings, both).verdicts == detect(RAW, both).verdicts
    by_hand = Settings(unit="cosine", smoothing_s=0, threshold=0.22, time_range=(50.0, 125.0))
    assert stretches(by_hand, both) == stretches(settings, both)


def test_score_range_keeps_out(both: VideoScores) -> None:
    settings = Settings(unit="cosine", smoothing_s=0, score_range=(0.0, 0.28))
    assert set(stretches(settings, both)) == {CAT}


def test_hysteresis_goes_on_below_the_threshold() -> None:
    values = curve((40, 60), (120, 130))
    values[60:70] = 0.22
    one = video_scores_of({DOG: values})
    settings = Settings(unit="cosine", threshold=0.25, smoothing_s=0)
    assert stretches(settings, one)[DOG] == [(39.5, 59.5), (119.5, 129.5)]
    wider = Settings(unit="cosine", threshold=0.25, smoothing_s=0, hysteresis=0.05)
    assert detect(wider, one).offsets == {DOG: pytest.approx(0.20)}
    assert stretches(wider, one)[DOG] == [(39.5, 69.5), (119.5, 129.5)]


def test_rules_fill_drop_and_pad() -> None:
    one = video_scores_of({DOG: curve((40, 50), (53, 60), (120, 122))})
    settings = Settings(unit="cosine", threshold=0.25, smoothing_s=0.0, min_gap_s=3.5, min_duration_s=2.5, pad_s=1.0)
    assert stretches(settings, one) == {DOG: [(38.5, 60.5)]}
    assert stretches(replace(settings, threshold=None), one) == {DOG: [(38.5, 60.5)]}


def test_smoothing_stops_at_cuts_unless_it_may_cross() -> None:
    cut = video_scores_of({DOG: curve((40, 60))}, shot_boundaries_s=[39.5, 59.5])
    kept = detect(Settings(unit="cosine", smoothing_s=9), cut)
    crossed = detect(Settings(unit="cosine", smoothing_s=9, across_cuts=True), cut)
    assert kept.smoothed[39:41, 0] == pytest.approx([LOW, HIGH], abs=0.002)
    assert 0.2 < crossed.smoothed[39, 0] < 0.25
    assert kept.shot_boundaries_s is cut.shot_boundaries_s
    assert crossed.shot_boundaries_s is None


def test_negatives_give_margin_and_nothing_else_does() -> None:
    alone = video_scores_of({DOG: curve((40, 60))})
    with pytest.raises(SettingsError, match="Margin needs a negative prompt"):
        detect(Settings(unit="margin"), alone)
    both = video_scores_of({DOG: curve((40, 60))}, {PERSON: np.full(N, 0.2, np.float32)})
    assert "margin" in both.scale.units
    margin = detect(Settings(unit="margin", threshold=0.05, smoothing_s=0), both)
    assert [(m.start_s, m.end_s) for m in margin.moments] == [(39.5, 59.5)]
    assert margin.moments[0].peak == pytest.approx(float(both.raw.values.max()) - 0.2)


def test_weights_act_where_prompts_compete() -> None:
    curves = {DOG: curve((40, 60)), CAT: curve((40, 60), seed=1)}
    even, odd = video_scores_of(curves), video_scores_of(curves, weights={DOG: 1.0, CAT: 100.0})
    shares = detect(Settings(unit="softmax", threshold=0.5, smoothing_s=0), odd).scores.values
    assert shares[:, 1].min() > 0.9
    assert shares.sum(axis=1) == pytest.approx(np.ones(N), abs=1e-6)
    for unit in ("cosine", "z", "percentile"):
        same = (detect(Settings(unit=unit), e).scores.values for e in (even, odd))  # type: ignore[arg-type]
        assert np.array_equal(*same)
    with_negative = video_scores_of(
        curves, {PERSON: np.full(N, 0.2, np.float32)}, weights={CAT: math.e, PERSON: math.e**2}
    )
    margin = detect(Settings(unit="margin", threshold=0.5), with_negative).scores
    assert margin.column(CAT) == pytest.approx(curves[CAT] + 0.01 - 0.22, abs=1e-6)
    assert with_negative.weights_of_prompts == {CAT: math.e}


PAIRS = list(product(UNITS, UNITS))


@pytest.mark.parametrize(("given", "wanted"), PAIRS)
def test_a_cut_is_carried_over_in_every_pair_of_units(given: Unit, wanted: Unit) -> None:
    """Between cosine, z and percentile it parts the samples alike; with margin and softmax as many lie above it."""
    curves = {DOG: curve((40, 60)), CAT: curve((90, 140), seed=1)}
    video_scores = video_scores_of(curves, {PERSON: np.full(N, 0.2, np.float32)}, bank_peak=0.2)
    rising = video_scores.scale.rising(given, DOG)
    cut = float((rising[150] + rising[151]) / 2)
    carried = convert_threshold(cut, given, wanted, video_scores, DOG)
    assert carried is not None
    above = [int((video_scores.scale.in_unit(u).column(DOG) >= np.float32(c)).sum())
             for u, c in ((given, cut), (wanted, carried))]  # fmt: skip
    assert above == [49, 49]


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_of_a_common_cut_the_median_is_taken(count: int) -> None:
    curves = {f"p{k}": curve((40, 60), low=0.1 + 0.01 * k, seed=k) for k in range(count)}
    video_scores = video_scores_of(curves)
    each = [convert_threshold(0.25, "cosine", "z", video_scores, p) for p in curves]
    assert convert_threshold(0.25, "cosine", "z", video_scores) == pytest.approx(float(np.median(each)))
    assert convert_threshold(0.25, "cosine", "cosine", video_scores) == pytest.approx(0.25)


def test_without_samples_or_prompts_nothing_is_carried_over() -> None:
    nothing = video_scores_of({DOG: np.empty(0, np.float32)})
    assert convert_threshold(0.3, "cosine", "z", nothing) is None
    assert convert_threshold(0.3, "cosine", "z", video_scores_of({DOG: curve()}), "a horse") is None


def test_measure_takes_the_samples_within_or_the_nearest(both: VideoScores) -> None:
    found = detect(Settings(unit="cosine", smoothing_s=0), both)
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


def test_within_marks_what_lies_outside(both: VideoScores) -> None:
    found = detect(Settings(unit="cosine", smoothing_s=0, time_range=(45.0, 125.0)), both)
    inside = np.isfinite(found.within(DOG, (0.25, 1.0)))
    assert np.flatnonzero(inside).tolist() == [*range(45, 60), *range(120, 125)]
    everything = detect(Settings(unit="cosine", smoothing_s=0), both)
    assert np.array_equal(everything.within(DOG, (-1.0, 1.0)), both.raw.column(DOG))


def test_scale_to_unit_puts_a_band_beside_its_curve(both: VideoScores) -> None:
    raw = both.raw.column(DOG)
    assert np.array_equal(detect(Settings(unit="cosine"), both).scale_to_unit(DOG, raw), raw)
    z = detect(Settings(unit="z"), both)
    assert z.scale_to_unit(DOG, raw) == pytest.approx(z.scores.column(DOG), abs=1e-5)
    corrected = detect(Settings(unit="corrected"), both)
    assert corrected.scale_to_unit(DOG, raw) == pytest.approx(corrected.scores.column(DOG), abs=1e-6)
    with pytest.raises(ValueError, match="no place in percentile"):
        detect(Settings(unit="percentile"), both).scale_to_unit(DOG, raw)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("values", [np.empty(0), np.array([0.3]), np.full(50, 0.3), np.full(2, 0.0)],
                         ids=["none", "one", "constant", "zero"])  # fmt: skip
@pytest.mark.parametrize("peak", [0.4, 0.2])
@pytest.mark.parametrize("mode", ["detect", "hand"])
def test_few_or_constant_samples_give_no_nan_and_are_there_throughout_or_not_sure(
    unit: Unit, values: Floats, peak: float, mode: str
) -> None:
    values = values.astype(np.float32)
    n = len(values)
    video_scores = video_scores_of({DOG: values, CAT: values.copy()}, {PERSON: values.copy()}, bank_peak=peak)
    found = detect(Settings(unit=unit, threshold=None if mode == "detect" else 1e6, smoothing_s=3), video_scores)
    assert np.isfinite(found.scores.values).all()
    assert np.isfinite(found.smoothed).all()
    beaten = mode == "detect" and n > 0 and float(values[0]) > peak
    assert [(m.start_s, m.end_s) for m in found.moments] == ([(0.0, float(n))] * 2 if beaten else [])
    kind = "throughout" if beaten else "not sure"
    assert {verdict.kind for verdict in found.verdicts.values()} == {kind}
    low = detect(Settings(unit=unit, threshold=-1e6, smoothing_s=3), video_scores).moments
    assert len(low) == (2 if n else 0)
    every = [*low, *found.moments, *found.candidates]
    assert all(math.isfinite(x) for m in every for x in (m.start_s, m.end_s, m.peak_s, m.peak, m.mean))
    assert all(math.isfinite(line) for line in found.thresholds.values())


def test_no_prompts_and_only_negatives_find_nothing() -> None:
    raw = scores_of(np.empty((N, 0)), prompts=[])
    object.__setattr__(raw, "prompts", ())
    for negatives in ({}, {PERSON: curve()}):
        video_scores = video_scores_of_curves(raw, negatives)
        for unit in video_scores.scale.units:
            found = detect(Settings(unit=unit), video_scores)
            assert (found.moments, found.candidates, found.scores.values.shape) == ([], [], (N, 0))
