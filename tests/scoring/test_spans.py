"""How much of the time line a sample stands for."""

from dataclasses import replace

import numpy as np
import pytest

from clip_core.scoring.spans import sample_spans, shown_spans, split_at
from tests.support.curve_maker import scores_of


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


def test_an_edge_lies_in_the_middle_of_what_was_not_sampled() -> None:
    """A video of 10 frames a second, sampled once a second: what changed did so within 0.9 s."""
    times = np.array([0.0, 1.0, 2.0])
    spans = sample_spans(times, 0.0, 3.0, times + 0.1)
    assert spans.left.tolist() == [0.0, 0.55, 1.55]
    assert spans.right.tolist() == [0.55, 1.55, 3.0]
    assert sample_spans(times, 0.0, 3.0, times).right.tolist() == sample_spans(times, 0.0, 3.0).right.tolist()


def test_of_neighbouring_frames_the_edge_is_when_the_second_one_comes() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.3])
    spans = sample_spans(times, 0.0, 0.4, np.array([0.1, 0.2, 0.3, 0.4]))
    assert spans.left.tolist() == times.tolist()
    assert spans.right.tolist() == [0.1, 0.2, 0.3, 0.4]
    late = sample_spans(times, 0.0, 0.4, times + 0.15)  # a claim that cannot be
    np.testing.assert_allclose(late.left, times)
    assert late.right[:-1].tolist() == late.left[1:].tolist()


def test_over_a_gap_each_side_claims_its_reach_from_where_its_frame_is_shown_to() -> None:
    times = np.array([0.0, 1.0, 2.0, 10.0, 11.0])
    spans = sample_spans(times, 0.0, 12.0, times + 0.5)
    assert (spans.right[2], spans.left[3]) == (2.5 + 1.25, 10.0 - 1.25)
    assert spans.stretch.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_spans_cover_the_time_line_once_whatever_is_known_of_the_frames(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.5, 1.5, 50)) - 0.5
    until = times + rng.uniform(0, 0.5, 50)
    spans = sample_spans(times, 0.0, float(times[-1]) + 0.7, until)
    assert (spans.left[0], spans.right[-1]) == (0.0, float(times[-1]) + 0.7)
    np.testing.assert_array_equal(spans.right[:-1], spans.left[1:])
    assert np.all(spans.lengths_s > 0)
    assert np.all((spans.left <= times) & (times < spans.right))
    np.testing.assert_allclose(spans.left[1:], (until[:-1] + times[1:]) / 2)


def test_shown_spans_are_those_of_the_scores() -> None:
    scores = scores_of([0.1, 0.2, 0.3], end_s=3.0)
    assert shown_spans(scores).left.tolist() == [0.0, 0.5, 1.5]
    shown = replace(scores, until_s=scores.times_s + 0.2)
    assert shown_spans(shown).left.tolist() == [0.0, 0.6, 1.6]


@pytest.mark.parametrize("n", [0, 1])
def test_no_sample_and_one_whose_frame_is_shown_for_a_while(n: int) -> None:
    times = np.zeros(n)
    spans = sample_spans(times, 0.0, 7.0, times + 0.1)
    assert (spans.left.tolist(), spans.right.tolist()) == ([0.0] * n, [7.0] * n)
