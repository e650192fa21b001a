"""Decimals by unit."""

import pytest

from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import AXIS_TITLES, tick_texts
from clip_core.text import value_text
from clip_core.types import Unit
from tests.support.chart_maker import view


@pytest.mark.parametrize(
    ("unit", "score_range", "lowest", "threshold", "told", "decimals"),
    [
        ("cosine", (0.1, 0.4), "0.10", 0.25, "threshold 0.250", 3),
        ("margin", (-0.2, 0.2), "-0.20", 0.05, "threshold 0.050", 3),
        ("softmax", (0.0, 1.0), "0.00", 0.5, "threshold 0.500", 3),
        ("z", (-3.0, 9.0), "-2.0", 2.5, "threshold 2.50", 2),
        ("percentile", (0.0, 100.0), "0", 98.2, "threshold 98.2", 1),
        ("percentile", (98.0, 100.0), "98.0", 99.0, "threshold 99.0", 1),
    ],
)
def test_each_unit_has_its_decimals(
    unit: Unit, score_range: tuple[float, float], lowest: str, threshold: float, told: str, decimals: int
) -> None:
    given = view(unit=unit, score_range=score_range, threshold=threshold)
    live, whole = live_figure(given), timeline_figure(given)
    assert live["layout"]["yaxis"]["ticktext"][0] == lowest
    assert live["layout"]["yaxis"]["title"]["text"] == AXIS_TITLES[unit]
    assert live["layout"]["annotations"][0]["text"] == told
    assert live["decimals"] == decimals
    named = [trace for trace in whole["data"] if "name" in trace]
    assert {trace["hovertemplate"] for trace in named} == {f"%{{y:.{decimals}f}}"}
    assert 2 <= len(live["layout"]["yaxis"]["tickvals"]) <= 9


def test_ticks_that_are_close_get_the_decimals_they_need_and_zero_has_no_sign() -> None:
    assert tick_texts("z", [-0.05, -0.0, 0.1]) == ["-0.05", "0.00", "0.10"]
    assert tick_texts("z", [-4.0, 0.0]) == ["-4.0", "0.0"]
    assert tick_texts("z", []) == []
    assert value_text(-0.001, "z") == "0.00"
