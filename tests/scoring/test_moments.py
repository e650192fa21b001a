"""Moments of curves whose truth was planted."""

from dataclasses import replace

import numpy as np
import pytest

from clip_core.scoring.moments import find_moments
from clip_core.types import Moment
from tests.support.curve_maker import scores_of


def test_a_plateau_ends_halfway_between_samples() -> None:
    (moment,) = find_moments(scores_of([0.1, 0.1, 0.4, 0.5, 0.3, 0.1]), threshold=0.3)
    assert (moment.prompt, moment.start_s, moment.end_s, moment.peak_s) == ("p0", 1.5, 4.5, 3.0)
    assert moment.peak == pytest.approx(0.5)
    assert moment.mean == pytest.approx(0.4)
    assert moment.duration_s == 3.0


def test_where_it_is_known_how_long_frames_are_shown_edges_lie_in_the_middle_of_what_is_not_known() -> None:
    scores = scores_of([0.1, 0.1, 0.4, 0.5, 0.3, 0.1])
    shown = replace(scores, until_s=scores.times_s + 0.1)
    (moment,) = find_moments(shown, threshold=0.3)
    assert (moment.start_s, moment.end_s) == (pytest.approx(1.55), pytest.approx(4.55))
    dense = replace(scores, until_s=scores.times_s + 1.0)
    (exact,) = find_moments(dense, threshold=0.3)
    assert (exact.start_s, exact.end_s) == (2.0, 5.0)


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


def ends(moments: list[Moment]) -> list[tuple[float, float]]:
    return sorted((m.start_s, m.end_s) for m in moments)


WAVE = [0.0, 0.3, 0.6, 0.3, 0.3, 0.0, 0.3, 0.3, 0.0, 0.6, 0.0]


def test_a_moment_starts_at_the_onset_and_goes_on_to_the_offset_on_either_side() -> None:
    assert ends(find_moments(scores_of(WAVE), threshold=0.5, offset=0.3)) == [(0.5, 4.5), (8.5, 9.5)]
    assert ends(find_moments(scores_of(WAVE), threshold=0.5, offset={"p0": 0.3})) == [(0.5, 4.5), (8.5, 9.5)]
    assert ends(find_moments(scores_of(WAVE), threshold={"p0": 0.5}, offset={"q": 0.3})) == [(1.5, 2.5), (8.5, 9.5)]


def test_an_offset_above_the_onset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"offset 0\.6 of 'p0' lies above its onset 0\.5: give an offset at or below"):
        find_moments(scores_of(WAVE), threshold=0.5, offset=0.6)
    with pytest.raises(ValueError, match=r"the offset of 'p0' must be finite"):
        find_moments(scores_of(WAVE), threshold=0.5, offset=float("nan"))


def test_gaps_are_filled_before_what_is_short_is_dropped_and_padding_comes_last() -> None:
    scores = scores_of([0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0])
    moments = find_moments(scores, threshold=0.5, min_gap_s=1.5, min_duration_s=2.0, pad_s=1.0)
    assert ends(moments) == [(0.0, 4.5)]
    assert moments[0].mean == pytest.approx(2 / 3)
    assert ends(find_moments(scores, threshold=0.5, min_gap_s=1.0)) == [(0.5, 1.5), (2.5, 3.5), (7.5, 8.5)]


def test_padding_stops_at_neighbours_and_at_the_ends() -> None:
    scores = scores_of([1, 0, 0, 0, 1, 0, 0, 1])
    assert ends(find_moments(scores, threshold=0.5, pad_s=2.0)) == [(0.0, 2.0), (2.0, 5.5), (5.5, 8.0)]
    assert ends(find_moments(scores, threshold=0.5, pad_s=1e9)) == [(0.0, 2.0), (2.0, 5.5), (5.5, 8.0)]


def test_no_gap_is_filled_where_samples_are_missing() -> None:
    scores = scores_of([1.0] * 6, [0, 1, 2, 20, 21, 22], end_s=22)
    assert ends(find_moments(scores, threshold=0.5, min_gap_s=100.0)) == [(0.0, 3.25), (18.75, 22.0)]


def test_a_time_range_cuts_moments_and_bounds_the_padding() -> None:
    scores = scores_of([1, 1, 1, 1, 0, 0, 0, 1, 1, 1])
    assert ends(find_moments(scores, threshold=0.5, time_range=(1.8, 8.2))) == [(1.8, 3.5), (6.5, 8.2)]
    assert ends(find_moments(scores, threshold=0.5, time_range=(4.0, 7.0), pad_s=5.0)) == []
    assert ends(find_moments(scores, threshold=0.5, time_range=(3.0, 5.0), pad_s=5.0)) == [(3.0, 5.0)]
    assert find_moments(scores, threshold=0.5, time_range=(8.0, 2.0)) == []


def test_a_moment_needs_one_sample_that_may_start_it() -> None:
    allowed = np.zeros((11, 1), bool)
    assert find_moments(scores_of(WAVE), threshold=0.5, offset=0.3, allowed=allowed) == []
    allowed[[1, 9]] = True  # sample 1 lies between offset and onset, so it starts nothing
    assert ends(find_moments(scores_of(WAVE), threshold=0.5, offset=0.3, allowed=allowed)) == [(8.5, 9.5)]
    assert ends(find_moments(scores_of(WAVE), threshold=0.3, allowed=allowed)) == [(0.5, 4.5), (8.5, 9.5)]
    with pytest.raises(ValueError, match=r"allowed must be \(11, 1\), as the scores are, not \(11, 2\)"):
        find_moments(scores_of(WAVE), threshold=0.5, allowed=np.ones((11, 2), bool))


@pytest.mark.parametrize("times", [[0.0], [1.0, 1.0], [0.0, 1.0, 1.0, 2.0]])
def test_one_sample_and_two_at_one_time(times: list[float]) -> None:
    scores = scores_of(np.full(len(times), 0.4), times)
    moments = find_moments(scores, threshold=0.3, min_gap_s=1.0, pad_s=0.1)
    assert moments
    assert all(np.isfinite([m.start_s, m.end_s, m.peak, m.mean]).all() for m in moments)
    assert all(m.mean == pytest.approx(0.4) for m in moments)


def test_two_hundred_prompts() -> None:
    values = np.random.default_rng(0).random((50, 200))
    moments = find_moments(scores_of(values), threshold=0.5, offset=0.4, min_duration_s=2.0)
    assert len({m.prompt for m in moments}) == 200
