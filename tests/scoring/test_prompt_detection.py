"""Who is there is found where it is, and who is not is not: on curves that behave as real ones do."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import numpy as np
import pytest

from clip_core.scoring.moments import Rules, moments_of_runs
from clip_core.scoring.null_bank import NullBank, PromptBank, prompt_banks
from clip_core.scoring.prompt_detection import MOST_CANDIDATES, PromptDetection, detect_prompt
from clip_core.scoring.segments import Segmenter, Segments
from clip_core.scoring.spans import sample_spans
from clip_core.types import Floats, Moment
from tests.support.curve_maker import scores_of
from tests.support.film_maker import COMMON, HUBNESS, LAG_1S, MEAN, NOISE, Film, planted_film

DOG = "a dog"
CONFIDENCES = (0.90, 0.95, 0.98)
SLACK = 0.015


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / (max(a[1], b[1]) - min(a[0], b[0]))


def flagged(film: Film, confidence: float = 0.95) -> list[bool]:
    return [film.detect(prompt, confidence).verdict.sure for prompt in film.texts]


def test_planted_curves_are_as_real_ones() -> None:
    film = planted_film({}, seconds=1500)
    np.testing.assert_allclose(np.linalg.norm(film.vectors, axis=1), 1, atol=1e-5)
    curves = (film.vectors @ film.bank.vectors.T).astype(np.float64)
    assert curves.mean() == pytest.approx(MEAN, abs=0.002)
    assert curves.mean(axis=0).std() == pytest.approx(HUBNESS, rel=0.15)
    moved = curves - curves.mean(axis=0)
    common = moved.mean(axis=1, keepdims=True)
    assert common.var() / moved.var() == pytest.approx(COMMON, abs=0.05)
    own = moved - common
    assert own.std() == pytest.approx(NOISE, rel=0.05)
    assert np.mean(own[1:] * own[:-1]) / own.var() == pytest.approx(LAG_1S, abs=0.05)
    steps = 1 - np.sum(film.vectors[1:] * film.vectors[:-1], axis=1)
    assert 0.029 < np.median(steps) < 0.085  # the middle half of real ones
    assert np.quantile(steps, 0.99) < 0.18  # of which none is a shot boundary


@pytest.mark.parametrize("seed", range(20))
def test_a_rise_of_three_hundredths_is_found_where_it_is(seed: int) -> None:
    film = planted_film({DOG: [(40, 60)]}, seed=seed)
    found = film.detect(DOG)
    assert found.verdict.kind == "there"
    assert found.verdict.confidence is not None
    assert found.verdict.confidence > 0.95
    assert iou(film.seconds(found)[0], (40, 60)) >= 0.7
    assert len(found.runs) == 1
    assert found.line <= found.runs[0].level


@pytest.mark.parametrize("seed", range(20))
def test_a_rise_that_neutral_texts_reach_too_has_its_place_among_the_candidates(seed: int) -> None:
    film = planted_film({DOG: [(40, 60)]}, rise=0.01, seed=seed)
    found = film.detect(DOG)
    assert found.verdict.kind == "not sure"
    assert 1 <= len(found.runs) <= MOST_CANDIDATES
    assert max(iou(run, (40, 60)) for run in film.seconds(found)) >= 0.7


def test_the_more_sure_somebody_wants_to_be_the_less_is_there() -> None:
    there = Counter[float]()
    for seed in range(30):
        film = planted_film({DOG: [(40, 60)]}, rise=0.022, seed=seed)
        kinds = {c: film.detect(DOG, c).verdict.sure for c in CONFIDENCES}
        assert sorted(kinds.values(), reverse=True) == list(kinds.values())
        there.update(c for c, sure in kinds.items() if sure)
    assert there[0.90] > there[0.95] > there[0.98]


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_of_absent_prompts_no_more_are_flagged_than_was_said(confidence: float) -> None:
    films = (planted_film({}, absent=60, seconds=60, seed=1000 + seed) for seed in range(50))
    share = float(np.mean([flagged(film, confidence) for film in films]))
    assert 0.3 * (1 - confidence) <= share <= 1 - confidence + SLACK


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_texts_of_the_bank_word_for_word_are_no_more_often_there(confidence: float) -> None:
    """Each is left out of its own level and its own rank; else their share would be wrong."""
    shares = []
    for seed in range(5):
        film = planted_film({}, seconds=60, seed=seed)
        bank, order = film.bank, np.arange(len(film.vectors))
        banks = prompt_banks(bank.texts, bank, film.vectors, order, film.segments)
        cosines = film.vectors @ bank.vectors.T
        found = [detect_prompt(cosines[:, k], film.segments, banks[p], confidence) for k, p in enumerate(bank.texts)]
        assert {d.verdict.texts for d in found} == {299}
        shares.append(np.mean([d.verdict.sure for d in found]))
    assert 1 - confidence - SLACK <= float(np.mean(shares)) <= 1 - confidence + SLACK


def test_absent_prompts_are_flagged_no_more_often_where_a_bank_text_is_really_there() -> None:
    """What towers above all texts on a frame lifts the level there, for the prompts too."""
    shares = []
    for seed in range(20):
        film = planted_film({DOG: [(20, 40)]}, absent=40, seconds=60, rise=0.08, seed=seed)
        known = NullBank([*film.bank.texts, DOG], np.vstack([film.bank.vectors, film.texts[DOG]]), 100.0)
        absent = [prompt for prompt in film.texts if prompt != DOG]
        banks = prompt_banks(absent, known, film.vectors, np.arange(len(film.vectors)), film.segments)
        shares += [detect_prompt(film.curve(p), film.segments, banks[p], 0.95).verdict.sure for p in absent]
    assert np.mean(shares) <= 0.05 + SLACK


@pytest.mark.parametrize("seed", range(10))
def test_what_is_there_all_the_time_is_there_throughout(seed: int) -> None:
    film = planted_film({DOG: [(0, 120)]}, rise=0.04, seed=seed)
    found = film.detect(DOG)
    assert found.verdict.kind == "throughout"
    assert film.seconds(found) == [(0.0, 120.0)]
    assert "It stays high in most of the video." in found.verdict.reason


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stretch", [(0, 84), (20, 104), (36, 120)])
def test_what_is_there_for_most_of_the_time_has_its_long_stretch(seed: int, stretch: tuple[int, int]) -> None:
    film = planted_film({DOG: [stretch]}, rise=0.035, seed=seed)
    found = film.detect(DOG)
    assert found.verdict.kind == "throughout"
    assert [iou(run, stretch) >= 0.9 for run in film.seconds(found)] == [True]


@pytest.mark.parametrize("seed", range(10))
def test_two_events_of_one_prompt_are_two_moments(seed: int) -> None:
    film = planted_film({DOG: [(20, 35), (80, 100)]}, rise=0.035, seed=seed)
    found = film.detect(DOG)
    assert found.verdict.kind == "there"
    runs = film.seconds(found)
    assert len(runs) == 2
    assert [iou(run, truth) >= 0.7 for run, truth in zip(runs, film.truth[DOG], strict=True)] == [True, True]


@pytest.mark.parametrize("per_s", [1, 2, 5])
def test_the_same_event_is_found_at_every_rate(per_s: int) -> None:
    film = planted_film({DOG: [(40, 60)]}, rise=0.035, per_s=per_s, seed=3)
    found = film.detect(DOG)
    assert found.verdict.kind == "there"
    assert iou(film.seconds(found)[0], (40, 60)) >= 0.7


def test_reasons_name_the_share_and_what_it_means() -> None:
    film = planted_film({DOG: [(40, 60)], "a cat": []}, seed=3)
    there, absent = film.detect(DOG).verdict, film.detect("a cat").verdict
    assert (there.kind, absent.kind) == ("there", "not sure")
    for verdict in (there, absent):
        share = re.search(r"(\d+) % of 300 neutral texts", verdict.reason)
        assert share is not None
        assert verdict.confidence is not None
        assert int(share[1]) == int(100 * verdict.confidence)
        assert verdict.texts == 300
    others = re.search(r"about (\d+) in 100 absent ones come as high", there.reason)
    assert others is not None
    assert int(others[1]) == max(1, round(100 * (1 - (there.confidence or 0))))
    assert absent.reason.startswith("Beats only")
    assert "generic" not in there.reason + absent.reason


@pytest.mark.parametrize("seed", range(5))
def test_a_generic_prompt_is_told_why_and_what_helps(seed: int) -> None:
    """High in all frames, as "a person" is, but not higher than the highest neutral texts somewhere."""
    film = planted_film({"a person": []}, own_hubness=0.018, seed=seed)
    verdict = film.detect("a person", 0.98).verdict
    assert verdict.kind == "not sure"
    assert "as generic prompts are. A negative prompt or a threshold set by hand helps." in verdict.reason
    assert film.detect("a person", 0.98).runs


def test_without_a_bank_the_curve_alone_decides_and_no_confidence_is_claimed() -> None:
    film = planted_film({DOG: [(40, 60)], "a cat": [], "a sofa": [(0, 120)]}, rise=0.08, seed=1)
    dog, cat, sofa = (film.detect(prompt, ask_bank=False) for prompt in (DOG, "a cat", "a sofa"))
    assert [found.verdict.kind for found in (dog, cat, sofa)] == ["there", "not sure", "not sure"]
    assert [found.verdict.confidence for found in (dog, cat, sofa)] == [None] * 3
    assert iou(film.seconds(dog)[0], (40, 60)) >= 0.7
    assert all("No neutral texts were asked" in found.verdict.reason for found in (dog, cat, sofa))
    assert 1 <= len(cat.runs) <= MOST_CANDIDATES


def made(
    curves: Floats, bank: Floats, times_s: np.ndarray, vectors: Floats, names: list[str]
) -> dict[str, PromptDetection]:
    """Detect texts (p, dim) on frames (n, dim) with a bank (m, dim)."""
    order = np.arange(len(vectors))
    spans = sample_spans(times_s, 0.0, float(times_s[-1]) + 1 if len(times_s) else 0.0)
    segments = Segmenter().segments(vectors, order, spans, times_s, np.empty(0))
    known = NullBank([f"neutral {k}" for k in range(len(bank))], bank, 100.0)
    banks = prompt_banks(names, known, vectors, order, segments)
    return {p: detect_prompt(vectors @ text, segments, banks[p], 0.95) for p, text in zip(names, curves, strict=True)}


def random_units(n: int, seed: int, dim: int = 64) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=(n, dim))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("n", [1, 2, 60])
def test_one_sample_two_and_a_video_of_one_colour_have_what_beats_the_bank_throughout(n: int) -> None:
    bank, frame = random_units(300, 1), random_units(1, 2)
    cosines = np.sort(bank @ frame[0])
    names = [f"p{k}" for k in range(4)]
    height = np.array([cosines[-1] + 0.1, cosines[150], cosines[0] - 0.1, cosines[280]])
    beside = random_units(1, 3)[0] - (random_units(1, 3)[0] @ frame[0]) * frame[0]
    texts = height[:, None] * frame + np.sqrt(1 - height[:, None] ** 2) * beside / np.linalg.norm(beside)
    found = made(texts.astype(np.float32), bank, np.arange(float(n)), np.repeat(frame, n, axis=0), names)
    assert [found[p].verdict.kind for p in names] == ["throughout", "not sure", "not sure", "not sure"]
    for detected in found.values():
        assert [(run.first, run.stop) for run in detected.runs] == [(0, n)]
        assert np.isfinite([detected.line, detected.runs[0].level]).all()


def test_no_samples_are_not_sure_and_say_so() -> None:
    found = made(random_units(1, 1), random_units(300, 2), np.empty(0), np.empty((0, 64), np.float32), [DOG])[DOG]
    assert (found.verdict.kind, found.verdict.confidence, found.runs) == ("not sure", None, ())
    assert found.verdict.reason == "There are no samples yet."


@pytest.mark.parametrize("moves", [True, False])
@pytest.mark.parametrize("seed", range(10))
def test_where_all_texts_score_alike_nobody_is_there(moves: bool, seed: int) -> None:
    """Rounding must not decide."""
    frames, text = random_units(60 if moves else 1, seed, 512), random_units(1, 100 + seed, 512)
    frames = np.repeat(frames, 1 if moves else 60, axis=0)
    names = [DOG, "neutral 7"]
    found = made(np.repeat(text, 2, axis=0), np.repeat(text, 300, axis=0), np.arange(60.0), frames, names)
    for prompt in names:
        assert (found[prompt].verdict.kind, found[prompt].verdict.confidence) == ("not sure", 0.0)
        assert found[prompt].runs


def test_two_hundred_prompts() -> None:
    film = planted_film({f"thing {k}": [(k, k + 12)] for k in range(0, 100, 10)}, absent=190, rise=0.04, seed=2)
    found = {prompt: film.detect(prompt) for prompt in film.texts}
    assert len(found) == 200
    present = [found[prompt].verdict.sure for prompt, truth in film.truth.items() if truth]
    absent = [found[prompt].verdict.sure for prompt, truth in film.truth.items() if not truth]
    assert (all(present), len(present)) == (True, 10)
    assert np.mean(absent) <= 0.1
    assert all(1 <= len(d.runs) <= MOST_CANDIDATES for d in found.values() if not d.verdict.sure)


def random_case(seed: int) -> tuple[Floats, Segments, PromptBank | None, float]:
    """Anything: segments of random lengths and levels, edges that are off, little or much noise, any bank."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    inner = rng.choice(np.arange(1, n), int(rng.integers(0, min(n, 15))), replace=False) if n > 1 else []
    starts = np.sort(np.concatenate([[0], inner])).astype(np.int64)
    samples_s = rng.uniform(0.1, 2, n)
    segments = Segments(starts, np.add.reduceat(samples_s, starts), np.zeros((len(starts), 2), np.float32), samples_s)
    levels = segments.spread_out(rng.normal(0, 0.03, (len(starts), 1)).astype(np.float32))[:, 0]
    curve = levels + 10 ** rng.uniform(-4, -1.5) * rng.normal(size=n)
    peaks = np.sort(rng.normal(rng.choice([-0.05, 0, 0.02, 0.05]), 0.01, 300)).astype(np.float32)
    bank = PromptBank(np.zeros(n, np.float32), np.zeros(len(starts), np.float32), peaks, peaks)
    moved = np.roll(curve, int(rng.integers(-6, 7))).astype(np.float32)
    return moved, segments, None if seed % 7 == 0 else bank, float(rng.choice(CONFIDENCES))


def test_runs_lie_within_the_video_never_overlap_and_are_never_missing() -> None:
    kinds = Counter[str]()
    for seed in range(3000):
        curve, segments, bank, confidence = random_case(seed)
        found = detect_prompt(curve, segments, bank, confidence)
        kinds[found.verdict.kind] += 1
        assert found.runs
        assert [run.level for run in found.runs] == sorted((run.level for run in found.runs), reverse=True)
        assert all(0 <= run.first < run.stop <= len(curve) for run in found.runs)
        for before, after in itertools.pairwise(sorted(found.runs, key=lambda run: run.first)):
            assert before.stop <= after.first, seed
        if not found.verdict.sure:
            assert len(found.runs) <= MOST_CANDIDATES
    assert min(kinds[kind] for kind in ("there", "throughout", "not sure")) > 300


def test_an_edge_that_no_segment_has_is_found_on_the_curve_where_it_leaves_no_doubt() -> None:
    """The vectors change at 30 and 60; the prompt comes at 36 and goes at 52."""
    samples_s, starts = np.ones(90), np.array([0, 30, 60])
    segments = Segments(starts, np.full(3, 30.0), np.zeros((3, 2), np.float32), samples_s)
    curve = np.random.default_rng(0).normal(0, 0.004, 90).astype(np.float32)
    curve[36:52] += 0.06
    nothing = np.zeros(90, np.float32)
    peaks = np.full(300, 0.01, np.float32)
    found = detect_prompt(curve, segments, PromptBank(nothing, nothing[:3], peaks, peaks), 0.95)
    assert [(run.first, run.stop) for run in found.runs] == [(36, 52)]
    curve[36:52] -= 0.052
    unsure = detect_prompt(curve, segments, PromptBank(nothing, nothing[:3], peaks, peaks), 0.95)
    assert [(run.first, run.stop) for run in unsure.runs] == [(30, 60)]


LEVELS = np.array([0.1, 0.1, 0.3, 0.3, 0.1, 0.4, 0.4, 0.1, 0.1, 0.1], np.float32)


def as_moments(runs: list[tuple[int, int]], rules: Rules | None = None, **rest: tuple[float, float]) -> list[Moment]:
    """Ten samples of one second, with a curve that is above the levels by a little and rising."""
    curve = (LEVELS + np.linspace(0, 0.009, 10)).astype(np.float32)
    given = rules or Rules(0.0, 0.0, 0.0)
    return moments_of_runs(scores_of(curve, prompts=[DOG]), DOG, curve, LEVELS, runs, rules=given, **rest)


def stretches(moments: list[Moment]) -> list[tuple[float, float]]:
    return sorted((m.start_s, m.end_s) for m in moments)


def test_runs_become_moments_with_the_level_of_their_highest_segment_as_peak() -> None:
    first, second = as_moments([(5, 7), (2, 4)])
    assert stretches([first, second]) == [(1.5, 3.5), (4.5, 6.5)]
    assert (first.peak, second.peak) == (pytest.approx(0.3), pytest.approx(0.4))
    assert (first.peak_s, second.peak_s) == (3.0, 6.0)  # the highest sample of the highest segment
    assert first.mean == pytest.approx(0.3025, abs=1e-4)
    assert as_moments([]) == []
    whole = as_moments([(0, 10)])
    assert [(m.start_s, m.end_s, m.peak, m.peak_s) for m in whole] == [(0.0, 10.0, pytest.approx(0.4), 6.0)]


def test_runs_that_touch_stay_apart_unless_gaps_are_filled() -> None:
    assert stretches(as_moments([(2, 4), (4, 7)])) == [(1.5, 3.5), (3.5, 6.5)]
    assert stretches(as_moments([(2, 4), (5, 7)], Rules(1.5, 0.0, 0.0))) == [(1.5, 6.5)]


def test_short_runs_are_dropped_and_the_rest_is_padded() -> None:
    assert stretches(as_moments([(2, 3), (5, 7)], Rules(0.0, 1.5, 0.0))) == [(4.5, 6.5)]
    assert stretches(as_moments([(2, 4), (5, 7)], Rules(0.0, 0.0, 2.0))) == [(0.0, 4.0), (4.0, 8.5)]


def test_runs_end_at_the_time_range_and_at_samples_outside_the_score_range() -> None:
    assert stretches(as_moments([(2, 7)], time_range=(2.8, 5.8))) == [(2.8, 5.5)]
    assert as_moments([(2, 4)], time_range=(6.0, 9.0)) == []
    assert stretches(as_moments([(1, 8)], score_range=(0.2, 0.35))) == [(1.5, 3.5)]
    assert stretches(as_moments([(1, 8)], score_range=(0.2, 1.0))) == [(1.5, 3.5), (4.5, 6.5)]


def test_runs_part_where_samples_are_missing() -> None:
    scores = scores_of(LEVELS, [0, 1, 2, 3, 4, 30, 31, 32, 33, 34], end_s=35.0)
    found = moments_of_runs(scores, "p0", LEVELS, LEVELS, [(2, 7)], rules=Rules(100.0, 0.0, 0.0))
    assert stretches(found) == [(1.5, 5.25), (28.75, 31.5)]
