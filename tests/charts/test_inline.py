"""Points written into a figure: those that are kept, on the axis that is shown."""

import numpy as np
import pytest

from clip_core.charts.inline import with_points
from tests.support.chart_maker import view
from tests.support.curve_maker import scores_of


@pytest.mark.parametrize("frames", [False, True])
def test_a_trace_with_a_curve_gets_its_points_and_the_others_stay_as_they_are(frames: bool) -> None:
    scores = scores_of([[0.1, 0.5], [0.2, 0.6], [0.3, 0.7]], step_s=0.25)
    smoothed = scores.values + np.float32(0.01)
    lane = {"x": [0], "y": [1]}
    traces = [{"curve": ["raw", 1], "opacity": 0.2}, lane, {"curve": ["smoothed", 0], "name": "p0"}]
    found, x = with_points(view(scores=scores, smoothed=smoothed, axis="Frames" if frames else "m:ss"), traces)
    times = ["1970-01-01T00:00:00.000", "1970-01-01T00:00:00.250", "1970-01-01T00:00:00.500"]
    assert x == ([0, 1, 2] if frames else times)
    assert found[0] == {"opacity": 0.2, "x": x, "y": [0.5, 0.6, 0.7]}
    assert found[1] is lane
    assert found[2] == {"name": "p0", "x": x, "y": [0.11, 0.21, 0.31]}
    assert "curve" in traces[0]


def test_a_peak_of_each_curve_stays_among_many_samples_and_the_positions_are_shared() -> None:
    values = np.random.default_rng(3).uniform(0.1, 0.2, (30_000, 2))
    values[12_345, 0], values[23_456, 1] = 0.9, -0.9
    scores = scores_of(values)
    given = view(scores=scores, smoothed=scores.values, axis="Frames")
    (first, second), x = with_points(given, [{"curve": ["raw", 0]}, {"curve": ["raw", 1]}])
    assert len(x) < 5_000
    assert (first["x"], second["x"]) == (x, x)
    assert first["y"][x.index(12_345)] == 0.9
    assert second["y"][x.index(23_456)] == -0.9


def test_without_curves_or_samples_there_are_no_points() -> None:
    none = scores_of(np.empty((0, 1)), np.empty(0), end_s=4.0, prompts=["p0"])
    assert with_points(view(scores=none, smoothed=none.values), [{"curve": ["raw", 0]}]) == ([{"x": [], "y": []}], [])
    some = scores_of([0.1, 0.2])
    assert with_points(view(scores=some, smoothed=some.values, axis="Frames"), []) == ([], [0, 1])
