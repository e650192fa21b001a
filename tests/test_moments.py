"""Moments of curves whose truth was planted."""

import numpy as np
import pytest

from clip_core.scoring.moments import find_moments
from tests.curve_maker import scores_of


def test_a_plateau_ends_halfway_between_samples() -> None:
    (moment,) = find_moments(scores_of([0.1, 0.1, 0.4, 0.5, 0.3, 0.1]), threshold=0.3)
    assert (moment.prompt, moment.start_s, moment.end_s, moment.peak_s) == ("p0", 1.5, 4.5, 3.0)
    assert moment.peak == pytest.approx(0.5)
    assert moment.mean == pytest.approx(0.4)
    assert moment.duration_s == 3.0


@pytest.mark.parametrize("cut", [0.7, 0.3, 0.1, 0.265])
def test_equal_counts_as_reached(cut: float) -> None:
    assert len(find_moments(scores_of([0.0, cut, 0.0]), threshold=cut)) == 1


def test_the_first_and_last_sample_reach_the_ends_of_the_video() -> None:
    moments = find_moments(scores_of([0.9, 0.1, 0.8], end_s=2.8), threshold=0.5)
    assert [(m.start_s, m.end_s) for m in moments] == [(0.0, 0.5), (1.5, 2.8)]


def test_a_gap_splits_a_moment() -> None:
    moments = find_moments(scores_of([0.9] * 6, [0, 1, 2, 20, 21, 22], end_s=22), threshold=0.5)
    assert sorted((m.start_s, m.end_s) for m in moments) == [(0.0, 3.25), (18.75, 22.0)]


def test_they_are_ranked_by_peak_over_all_prompts() -> None:
    values = np.array([[0.6, 0.0], [0.0, 0.9], [0.7, 0.0]])
    moments = find_moments(scores_of(values, prompts=["a", "b"]), threshold=0.5)
    assert [(m.prompt, m.peak_s) for m in moments] == [("b", 1.0), ("a", 2.0), ("a", 0.0)]


def test_a_mapping_flags_its_prompts_only() -> None:
    scores = scores_of(np.full((3, 2), 0.5), prompts=["a", "b"])
    assert [m.prompt for m in find_moments(scores, threshold={"b": 0.4, "unknown": 0.1})] == ["b"]


def test_what_lies_outside_the_score_range_is_not_flagged() -> None:
    scores = scores_of([0.1, 0.4, 0.9, 0.4, 0.1])
    moments = find_moments(scores, threshold=0.3, score_range=(0.0, 0.5))
    assert sorted((m.start_s, m.end_s) for m in moments) == [(0.5, 1.5), (2.5, 3.5)]


def test_a_low_constant_and_an_empty_video_give_none() -> None:
    assert find_moments(scores_of(np.full(100, 0.2)), threshold=0.21, smoothing_s=3.0) == []
    assert find_moments(scores_of(np.empty((0, 1)), np.empty(0), end_s=5.0), threshold=0.1, smoothing_s=1.0) == []


def test_smoothing_joins_what_flickers() -> None:
    flicker = [0.0] * 10 + [0.6, 0.2] * 10 + [0.0] * 10
    raw = find_moments(scores_of(flicker), threshold=0.3)
    joined = find_moments(scores_of(flicker), threshold=0.3, smoothing_s=4.0)
    assert len(raw) == 10
    assert len(joined) == 1
    assert joined[0].start_s == pytest.approx(9.5, abs=1.0)
    assert joined[0].end_s == pytest.approx(29.5, abs=1.5)


def test_a_threshold_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        find_moments(scores_of([0.1]), threshold=float("nan"))
