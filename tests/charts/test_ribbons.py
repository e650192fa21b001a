"""The spread over templates: a band behind its curve."""

import numpy as np

from clip_core.charts.colours import THEMES
from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import Line, ribbon_edges
from tests.support.chart_maker import view

LOW, HIGH = np.full(50, 0.1, np.float32), np.linspace(0.2, 0.3, 50, dtype=np.float32)


def test_a_band_for_the_player_and_two_filled_edges_for_plotly() -> None:
    given = view(ribbon={"pizza": (LOW, HIGH)})
    amber = THEMES["light"].prompts[1]
    assert live_figure(given)["data"][0] == {"band": 0, "fill": amber, "opacity": 0.16}
    low, high = timeline_figure(given)["data"][:2]
    assert (set(low["y"]), high["y"][0], high["y"][-1]) == ({0.1}, 0.2, 0.3)
    assert low["x"] == high["x"]
    assert (high["fill"], high["fillcolor"]) == ("tonexty", "rgba(133,85,0,0.16)")
    assert "fill" not in low


def test_a_hidden_prompt_and_a_heat_map_have_no_band_and_the_places_stay() -> None:
    both = {"a dog": (LOW, HIGH), "pizza": (LOW + 1, HIGH + 1)}
    drawn = live_figure(view(ribbon=both, lines=[Line("pizza", 1)]))["data"]
    assert [trace["band"] for trace in drawn if "band" in trace] == [1]
    assert not [t for t in live_figure(view(ribbon=both, kind="heat map"))["data"] if "band" in t]
    low, high = ribbon_edges(view(ribbon=both))
    assert (low.shape, high.shape) == ((50, 2), (50, 2))
    assert (low[0, 1], high[0, 0]) == (np.float32(1.1), np.float32(0.2))
    assert ribbon_edges(view())[0].shape == (50, 0)
