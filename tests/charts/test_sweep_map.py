"""The heat map of a sweep."""

import json

import numpy as np

from clip_core.charts.colours import HEAT, THEMES
from clip_core.charts.evaluation_charts import sweep_figure


def test_a_row_for_each_threshold_and_a_frame_round_the_best() -> None:
    figure = sweep_figure((None, 1.0, 2.5), (0.0, 0.5), np.array([[0.1, 0.2], [0.3, 0.9996], [0, 1]]), (1, 1), "light")
    (cells,) = figure["data"]
    assert (cells["y"], cells["x"]) == (["adapt", "1", "2.5"], ["0 s", "0.5 s"])
    assert cells["z"] == [[10.0, 20.0], [30.0, 100.0], [0.0, 100.0]]
    assert [colour for _, colour in cells["colorscale"]] == list(HEAT["light"])
    assert (cells["zmin"], cells["zmax"]) == (0.0, 100.0)
    frame = figure["layout"]["shapes"][-1]
    assert (frame["x0"], frame["x1"], frame["y0"], frame["y1"]) == (0.5, 1.5, 0.5, 1.5)
    assert frame["line"]["color"] == THEMES["light"].text
    assert figure["layout"]["yaxis"]["type"] == "category"
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_the_colours_go_from_the_worst_to_the_best() -> None:
    def limits(*scores: float) -> tuple[float, float]:
        (cells,) = sweep_figure((1.0,), tuple(range(len(scores))), np.array([scores]), (0, 0), "dark")["data"]
        return cells["zmin"], cells["zmax"]

    assert limits(0.512, 0.534, 0.541) == (51.2, 54.1)
    assert limits(0.5, 0.5) == (50.0, 51.0)
