"""The best and worst samples."""

import numpy as np

from clip_core.scoring.curve_features import extreme_samples


def test_best_and_worst_keep_their_distance() -> None:
    times = np.arange(100) / 5.0
    curve = np.zeros(100, np.float32)
    curve[[10, 11, 50, 90]] = [0.9, 0.89, 0.8, 0.7]
    assert extreme_samples(curve, times, count=3) == [10, 50, 90]
    assert extreme_samples(-curve, times, count=3, worst=True) == [10, 50, 90]


def test_exactly_two_seconds_apart_is_far_enough() -> None:
    assert extreme_samples(np.array([3, 2, 1], np.float32), np.array([0.0, 1.0, 2.0])) == [0, 2]


def test_nan_is_never_taken_and_a_short_video_gives_fewer() -> None:
    curve = np.array([np.nan, 0.1, np.nan], np.float32)
    assert extreme_samples(curve, np.array([0.0, 5.0, 10.0])) == [1]
    assert extreme_samples(np.empty(0, np.float32), np.empty(0)) == []
