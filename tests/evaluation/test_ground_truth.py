"""Truth held against what is judged: what is changed is told."""

import numpy as np
import pytest

from clip_core.errors import TruthError
from clip_core.evaluation.ground_truth import Absence, Span, Truth, fit_truth, of_video

DOG, PIZZA = Span("a dog", 1, 4), Span("pizza", 5, 7)


def test_what_fits_stays_as_it_is_and_nothing_is_told() -> None:
    truth = Truth((DOG, PIZZA), (Absence("an elephant"),))
    assert fit_truth(truth, ["a dog", "pizza", "an elephant"], 10.0) == (truth, [])
    np.testing.assert_array_equal(truth.intervals("a dog"), [[1, 4]])
    assert truth.intervals("an elephant").shape == (0, 2)


def test_unknown_prompts_are_left_out_on_either_side() -> None:
    truth, told = fit_truth(Truth((DOG, PIZZA), (Absence("x"),)), ["a dog", "the moon"], 10.0)
    assert truth == Truth((DOG,))
    assert told == [
        "The truth names what is not judged here: “pizza”, “x”.",
        "The truth says nothing of “the moon”: not judged.",
    ]


def test_overlaps_become_one_and_neighbours_stay() -> None:
    given = (Span("a dog", 3, 6), DOG, Span("a dog", 6, 8), Span("pizza", 2, 3), PIZZA)
    truth, told = fit_truth(Truth(given), ["a dog", "pizza"], 10.0)
    assert truth.spans == (Span("a dog", 1, 6), Span("a dog", 6, 8), Span("pizza", 2, 3), PIZZA)
    assert told == ["Spans that overlap were made one: “a dog”."]


def test_times_past_the_end_are_cut_or_left_out() -> None:
    given = (DOG, Span("a dog", 8, 12), Span("pizza", 10, 11), Span("pizza", 20, 21))
    truth, told = fit_truth(Truth(given), ["a dog", "pizza"], 10.0)
    assert truth.spans == (DOG, Span("a dog", 8, 10))
    assert told == [
        "2 spans start after the end of the video at 0:10.000 (“pizza”): left out.",
        "1 span ends after the end of the video at 0:10.000 (“a dog”): cut there.",
    ]


def test_a_span_wins_over_an_absence_and_a_prompt_whose_spans_all_lie_outside_is_not_absent() -> None:
    truth, _ = fit_truth(Truth((DOG,), (Absence("a dog"),)), ["a dog"], 10.0)
    assert truth == Truth((DOG,))
    with pytest.raises(TruthError, match=r"The truth judges nothing here\."):
        fit_truth(Truth((Span("a dog", 11, 12),), (Absence("a dog"),)), ["a dog"], 10.0)


def test_a_truth_that_judges_nothing_is_refused() -> None:
    with pytest.raises(
        TruthError, match=r"judges nothing here\. The truth names what is not judged here: “a dog”\. Ch"
    ):
        fit_truth(Truth((DOG,)), ["a cat"], 10.0)


@pytest.mark.parametrize("name", ["holiday.mp4", "HOLIDAY", "/films/holiday.mov", "c:\\films\\holiday.mp4", "ab12"])
def test_a_video_is_known_with_or_without_folder_ending_and_capitals(name: str) -> None:
    truth = Truth((Span("a dog", 1, 4, name), PIZZA))
    assert of_video(truth, ["holiday.mp4", "ab12"]) == (truth, [])


def test_another_videos_entries_are_left_out() -> None:
    others = (Span("a dog", 1, 4, "v_1.mp4"), Span("pizza", 1, 4, "v_2"))
    given = Truth((*others, Span("a dog", 2, 3, "holiday"), PIZZA), (Absence("x", "v_2"), Absence("y")))
    truth, told = of_video(given, ["holiday.mp4"])
    assert truth == Truth((Span("a dog", 2, 3, "holiday"), PIZZA), (Absence("y"),))
    assert told == ["3 entries are of another video (“v_1.mp4”, “v_2”): left out."]
    with pytest.raises(TruthError, match=r"^All of the truth is of another video: “v_1\.mp4”, “v_2”\."):
        of_video(Truth(others), ["holiday.mp4"])


def test_hostile_names_are_shown_harmlessly_and_counted() -> None:
    prompts = ["\x1b[2J" + "x" * 500, "a\nb", "../../etc", "four", "five"]
    _, told = fit_truth(Truth((DOG, *(Span(prompt, 1, 2) for prompt in prompts))), ["a dog"], 10.0)
    assert len(told) == 1
    assert told[0].isprintable()
    assert told[0].endswith("“a?b”, “..∕..∕etc” and 2 more.")
    assert len(told[0]) < 200


def test_a_large_truth_is_fitted() -> None:
    spans = tuple(Span(f"p{n % 5000}", n, n + 0.5, f"v{n % 3}") for n in range(100_000))
    truth, _ = of_video(Truth(spans), ["v1"])
    fitted, told = fit_truth(truth, [f"p{n}" for n in range(5000)], 50_000.0)
    assert len(fitted.spans) == 16_667
    assert len(told) == 1
