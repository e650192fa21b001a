from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from clip_core.types import TimeTable
from clip_core.video.sampling import coarse_pts, sample_pts


def table_of(pts: np.ndarray, time_base: Fraction, keys: np.ndarray | None = None) -> TimeTable:
    pts = np.asarray(pts, np.int64)
    step = int(pts[-1] - pts[-2]) if len(pts) > 1 else 1
    end_s = float((int(pts[-1] - pts[0]) + step) * time_base)
    return TimeTable(pts, time_base, int(pts[0]), end_s, True, pts[:1] if keys is None else np.asarray(keys, np.int64))


def slow_samples(table: TimeTable, rate: float) -> list[int]:
    """The definition, word by word."""
    chosen: list[int] = []
    k = 0
    while k / rate <= table.times_s[-1]:
        first = int(table.pts[np.argmax(table.times_s >= k / rate)])
        if first not in chosen:
            chosen.append(first)
        k += 1
    return chosen


@pytest.mark.parametrize("rate", [0.3, 1.0, 2.0, 2.5, 7.0, 12.0, 29.0, 30.0, 31.0, 200.0])
def test_samples_are_the_first_frames_due(rate: float) -> None:
    constant = table_of(np.arange(300) * 512 + 99, Fraction(1, 15360))
    steps = np.random.default_rng(0).integers(5, 300, 200)
    variable = table_of(np.cumsum(steps), Fraction(1, 1000))
    for table in (constant, variable):
        assert sample_pts(table, rate).tolist() == slow_samples(table, rate)


def test_none_and_rates_above_the_frames_mean_every_frame() -> None:
    table = table_of(np.arange(1000) * 1001, Fraction(1, 30000))
    for rate in (None, 30000 / 1001, 60.0, 1e308):
        assert sample_pts(table, rate).tolist() == table.pts.tolist()


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="finite number above 0"):
        sample_pts(table_of(np.arange(3), Fraction(1, 30)), rate)


def test_a_long_video_with_few_frames_needs_no_room_for_its_samples() -> None:
    table = table_of(np.array([0, 1, 86_400_000]), Fraction(1, 1000))
    tracemalloc.start()
    chosen = sample_pts(table, 999.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chosen.tolist() == [0, 86_400_000] or chosen.tolist() == [0, 1, 86_400_000]
    assert peak < 100_000


def test_one_frame_is_a_sample_at_any_rate() -> None:
    assert sample_pts(table_of(np.array([7]), Fraction(1, 30)), 0.001).tolist() == [7]


def test_the_coarse_look_takes_the_keyframe_nearest_to_each_time() -> None:
    pts = np.arange(6400)
    table = table_of(pts, Fraction(1, 10), keys=pts[::10])
    chosen = coarse_pts(table, 64)
    middles = (np.arange(64) + 0.5) * 10.0
    nearest = [int(table.key_pts[np.argmin(np.abs(table.key_pts / 10 - middle))]) for middle in middles]
    assert chosen.tolist() == nearest


def test_the_coarse_look_takes_each_keyframe_once_and_all_if_few() -> None:
    pts = np.arange(1000)
    few = table_of(pts, Fraction(1, 10), keys=pts[::100])
    assert coarse_pts(few).tolist() == few.key_pts.tolist()
    clustered = table_of(pts, Fraction(1, 10), keys=np.r_[0:99, 999])
    chosen = coarse_pts(clustered)
    assert len(chosen) < 64
    assert np.all(np.diff(chosen) > 0)
    assert chosen[-1] == 999
    with pytest.raises(ValueError, match="at least 1"):
        coarse_pts(few, 0)
