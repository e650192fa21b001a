"""Fewer points, with the peaks and dips kept."""

import numpy as np

from clip_core.charts.inline import kept_samples, points_per_line


def test_many_samples_are_thinned_but_every_global_peak_and_dip_stays() -> None:
    rng = np.random.default_rng(1)
    curves = rng.normal(0.2, 0.01, (50_000, 20)).astype(np.float32)
    curves[np.arange(20) * 777 + 13, np.arange(20)] = 0.9
    curves[np.arange(20) * 555 + 7, np.arange(20)] = -0.9
    most = points_per_line(20)
    kept = kept_samples(curves, most)
    assert most == 2000
    assert len(kept) <= most + 2
    assert (kept[0], kept[-1]) == (0, 49_999)
    assert curves[kept].max(axis=0).tolist() == curves.max(axis=0).tolist()
    assert curves[kept].min(axis=0).tolist() == curves.min(axis=0).tolist()


def test_a_coarse_stretch_keeps_its_samples_beside_a_dense_one() -> None:
    times_s = np.concatenate([np.arange(6000) / 30, 200 + np.arange(40) * 10.0])
    curves = np.random.default_rng(2).normal(0.2, 0.05, (len(times_s), 3)).astype(np.float32)
    kept = kept_samples(curves, 1000, times_s)
    assert len(kept) <= 1002
    assert set(range(6001, 6040)) <= set(kept.tolist())
    assert curves[kept].max(axis=0).tolist() == curves.max(axis=0).tolist()
    assert curves[kept].min(axis=0).tolist() == curves.min(axis=0).tolist()


def test_points_per_line_and_short_curves() -> None:
    assert [points_per_line(k) for k in (0, 1, 8, 20, 1000)] == [2400, 2400, 2400, 2000, 200]
    assert kept_samples(np.zeros((5, 2), np.float32), 10).tolist() == [0, 1, 2, 3, 4]


def test_more_curves_than_points_keep_the_peak_of_each_or_of_all_and_no_unit_outshines_the_others() -> None:
    rng = np.random.default_rng(3)
    times_s = np.arange(9000) / 2
    curves = rng.normal(0.2, 0.01, (9000, 60)).astype(np.float32)
    curves[:, 40:] *= 1000
    places = np.arange(60) * 111 + 13
    curves[places, np.arange(60)] *= 2
    kept = kept_samples(curves, 200, times_s)
    assert len(kept) <= 202
    assert set(places.tolist()) <= set(kept.tolist())
    assert np.diff(kept).max() < 600
    few = kept_samples(np.tile(curves, (1, 4)), 200, times_s)
    assert len(few) <= 202
    assert np.diff(few).max() < 300
