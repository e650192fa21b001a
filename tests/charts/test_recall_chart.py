"""The figure of precision over recall."""

import json

import numpy as np

from clip_core.charts.colours import THEMES
from clip_core.charts.evaluation_charts import RecallLine, recall_figure

LINE = (np.array([0.4, 0.2]), np.array([1.0, 0.5]), np.array([0.5, 1.0]))


def test_lines_have_their_colours_and_a_circle_where_the_threshold_is() -> None:
    lines = [RecallLine("all", None, *LINE), RecallLine("<b>", "#123456", *LINE, here=(0.5, 1.0))]
    figure = recall_figure(lines, "dark", "z")
    whole, own, circle = figure["data"]
    assert whole["line"]["color"] == THEMES["dark"].text
    assert (own["x"], own["y"], own["customdata"]) == ([50, 100], [100, 50], [0.4, 0.2])
    assert own["name"] == "&lt;b&gt;"
    assert "<b>" not in own["hovertemplate"]
    assert "customdata:.2f" in own["hovertemplate"]
    assert (circle["x"], circle["y"], circle["marker"]["line"]["color"]) == ([100], [50], "#123456")
    assert "recall %{x:.1f} %, precision %{y:.1f} %" in own["hovertemplate"]
    assert figure["layout"]["yaxis"]["ticksuffix"] == " %"
    assert figure["layout"]["xaxis"]["title"]["text"] == "recall"
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
