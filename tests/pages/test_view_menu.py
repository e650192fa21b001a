"""The menu View: what the chart shows besides, when the findings have it and the visitor wants it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.pages.test_player_page import Watching, block
from tests.support.world import World


@pytest.fixture
def page(world: World, monkeypatch: pytest.MonkeyPatch) -> Watching:
    """A page whose video has a cut at half a second."""
    monkeypatch.setattr("clip_core.analysis.analyse.find_shot_boundaries", lambda *_: np.array([0.5]))
    made = Watching()
    made.indexed()
    return made


def axes(page: Watching) -> set[str]:
    return {name for name in page.part("timeline")["figure"]["layout"] if name.startswith("yaxis")}


def test_at_first_only_the_cuts_are_there_and_each_switch_brings_its_own(page: Watching) -> None:
    assert axes(page) == {"yaxis", "yaxis3", "yaxis4"}
    series = page.part("timeline")["series"]
    assert not {"rate", "low", "high"} & set(series)
    page.at.toggle(key="shot_boundaries_on").set_value(False).run()
    assert axes(page) == {"yaxis", "yaxis3"}
    page.at.toggle(key="winners_on").set_value(True).run()
    assert axes(page) == {"yaxis", "yaxis3", "yaxis5"}
    page.at.toggle(key="rate_on").set_value(True).run()
    assert axes(page) == {"yaxis", "yaxis3", "yaxis5", "yaxis6"}
    series = page.part("timeline")["series"]
    rate, smoothed = (block(series[of], "<f4").reshape(series["columns"], -1) for of in ("rate", "smoothed"))
    assert rate.shape == (series["columns"], series["count"])
    times_s = block(series["samples"], "<f8")[: series["count"]]
    assert np.allclose(rate[:, 10:20], np.diff(smoothed, axis=1)[:, 9:19] / np.diff(times_s)[9:19], atol=1e-4)


def test_the_heat_map_is_a_choice_that_stays(page: Watching) -> None:
    page.at.segmented_control(key="chart_kind").set_value("Heat map").run()
    figure: dict[str, Any] = page.part("timeline")["figure"]
    assert figure["heat"]["rows"] == len([trace for trace in figure["data"] if "row" in trace])
    page.run()
    assert "heat" in page.part("timeline")["figure"]


def test_the_spread_waits_for_templates(page: Watching) -> None:
    switch = page.at.toggle(key="spread_on")
    assert (switch.disabled, switch.help) == (
        True,
        "Choose templates for the prompts to see how far their curves lie apart.",
    )
    page.control("segmented_control", "templates").set_value("simple").run()
    assert not page.at.toggle(key="spread_on").disabled
    page.at.toggle(key="spread_on").set_value(True).run()
    told = page.part("timeline")
    bands = [trace for trace in told["figure"]["data"] if "band" in trace]
    low, raw, high = (block(told["series"][side], "<f4") for side in ("low", "raw", "high"))
    assert ([band["band"] for band in bands], told["series"]["bands"]) == ([0, 1, 2], 3)
    assert len(low) == len(high) == len(raw)
    assert np.all(low < high)
