"""The chart as a dict: what is drawn where. plotly's own validator judges its form."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from clip_core.charts.colours import THEMES
from clip_core.charts.timeline import live_figure, still_figure, timeline_figure
from clip_core.charts.view import Figure, Line, Timeline, Unfinished
from clip_core.scoring.moments import find_moments
from clip_core.types import Moment
from tests.support.chart_maker import at, on_axis, view
from tests.support.curve_maker import scores_of


def named(figure: dict, kind: str) -> list[dict]:
    return [trace for trace in figure["data"] if kind in trace]


@pytest.mark.parametrize("axis", ["m:ss", "Frames"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_plotly_accepts_the_figure_and_it_is_json(axis: str, theme: str) -> None:
    import plotly.graph_objects as go

    figure = timeline_figure(view(axis=axis, theme=theme, unfinished=Unfinished(5.0, "coarse: 5 of 9 samples")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        go.Figure(json.loads(json.dumps(figure)))
    assert figure["layout"]["paper_bgcolor"] == THEMES[theme].background  # type: ignore[index]


def test_a_bold_line_per_prompt_over_a_thin_raw_one_in_its_colour() -> None:
    figure = timeline_figure(view())
    bold = named(figure, "name")
    assert [trace["name"] for trace in bold] == ["a dog", "pizza"]
    assert [trace["line"]["color"] for trace in bold] == list(THEMES["light"].prompts[:2])
    thin = [trace for trace in figure["data"] if trace.get("opacity") == 0.22]
    assert [trace["line"]["color"] for trace in thin] == list(THEMES["light"].prompts[:2])
    assert all(trace["hoverinfo"] == "skip" for trace in thin)
    assert bold[0]["x"][:3] == [at("00.000"), at("00.200"), at("00.400")]
    assert bold[0]["y"][10] == 0.35
    assert not [t for t in timeline_figure(view(raw=False))["data"] if t.get("opacity") == 0.22]


def test_a_hidden_prompt_has_no_line_no_lane_and_no_shade() -> None:
    figure = timeline_figure(view(lines=[Line("pizza", 1)]))
    assert [trace["name"] for trace in named(figure, "name")] == ["pizza"]
    assert not [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]


def test_a_moment_is_shaded_and_has_a_lane() -> None:
    figure = timeline_figure(view())
    (shade,) = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert (shade["x0"], shade["x1"], shade["fillcolor"]) == (at("01.900"), at("03.900"), THEMES["light"].prompts[0])
    (lane,) = [trace for trace in figure["data"] if trace.get("yaxis") == "y3"]
    assert lane["x"] == [at("01.900"), at("03.900"), None]


def test_a_candidate_is_pale_in_shade_and_lane() -> None:
    maybe = Moment("pizza", 5.0, 6.0, 5.5, 0.2, 0.2, "candidate")
    figure = timeline_figure(view(candidates=[maybe]))
    moment, candidate = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert (candidate["x0"], candidate["x1"], candidate["line"]["dash"]) == (at("05.000"), at("06.000"), "dot")
    assert candidate["opacity"] < moment["opacity"]
    lanes = on_axis(figure, "y3")
    assert [(lane["x"][0], lane.get("opacity")) for lane in lanes] == [(at("01.900"), None), (at("05.000"), 0.35)]
    assert still_figure(view(candidates=[maybe]))["data"] == figure["data"]


def test_plotly_accepts_candidates() -> None:
    import plotly.graph_objects as go

    maybe = Moment("pizza", 5.0, 6.0, 5.5, 0.2, 0.2, "candidate")
    for kind in ("curves", "heat map"):
        figure = timeline_figure(view(kind=kind, candidates=[maybe]))
        assert len(go.Figure(json.loads(json.dumps(figure))).data) == len(figure["data"])


def test_a_figure_for_a_file_is_the_same_without_its_playhead() -> None:
    given = view(cursor_s=2.0, cursor_frame=50)
    whole, still = timeline_figure(given), still_figure(given)
    assert still["data"] == whole["data"]
    assert [*still["layout"]["shapes"], whole["layout"]["shapes"][-1]] == whole["layout"]["shapes"]
    assert whole["layout"]["shapes"][-1]["x0"] == at("02.000")


@pytest.mark.parametrize(
    ("samples", "make", "fewest", "most"),
    [
        (2_100, timeline_figure, 2_100, 2_100),
        (18_000, timeline_figure, 1_000, 2_402),
        (18_000, still_figure, 18_000, 18_000),
    ],
)
def test_the_page_draws_seven_minutes_whole_and_a_file_has_every_sample_of_an_hour(
    samples: int, make: Callable[[Timeline], Figure], fewest: int, most: int
) -> None:
    values = np.random.default_rng(1).random((samples, 8))
    prompts = tuple(f"prompt {k}" for k in range(8))
    many = scores_of(values, prompts=prompts)
    given = view(scores=many, smoothed=many.values, moments=[], lines=[Line(p, k) for k, p in enumerate(prompts)])
    figure = make(replace(given, axis="Frames"))
    for column, trace in enumerate(named(figure, "name")):
        assert fewest <= len(trace["x"]) <= most
        np.testing.assert_allclose(trace["y"], values[trace["x"], column], atol=5.1e-5)
    raw = [trace for trace in figure["data"] if trace.get("opacity") == 0.22]
    assert [len(trace["y"]) for trace in raw] == [len(trace["x"]) for trace in named(figure, "name")]


def test_the_playhead_and_the_threshold() -> None:
    shapes = timeline_figure(view())["layout"]["shapes"]
    assert [(s["x0"], s["x1"]) for s in shapes if s.get("xref") == "x" and s["type"] == "line"] == [
        (at("04.000"), at("04.000"))
    ]
    assert [s["y0"] for s in shapes if s["line"].get("dash") == "dot"] == [0.3]


@pytest.mark.parametrize(("threshold", "text"), [(0.5, "threshold 0.500 ↑"), (0.05, "threshold 0.050 ↓")])
def test_a_threshold_outside_the_range_is_named_at_the_edge(threshold: float, text: str) -> None:
    layout = timeline_figure(view(threshold=threshold, moments=[]))["layout"]
    assert layout["annotations"][0]["text"] == text
    assert not [s for s in layout["shapes"] if s["line"].get("dash") == "dot"]


def test_the_frame_axis_counts_frames() -> None:
    figure = timeline_figure(view(axis="Frames"))
    assert named(figure, "name")[0]["x"][:3] == [0, 1, 2]
    assert figure["layout"]["xaxis"]["type"] == "linear"
    assert [s["x0"] for s in figure["layout"]["shapes"] if s.get("xref") == "x" and s["type"] == "line"] == [20.0]


def test_an_hour_changes_the_ticks() -> None:
    scores = scores_of(np.full(10, 0.2), step_s=600)
    figure = timeline_figure(view(scores=scores, smoothed=scores.values, moments=[], lines=[Line("p0", 0)]))
    assert figure["layout"]["xaxis"]["tickformat"] == "%-H:%M:%S"


def test_the_unfinished_part_lies_on_grey() -> None:
    figure = timeline_figure(view(unfinished=Unfinished(6.0, "coarse: 5 of 9 samples")))
    grey = next(s for s in figure["layout"]["shapes"] if s["type"] == "rect")
    assert (grey["x0"], grey["x1"], grey["opacity"]) == (at("06.000"), at("10.000"), 0.10)
    assert figure["layout"]["annotations"][-1]["text"] == "coarse: 5 of 9 samples"


def test_a_damaged_video_is_grey_to_where_it_would_end() -> None:
    figure = timeline_figure(view(unfinished=Unfinished(6.0, "unreadable after 0:06.000", 30.0)))
    grey = next(s for s in figure["layout"]["shapes"] if s["type"] == "rect")
    assert (grey["x0"], grey["x1"]) == (at("06.000"), at("30.000"))
    assert figure["layout"]["xaxis"]["range"] == [at("00.000"), at("30.000")]


def test_the_stamp_shares_the_points_of_the_lines_and_changes_with_each_click() -> None:
    first, second = (timeline_figure(view(stamp=k)) for k in (3, 4))
    stamps = [next(t for t in f["data"] if t.get("yaxis") == "y2") for f in (first, second)]
    assert stamps[0]["x"] == named(first, "name")[0]["x"]
    assert (set(stamps[0]["y"]), set(stamps[1]["y"])) == ({3}, {4})
    assert stamps[0]["hoverinfo"] == "none"


def test_many_moments_are_drawn_as_lanes_only() -> None:
    values = np.tile([0.1, 0.9], 400)
    scores = scores_of(values)
    moments = find_moments(scores, threshold=0.5)
    figure = timeline_figure(view(scores=scores, smoothed=scores.values, moments=moments, lines=[Line("p0", 0)]))
    assert len(moments) == 400
    assert not [s for s in figure["layout"]["shapes"] if s["type"] == "rect"]
    assert len(next(t for t in figure["data"] if t.get("yaxis") == "y3")["x"]) == 1200


def test_no_samples_at_all() -> None:
    scores = scores_of(np.empty((0, 1)), np.empty(0), end_s=4.0, prompts=["p0"])
    figure = timeline_figure(view(scores=scores, smoothed=scores.values, moments=[], lines=[Line("p0", 0)]))
    assert named(figure, "name")[0]["x"] == []
    assert figure["layout"]["xaxis"]["range"] == [at("00.000"), at("04.000")]


def test_the_thirteenth_prompt_repeats_the_first_colour_dashed() -> None:
    prompts = tuple(f"p{k}" for k in range(13))
    bold = named(timeline_figure(view(prompts=prompts)), "name")
    assert bold[12]["line"]["color"] == bold[0]["line"]["color"]
    assert (bold[0]["line"]["dash"], bold[12]["line"]["dash"]) == ("solid", "dash")


@pytest.mark.parametrize("axis", ["m:ss", "Frames"])
@pytest.mark.parametrize("raw", [True, False])
def test_the_players_figure_is_the_same_without_what_the_player_does_itself(axis: str, raw: bool) -> None:
    given = view(axis=axis, raw=raw, unfinished=Unfinished(6.0, "coarse: 5 of 9 samples"))
    whole, live = timeline_figure(given), live_figure(given)
    bold = [{"width": 1.8, "color": colour, "dash": "solid"} for colour in THEMES["light"].prompts[:2]]
    thin = [{"width": 1, "color": colour} for colour in THEMES["light"].prompts[:2]]
    wanted = [{"curve": ["raw", k], "line": thin[k], "opacity": 0.22} for k in (0, 1)] if raw else []
    names = ("a dog", "pizza")
    wanted += [{"curve": ["smoothed", k], "line": bold[k], "prompt": names[k]} for k in (0, 1)]
    for curve in live["data"]:
        assert curve.pop("swatch", "data:").startswith("data:")
    assert live["data"][: len(wanted)] == wanted
    *rest, stamp = whole["data"][len(wanted) :]
    assert live["data"][len(wanted) :] == rest
    assert stamp["yaxis"] == "y2"
    *shapes, playhead = whole["layout"].pop("shapes")
    assert playhead["x0"] == (at("04.000") if axis == "m:ss" else 20.0)
    assert live["layout"].pop("shapes") == shapes
    for own in ("hoverdistance", "hoverlabel", "yaxis2"):
        del whole["layout"][own]
    assert (whole["layout"].pop("hovermode"), live["layout"].pop("hovermode")) == ("x unified", False)
    assert live["layout"] == whole["layout"]
    json.dumps(live, allow_nan=False)


def test_a_prompt_is_markup_for_plotly_and_text_for_the_player() -> None:
    given = view(prompts=("<b>&amp;", "pizza"))
    assert live_figure(given)["data"][2]["prompt"] == "<b>&amp;"
    assert named(timeline_figure(given), "name")[0]["name"] == "&lt;b&gt;&amp;amp;"
