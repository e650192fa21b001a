"""Cells: of each the highest value, at its true time."""

import numpy as np

from clip_core.charts.heat_map import raster, spans


def slow(x: np.ndarray, values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    """The slow, obvious way: look at each bin by itself."""
    begins, ends = spans(x)
    cells = np.full((values.shape[1], bins), np.nan)
    width = (high - low) / bins
    for k in range(bins):
        left, right = low + k * width, low + (k + 1) * width
        inside = [i for i, at in enumerate(x) if left <= at < right or (k == bins - 1 and at == right)]
        owner = [i for i in range(len(x)) if begins[i] <= (left + right) / 2 < ends[i]]
        for column in range(values.shape[1]):
            if inside:
                cells[column, k] = max(values[i, column] for i in inside)
            elif owner:
                cells[column, k] = values[owner[-1], column]
    return cells


def test_as_the_slow_obvious_way_for_even_uneven_and_broken_times() -> None:
    rng = np.random.default_rng(6)
    gaps = np.concatenate([np.arange(60) / 8, 20 + np.arange(30) / 8])
    for x in (np.arange(200) * 0.25, np.sort(rng.uniform(0, 50, 90)), gaps, np.array([3.0]), np.array([3.0, 3.0, 4.0])):
        values = rng.normal(0.2, 0.1, (len(x), 3)).astype(np.float32)
        for low, high, bins in ((0.0, 50.0, 64), (0.0, 50.0, 500), (10.03, 11.7, 97)):
            found = raster(x, values, low, high, bins)
            np.testing.assert_array_equal(found, slow(x, values, low, high, bins).astype(np.float32))


def test_a_peak_of_one_sample_survives_and_a_gap_is_empty() -> None:
    x = np.concatenate([np.arange(50_000) * 0.1, 9000 + np.arange(10_000) * 0.1])
    values = np.full((60_000, 1), 0.2, np.float32)
    values[33_333] = 0.9
    found = raster(x, values, 0.0, 10_000.0, 2000)
    assert found.shape == (1, 2000)
    assert found[0, int(3333.3 / 5)] == np.float32(0.9)
    assert np.isnan(found[0, 1001:1800]).all()
    assert not np.isnan(found[0, :1000]).any()


def test_a_sample_stands_for_half_its_steps_but_not_for_a_gap() -> None:
    begins, ends = spans(np.array([1.0, 2.0, 3.0, 9.0]))
    assert begins.tolist() == [0.5, 1.5, 2.5, 7.75]
    assert ends.tolist() == [1.5, 2.5, 4.25, 10.25]
    assert [side.tolist() for side in spans(np.array([1.0]))] == [[0.5], [1.5]]
    assert [len(side) for side in spans(np.empty(0))] == [0, 0]
