"""How much of the time line a sample stands for."""

import numpy as np

from clip_core.scoring.spans import sample_spans, split_at


def test_regular_samples_share_the_time_evenly_and_fill_the_video() -> None:
    spans = sample_spans(np.array([0.0, 1.0, 2.0]), 0.0, 3.0)
    assert spans.left.tolist() == [0.0, 0.5, 1.5]
    assert spans.right.tolist() == [0.5, 1.5, 3.0]
    assert spans.stretch.tolist() == [0, 0, 0]


def test_nothing_is_claimed_inside_a_gap() -> None:
    spans = sample_spans(np.array([0.0, 1.0, 2.0, 10.0, 11.0]), 0.0, 11.0)
    assert spans.right[2] == 2.0 + 1.25
    assert spans.left[3] == 10.0 - 1.25
    assert spans.stretch.tolist() == [0, 0, 0, 1, 1]


def test_a_step_of_exactly_two_and_a_half_medians_is_no_gap() -> None:
    spans = sample_spans(np.array([0.0, 1.0, 2.0, 4.5, 5.5]), 0.0, 5.5)
    assert spans.stretch.tolist() == [0, 0, 0, 0, 0]
    assert spans.right[2] == spans.left[3] == 3.25


def test_ends_that_are_far_from_the_samples_are_not_claimed() -> None:
    spans = sample_spans(np.array([10.0, 11.0, 12.0]), 0.0, 100.0)
    assert (spans.left[0], spans.right[-1]) == (10.0 - 1.25, 12.0 + 1.25)


def test_one_sample_stands_for_the_whole_video() -> None:
    spans = sample_spans(np.array([0.0]), 0.0, 7.0)
    assert (spans.left.tolist(), spans.right.tolist()) == ([0.0], [7.0])


def test_no_samples() -> None:
    spans = sample_spans(np.array([]), 0.0, 7.0)
    assert len(spans.left) == len(spans.right) == len(spans.stretch) == 0


def test_a_cut_begins_a_new_stretch_and_leaves_the_lengths() -> None:
    times = np.array([0.0, 1.0, 2.0, 3.0, 30.0, 31.0])
    spans = sample_spans(times, 0.0, 32.0)
    cut = split_at(spans, times, np.array([31.0, 1.5, 15.0, 99.0]))
    assert spans.stretch.tolist() == [0, 0, 0, 0, 1, 1]
    assert cut.stretch.tolist() == [0, 0, 1, 1, 2, 3]
    assert cut.lengths_s.tolist() == spans.lengths_s.tolist()
    assert split_at(spans, times, None) is spans
