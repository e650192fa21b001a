"""Cuts: marks at the bottom of the curves."""

import numpy as np

from clip_core.charts.timeline import live_figure
from tests.support.chart_maker import at, on_axis, view


def test_a_mark_of_seven_pixels_at_each_cut_within_the_video() -> None:
    figure = live_figure(view(shot_boundaries_s=np.array([2.5, 0.7, 99.0, -1.0])))
    (marks,) = on_axis(figure, "y4")
    assert marks["x"] == [at("00.700"), at("00.700"), None, at("02.500"), at("02.500"), None]
    assert marks["y"] == [0, 1, None, 0, 1, None]
    low, high = figure["layout"]["yaxis"]["domain"]
    axis = figure["layout"]["yaxis4"]
    assert axis["overlaying"] == "y"
    assert abs((high - low) * 400 / axis["range"][1] - 7) < 1e-9


def test_below_a_heat_map_they_have_a_place_of_their_own() -> None:
    layout = live_figure(view(shot_boundaries_s=[2.5], kind="heat map"))["layout"]
    assert layout["yaxis4"]["domain"][1] < layout["yaxis"]["domain"][0]
    assert "overlaying" not in layout["yaxis4"]


def test_many_stay_cheap_and_are_spread_as_they_were() -> None:
    cuts = np.linspace(0.0, 9.99, 50_000)
    (marks,) = on_axis(live_figure(view(shot_boundaries_s=cuts, axis="Frames")), "y4")
    drawn = marks["x"][::3]
    assert len(drawn) == 600
    assert max(np.diff(drawn)) < 0.2


def test_without_cuts_there_is_no_axis() -> None:
    figure = live_figure(view())
    assert on_axis(figure, "y4") == []
    assert "yaxis4" not in figure["layout"]
