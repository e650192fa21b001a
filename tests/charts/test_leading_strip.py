"""Who leads: a strip in the prompts' colours."""

from itertools import pairwise

import numpy as np

from clip_core.charts.colours import THEMES
from clip_core.charts.panels import fewer_runs
from clip_core.charts.timeline import live_figure
from clip_core.charts.view import Line
from tests.support.chart_maker import at, on_axis, view

RUNS = [(0, 0.0, 2.0), (1, 2.0, 3.0), (0, 3.0, 4.5), (1, 4.5, 4.5)]


def test_one_broken_line_a_prompt_and_a_word_beside_it() -> None:
    figure = live_figure(view(winners=RUNS))
    first, second = on_axis(figure, "y5")
    assert first["x"] == [at("00.000"), at("02.000"), None, at("03.000"), at("04.500"), None]
    assert second["x"] == [at("02.000"), at("03.000"), None]
    assert [trace["line"]["color"] for trace in (first, second)] == list(THEMES["light"].prompts[:2])
    assert figure["layout"]["annotations"][0]["text"] == "leads"


def test_a_hidden_prompt_leaves_a_gap_and_without_runs_there_is_no_strip() -> None:
    (only,) = on_axis(live_figure(view(winners=RUNS, lines=[Line("pizza", 1)])), "y5")
    assert only["x"] == [at("02.000"), at("03.000"), None]
    assert "yaxis5" not in live_figure(view())["layout"]


def test_of_many_runs_each_part_of_the_time_shows_its_longest_leader() -> None:
    rng = np.random.default_rng(5)
    edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 0.4, 3000))])
    runs = [(int(c), float(a), float(b)) for c, a, b in zip(rng.integers(0, 5, 3000), edges, edges[1:], strict=False)]
    runs = [run for run in runs if run[0] != 4]  # there nobody leads
    found = fewer_runs(runs, 200)
    bins = np.linspace(runs[0][1], runs[-1][2], 201)
    for low, high in pairwise(bins):  # the slow, obvious way
        led = [sum(max(0.0, min(b, high) - max(a, low)) for c, a, b in runs if c == column) for column in range(4)]
        shown = [c for c, a, b in found if a <= (low + high) / 2 < b]
        assert shown == ([int(np.argmax(led))] if max(led) > 0 else [])
    assert len(found) <= 200


def test_thousands_of_runs_are_few_points() -> None:
    runs = [(k % 2, k / 1000, (k + 1) / 1000) for k in range(9000)]
    traces = on_axis(live_figure(view(winners=runs)), "y5")
    assert sum(len(trace["x"]) for trace in traces) <= 1800
