"""Moments judged by a planted truth."""

import pytest

from clip_core.evaluation.ground_truth import Absence, Span, Truth
from clip_core.evaluation.metrics import metrics_of, queries_of
from clip_core.types import Moment

TRUTH = Truth((Span("a dog", 0, 10), Span("a dog", 20, 30), Span("pizza", 0, 10)), (Absence("an elephant"),))


def moment(prompt: str, start_s: float, end_s: float, peak: float) -> Moment:
    return Moment(prompt, start_s, end_s, start_s, peak, peak)


MOMENTS = [
    moment("a dog", 21, 30, 0.9),  # IoU 0.9, 1 s late
    moment("an elephant", 0, 5, 0.8),  # false
    moment("a dog", 40, 50, 0.7),  # false
    moment("a cat", 0, 5, 0.6),  # of a prompt that the truth says nothing of
]


def test_each_prompt_and_all_together_by_hand() -> None:
    overall, (dog, pizza, elephant) = metrics_of(MOMENTS, TRUTH)
    assert (dog.prompt, dog.truths, dog.moments, dog.missed, dog.false_moments) == ("a dog", 2, 2, 1, 1)
    # Right at 9 of the 10 IoUs (0.5 … 0.9), each time precision 1 at recall 1/2.
    assert (dog.r1_50, dog.r1_70, dog.map) == (1.0, 1.0, pytest.approx(0.45))
    assert (dog.map_50, dog.map_75) == (0.5, 0.5)
    assert dog.f1 == pytest.approx(0.9 * 2 * 1 / 4)
    assert dog.mean_iou == pytest.approx(0.45)
    assert (dog.onset_median_s, dog.onset_mean_s) == (1.0, 1.0)
    assert (pizza.r1_50, pizza.map, pizza.mean_iou, pizza.onset_mean_s, pizza.missed) == (0.0, 0.0, 0.0, None, 1)
    assert (elephant.truths, elephant.moments, elephant.false_moments) == (0, 1, 1)
    assert (elephant.r1_50, elephant.map, elephant.mean_iou) == (None, None, None)
    assert (overall.prompt, overall.truths, overall.moments) == ("", 3, 3)
    assert (overall.missed, overall.false_moments) == (2, 2)
    assert (overall.r1_50, overall.map) == (0.5, pytest.approx(0.225))
    assert overall.f1 == pytest.approx(0.9 * 2 * 1 / 6)
    assert overall.mean_iou == pytest.approx(0.3)
    assert overall.onset_median_s == 1.0


def test_exact_moments_are_perfect() -> None:
    exact = [moment(span.prompt, span.start_s, span.end_s, 0.5) for span in TRUTH.spans]
    overall, _ = metrics_of(exact, TRUTH)
    shares = (overall.r1_50, overall.r1_70, overall.map, overall.map_50, overall.map_75, overall.f1, overall.mean_iou)
    assert shares == (1.0,) * 7
    assert (overall.onset_mean_s, overall.missed, overall.false_moments) == (0.0, 0, 0)


def test_no_moments_miss_all_and_no_truth_measures_nothing() -> None:
    overall, _ = metrics_of([], TRUTH)
    assert (overall.r1_50, overall.map, overall.f1, overall.missed, overall.onset_median_s) == (0.0, 0.0, 0.0, 3, None)
    nothing, each = metrics_of(MOMENTS, Truth(()))
    assert (each, nothing.truths, nothing.map, nothing.mean_iou, nothing.f1) == ((), 0, None, None, 1.0)


def test_moments_at_the_very_start_and_end_count() -> None:
    truth = Truth((Span("a dog", 0, 2), Span("a dog", 58, 60)))
    overall, _ = metrics_of([moment("a dog", 0, 2, 0.5), moment("a dog", 58, 60, 0.4)], truth)
    assert (overall.map, overall.missed) == (1.0, 0)


def test_moments_rank_by_their_peak_however_they_are_listed() -> None:
    """Judged moments come with the edges and peaks of their edits, added ones last."""
    listed = [moment("a dog", 40, 50, 0.3), moment("a dog", 60, 70, 0.3), moment("a dog", 20, 30, 0.9)]
    assert queries_of(listed, TRUTH)["a dog"].windows.tolist() == [[20.0, 30.0], [40.0, 50.0], [60.0, 70.0]]
    _, (dog, *_) = metrics_of(listed, TRUTH)
    assert (dog.r1_50, dog.r1_70, dog.map) == (1.0, 1.0, pytest.approx(0.5))


def test_queries_keep_the_rank() -> None:
    queries = queries_of(MOMENTS, TRUTH)
    assert list(queries) == ["a dog", "pizza", "an elephant"]
    assert queries["a dog"].scores.tolist() == [0.9, 0.7]
    assert queries["a dog"].windows.tolist() == [[21.0, 30.0], [40.0, 50.0]]
    assert queries["pizza"].windows.shape == (0, 2)
