"""A few marks whose best cut is known."""

import numpy as np
import pytest

from clip_core.evaluation.marks import FittedThreshold, MarkedFrame, fit_threshold, fit_thresholds


def fit(yes: list[float], no: list[float]) -> FittedThreshold:
    return fit_threshold(np.array(yes + no, np.float32), [True] * len(yes) + [False] * len(no))


def errors_at(cut: float, yes: list[float], no: list[float]) -> int:
    """The slow, obvious count, in the precision in which curves are cut."""
    return int((np.float32(yes) < np.float32(cut)).sum() + (np.float32(no) >= np.float32(cut)).sum())


def test_ten_marks_that_agree_are_parted_in_the_middle() -> None:
    fitted = fit([0.32, 0.35, 0.30, 0.33, 0.36], [0.20, 0.24, 0.18, 0.22, 0.21])
    assert fitted.threshold == pytest.approx(0.27)
    assert (fitted.yes, fitted.no, fitted.errors) == (5, 5, 0)
    assert fitted.words == "All 10 marks agree with it."
    assert fitted.sure_low is not None
    assert fitted.sure_high is not None
    assert 0.24 <= fitted.sure_low <= 0.27 <= fitted.sure_high <= 0.30 + 0.01


def test_the_widest_margin_is_taken_among_equally_good_ones() -> None:
    # Cuts above 0.2 up to 0.3 flag the no at 0.4; those above 0.4 up to 0.6 lose the yes at 0.3: one error each.
    yes, no = [0.30, 0.60, 0.70], [0.10, 0.20, 0.40]
    fitted = fit(yes, no)
    assert fitted.threshold == pytest.approx(0.50)
    assert fitted.errors == 1
    assert fitted.words.startswith("1 of 6 marks contradict it: their scores overlap.")


def test_it_makes_as_few_errors_as_any_cut_does() -> None:
    random = np.random.default_rng(2)
    for _ in range(50):
        yes = random.normal(0.30, 0.05, 5).round(2).tolist()
        no = random.normal(0.25, 0.05, 5).round(2).tolist()
        fitted = fit(yes, no)
        fewest = min(errors_at(cut, yes, no) for cut in np.arange(-0.005, 1.0, 0.01))
        assert fitted.errors == fewest == errors_at(fitted.threshold, yes, no)
        assert fitted.sure_low is not None
        assert fitted.sure_high is not None
        assert fitted.sure_low <= fitted.threshold <= fitted.sure_high


def test_it_is_the_same_at_every_call_and_in_any_order() -> None:
    scores, there = np.array([0.3, 0.2, 0.31, 0.22, 0.25, 0.26], np.float32), [True, False, True, False, True, False]
    assert fit_threshold(scores, there) == fit_threshold(scores, there)
    turned = fit_threshold(scores[::-1], there[::-1])
    assert turned.threshold == fit_threshold(scores, there).threshold


def test_overlapping_marks_make_the_interval_wider() -> None:
    clean = fit([0.32, 0.33, 0.34, 0.35, 0.36], [0.20, 0.21, 0.22, 0.23, 0.24])
    mixed = fit([0.22, 0.33, 0.28, 0.35, 0.24], [0.20, 0.30, 0.22, 0.26, 0.34])
    assert mixed.errors > 0
    widths = [fitted.sure_high - fitted.sure_low for fitted in (clean, mixed)]  # type: ignore[operator]
    assert widths[1] > 2 * widths[0]


def test_only_yes_bounds_it_from_above() -> None:
    fitted = fit([0.31, 0.35], [])
    assert fitted.threshold == pytest.approx(0.31)
    assert (fitted.sure_low, fitted.sure_high) == (None, None)
    assert fitted.words == (
        "Only yes is marked: the threshold is at most 0.310. Mark frames where it is not there, too."
    )
    assert errors_at(fitted.threshold, [0.31, 0.35], []) == 0


def test_only_no_bounds_it_from_below() -> None:
    fitted = fit([], [0.2, 0.25])
    assert fitted.threshold > np.float32(0.25)
    assert fitted.words.startswith("Only no is marked: the threshold is above 0.250. Mark frames where it is there")
    assert errors_at(fitted.threshold, [], [0.2, 0.25]) == 0


def test_marks_against_the_scores_say_so() -> None:
    fitted = fit([0.10, 0.12, 0.14], [0.30, 0.31, 0.32])
    assert fitted.errors == 3
    assert fitted.words == (
        "The marks contradict the scores: no frame marked yes scores above one marked no. Try another prompt."
    )


def test_the_same_score_marked_yes_and_no() -> None:
    fitted = fit([0.3], [0.3])
    assert fitted.errors == 1
    assert "contradict" in fitted.words
    assert np.isfinite([fitted.threshold, fitted.sure_low, fitted.sure_high]).all()


def test_few_marks_are_called_rough() -> None:
    assert fit([0.3], [0.2]).words == ("All 2 marks agree with it. With so few marks the interval is rough: mark more.")


def test_neighbouring_floats_are_parted_all_the_same() -> None:
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    assert errors_at(fit([float(high)], [float(low)]).threshold, [float(high)], [float(low)]) == 0


def test_each_prompt_is_fitted_to_its_own_marks() -> None:
    marks = [MarkedFrame("a dog", 0.3, True), MarkedFrame("pizza", 0.2, True), MarkedFrame("a dog", 0.2, False)]
    fitted = fit_thresholds(marks)
    assert list(fitted) == ["a dog", "pizza"]
    assert fitted["a dog"].threshold == pytest.approx(0.25)
    assert (fitted["pizza"].yes, fitted["pizza"].no) == (1, 0)
    assert fit_thresholds([]) == {}


def test_marks_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fit([], [])
    with pytest.raises(ValueError, match="as many scores as marks"):
        fit_threshold(np.ones(2, np.float32), [True])
    with pytest.raises(ValueError, match="must be finite"):
        fit([float("nan")], [0.2])
