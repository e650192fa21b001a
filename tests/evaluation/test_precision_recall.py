"""Precision and recall over the threshold, worked by hand and against a slow count."""

import numpy as np
import pytest

from clip_core.evaluation.intervals import as_intervals
from clip_core.evaluation.precision_recall import PrecisionRecall, TimedScore, precision_recall, timed


def part(scores: list[float], left: list[float], right: list[float], truths: list[tuple[float, float]]) -> TimedScore:
    return timed(np.array(scores, np.float32), np.array(left), np.array(right), as_intervals(truths))


def test_seconds_count_and_not_samples() -> None:
    # Spans of 1, 3 and 2 s; the truth 0–2 covers 1 s of the first, 1 of the second.
    one = part([0.9, 0.5, 0.1], [0, 1, 4], [1, 4, 6], [(0, 2)])
    np.testing.assert_allclose(one.true_s, [1, 1, 0])
    np.testing.assert_allclose(one.false_s, [0, 2, 2])
    curve = precision_recall([one])
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.5, 0.1], atol=1e-7)
    np.testing.assert_allclose(curve.precision, [1, 2 / 4, 2 / 6])
    np.testing.assert_allclose(curve.recall, [1 / 2, 1, 1])
    assert curve.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 1 / 2)


def test_prompts_are_pooled_under_one_threshold() -> None:
    there = part([0.8, 0.2], [0, 1], [1, 2], [(0, 1)])
    absent = part([0.9, 0.1], [0, 1], [1, 2], [])
    curve = precision_recall([there, absent])
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.8, 0.2, 0.1], atol=1e-7)
    np.testing.assert_allclose(curve.precision, [0, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_allclose(curve.recall, [0, 1, 1, 1])
    assert curve.average_precision == pytest.approx(0.5)


def test_every_point_is_what_a_slow_count_says() -> None:
    random = np.random.default_rng(3)
    left = np.arange(60.0)
    scores = random.integers(0, 12, 60).astype(np.float32) / 12  # with doubles
    one = timed(scores, left, left + 1, as_intervals([(3.25, 17.5), (40, 52)]))
    curve = precision_recall([one])
    assert curve.thresholds.tolist() == sorted(set(scores.astype(np.float64).tolist()), reverse=True)
    for cut, precision, recall in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        flagged = scores >= cut
        hits = one.true_s[flagged].sum()
        assert precision == pytest.approx(hits / flagged.sum())
        assert recall == pytest.approx(hits / 26.25)


def test_a_perfect_curve_has_1_and_a_constant_one_the_share_of_what_is_true() -> None:
    left = np.arange(10.0)
    truths = as_intervals([(2, 5)])
    perfect = timed(np.where((left >= 2) & (left < 5), 0.4, 0.2).astype(np.float32), left, left + 1, truths)
    constant = timed(np.full(10, 0.3, np.float32), left, left + 1, truths)
    assert precision_recall([perfect]).average_precision == pytest.approx(1.0)
    assert precision_recall([constant]).average_precision == pytest.approx(0.3)
    assert len(precision_recall([constant]).thresholds) == 1


@pytest.mark.parametrize("parts", [[], [part([], [], [], [(0, 1)])]])
def test_nothing_gives_an_empty_curve(parts: list[TimedScore]) -> None:
    curve = precision_recall(parts)
    assert (len(curve.thresholds), len(curve.precision), len(curve.recall)) == (0, 0, 0)
    assert curve.average_precision is None


def test_nothing_true_and_samples_without_any_time_make_no_nan() -> None:
    curve = precision_recall([part([0.5, 0.4], [0, 1], [1, 2], []), part([0.9], [5], [5], [(4, 6)])])
    assert curve.precision.tolist() == [0.0, 0.0, 0.0]
    assert curve.recall.tolist() == [0.0, 0.0, 0.0]
    assert curve.average_precision is None


def test_a_curve_is_thinned_with_its_ends_kept() -> None:
    steps = np.linspace(0, 1, 1000)
    curve = PrecisionRecall(1 - steps, 1 - steps / 2, steps, 0.75)
    thin = curve.thinned(50)
    assert (len(thin.thresholds), thin.recall[0], thin.recall[-1], thin.average_precision) == (50, 0.0, 1.0, 0.75)
    assert curve.thinned(1000) is curve


def test_one_threshold_on_the_curve() -> None:
    scores = np.array([0.1, 0.4, 0.3, 0.2], np.float32)
    left = np.arange(4.0)
    curve = precision_recall([timed(scores, left, left + 1, np.array([[1.0, 2.0], [3.0, 4.0]]))])
    assert curve.at(0.5) == (0.0, 0.0)
    assert curve.at(0.4) == (1.0, 0.5)  # equal counts as reached, in the precision of scores
    assert curve.at(0.25) == (0.5, 0.5)
    assert curve.at(0.0) == (0.5, 1.0)
