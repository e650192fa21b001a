"""The heat map as a dict."""

import json

import numpy as np
import pytest

from clip_core.charts.colours import HEAT, THEMES
from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.types import Moment
from tests.support.chart_maker import at, on_axis, view
from tests.support.curve_maker import scores_of


def trace_of(**changes: object) -> dict:
    (found,) = [t for t in timeline_figure(view(kind="heat map", **changes))["data"] if t["type"] == "heatmap"]
    return found


def test_a_row_a_prompt_with_its_name_and_its_colour_beside_it() -> None:
    live = live_figure(view(kind="heat map", prompts=("a dog", "<b>" + "very " * 9 + "long")))
    rows = [trace for trace in live["data"] if "row" in trace]
    assert [(trace["row"], trace["curve"]) for trace in rows] == [(0, ["smoothed", 0]), (1, ["smoothed", 1])]
    assert live["heat"] == {"colours": list(HEAT["light"]), "range": [0.1, 0.4], "rows": 2}
    axis = live["layout"]["yaxis"]
    assert axis["range"] == [1.5, -0.5]
    first, second = axis["ticktext"]
    assert first == f'a dog <span style="color:{THEMES["light"].prompts[0]}">■</span>'
    assert second.startswith("&lt;b&gt;very")
    assert len(on_axis(live, "y3")) == 1  # the lanes stay
    assert not [shape for shape in live["layout"]["shapes"] if shape["type"] == "rect"]


def test_candidates_are_pale_in_the_lanes_and_change_no_cell() -> None:
    maybe = Moment("pizza", 5.0, 6.0, 5.5, 0.2, 0.2, "candidate")
    figure = timeline_figure(view(kind="heat map", candidates=[maybe]))
    lanes = on_axis(figure, "y3")
    assert [(lane["x"][0], lane.get("opacity")) for lane in lanes] == [(at("01.900"), None), (at("05.000"), 0.35)]
    assert not [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert trace_of(candidates=[maybe])["z"] == trace_of()["z"]


def test_the_cells_lie_at_their_times_and_keep_the_peak() -> None:
    trace = trace_of()
    cells = np.array(trace["z"], float)
    assert cells.shape == (2, 2000)
    assert trace["dx"] == 5.0
    assert trace["x0"] in (at("00.002"), at("00.003"))
    assert (cells[0, int(3.0 / 0.005)], cells[0, int(1.85 / 0.005)] < 0.3) == (0.35, True)
    assert (trace["zmin"], trace["zmax"]) == (0.1, 0.4)
    on_frames = trace_of(axis="Frames")
    assert (on_frames["x0"], on_frames["dx"]) == (pytest.approx(50 / 4000), pytest.approx(50 / 2000))


def test_a_gap_is_empty_and_the_figure_is_json() -> None:
    times = np.concatenate([np.arange(25) * 0.2, 20 + np.arange(25) * 0.2])
    scores = scores_of(np.full((50, 2), 0.3), times, end_s=25.0, prompts=("a dog", "pizza"))
    figure = timeline_figure(view(kind="heat map", scores=scores, smoothed=scores.values, moments=[]))
    json.dumps(figure, allow_nan=False)
    (cells,) = [trace["z"] for trace in figure["data"] if trace["type"] == "heatmap"]
    assert cells[0][1000] is None
    assert cells[0][100] == 0.3


def test_the_same_click_again_is_another_because_the_rows_have_other_numbers() -> None:
    figures = [timeline_figure(view(kind="heat map", stamp=stamp)) for stamp in (3, 4)]
    starts = [next(t["y0"] for t in figure["data"] if t["type"] == "heatmap") for figure in figures]
    ranges = [figure["layout"]["yaxis"]["range"] for figure in figures]
    assert starts == [3000, 4000]
    assert ranges == [[3001.5, 2999.5], [4001.5, 3999.5]]


def test_two_hundred_rows_have_names_that_do_not_overlap_and_few_cells() -> None:
    prompts = tuple(f"prompt {k}" for k in range(200))
    figure = timeline_figure(view(kind="heat map", prompts=prompts))
    assert len(figure["layout"]["yaxis"]["ticktext"]) <= 400 / 12
    assert len(json.dumps(figure)) < 600_000


def test_no_samples_and_no_prompts() -> None:
    none = scores_of(np.empty((0, 1)), np.empty(0), end_s=4.0, prompts=["p0"])
    for changes in ({"lines": []}, {"scores": none, "smoothed": none.values, "lines": [], "moments": []}):
        figure = timeline_figure(view(kind="heat map", **changes))
        assert not [trace for trace in figure["data"] if trace["type"] == "heatmap"]
        json.dumps(live_figure(view(kind="heat map", **changes)), allow_nan=False)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_equal_steps_of_the_scale_look_equal_and_lead_away_from_the_background(theme: str) -> None:
    colours = [THEMES[theme].background, *HEAT[theme]]  # type: ignore[index]
    rgb = np.array([[int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    lightness = np.cbrt(cones) @ np.array([0.2104542553, 0.7936177850, -0.0040720468])
    steps = np.diff(lightness[1:])
    assert np.abs(steps - steps.mean()).max() < 0.004
    assert (steps[0] < 0) == (theme == "light")
    assert abs(lightness[1] - lightness[0]) < 0.07
