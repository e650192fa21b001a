"""Marks made by hand → truth, marked frames and back from a file."""

import numpy as np
import pytest

from clip_core.analysis.export_bundle import truth_csv
from clip_core.evaluation.ground_truth import Absence, Span, read_truth
from clip_core.evaluation.marks import Mark, MarkedFrame, marked_frames, truth_of
from tests.support.curve_maker import scores_of

MARKS = (
    Mark("dog", 1.0, 4.0, there=True),
    Mark("dog", 6.0, 8.0, there=False),
    Mark("cat", 0.0, 9.0, there=False),
    Mark("cow", 5.0, 5.0, there=True),
    Mark("pig", 5.0, 5.0, there=False),
)


def test_stretches_make_a_truth_and_single_frames_do_not() -> None:
    truth = truth_of(MARKS)
    assert truth.spans == (Span("dog", 1.0, 4.0),)
    assert truth.absent == (Absence("cat"),)
    assert truth_of(()).prompts == ()


def test_the_sample_nearest_to_the_middle_is_the_marked_frame() -> None:
    scores = scores_of(np.stack([np.arange(10), np.arange(10) * 10], axis=1), prompts=["dog", "cow"])
    found = marked_frames(MARKS, scores, scores.values + 0.5)
    assert found == [MarkedFrame("dog", 2.5, True), MarkedFrame("dog", 7.5, False), MarkedFrame("cow", 50.5, True)]
    empty = scores_of(np.empty((0, 1)), np.empty(0), end_s=1.0, prompts=["dog"])
    assert marked_frames(MARKS, empty, empty.values) == []


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 1.0), (-1.0, 1.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_a_mark_that_cannot_be_meant_is_refused(start_s: float, end_s: float) -> None:
    with pytest.raises(ValueError, match="must not end before it starts"):
        Mark("dog", start_s, end_s, there=True)


def test_a_truth_is_read_again_as_it_was_written_and_runs_no_formula() -> None:
    names = ('=cmd()|"x"', "'=1", "a, b\t", "＝x", "dog")
    marks = [Mark(name.strip(), n + 0.25, n + 1.5, there=n != 4) for n, name in enumerate(names)]
    truth = truth_of(marks)
    text = truth_csv(truth)
    assert read_truth(text.encode(), "truth.csv") == truth
    assert "\n=" not in text
    assert "\n＝" not in text
    assert text.splitlines()[-1] == "dog,,"
