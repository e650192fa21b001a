"""The rate of change: a panel of its own."""

import json

import numpy as np

from clip_core.charts.colours import THEMES
from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import Line
from tests.support.chart_maker import at, on_axis, view

RATE = np.zeros((50, 2), np.float32)
RATE[10, 0], RATE[20, 0], RATE[30, 1] = 1.5, -0.5, 3.0


def test_a_curve_a_prompt_with_an_axis_that_holds_all_that_is_drawn() -> None:
    live, whole = (make(view(rate=RATE)) for make in (live_figure, timeline_figure))
    assert [trace["curve"] for trace in on_axis(live, "y6") if "curve" in trace] == [["rate", 0], ["rate", 1]]
    first = on_axis(whole, "y6")[0]
    assert (first["y"][10], first["y"][20], first["hoverinfo"]) == (1.5, -0.5, "skip")
    axis = live["layout"]["yaxis6"]
    assert axis["range"][0] < -0.5
    assert axis["range"][1] > 3.0
    assert 0.0 in axis["tickvals"]
    assert axis["domain"][1] < live["layout"]["yaxis"]["domain"][0]
    assert live_figure(view(rate=RATE, lines=[Line("a dog", 0)]))["layout"]["yaxis6"]["range"][1] < 2.0
    assert live["layout"]["annotations"][0]["text"] == "change per s"


def test_spikes_point_where_the_score_goes_and_strays_are_left_out() -> None:
    spikes = [(30, 1), (20, 0), (10, 0), (50, 0), (3, 2)]
    marks = [trace for trace in live_figure(view(rate=RATE, spikes=spikes))["data"] if trace.get("mode") == "markers"]
    assert [trace["x"] for trace in marks] == [[at("02.000"), at("04.000")], [at("06.000")]]
    assert [trace["y"] for trace in marks] == [[1.5, -0.5], [3.0]]
    assert [trace["marker"]["symbol"] for trace in marks] == [["triangle-up", "triangle-down"], ["triangle-up"]]
    assert [trace["marker"]["color"] for trace in marks] == list(THEMES["light"].prompts[:2])


def test_of_thousands_of_spikes_the_steepest_are_marked() -> None:
    rate = np.tile(np.arange(1000, dtype=np.float32)[:, None], (1, 2))
    values = np.full((1000, 2), 0.2, np.float32)
    many = view(n=1000, rate=rate, smoothed=values, spikes=[(k, 1) for k in range(1000)])
    (marks,) = [trace for trace in live_figure(many)["data"] if trace.get("mode") == "markers"]
    assert (len(marks["x"]), min(marks["y"])) == (400, 600.0)


def test_no_rate_no_panel_and_odd_ones_are_json() -> None:
    assert "yaxis6" not in live_figure(view(spikes=[(1, 0)]))["layout"]
    for odd in (np.zeros((50, 2), np.float32), np.full((50, 2), np.nan, np.float32)):
        figure = timeline_figure(view(rate=odd))
        json.dumps(figure, allow_nan=False)
        low, high = figure["layout"]["yaxis6"]["range"]
        assert low < 0 < high
