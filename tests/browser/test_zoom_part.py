"""What part of the time the chart shows when somebody is led to a place, in a real Chromium."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clip_core.charts.view import Bar
from tests.support.bench import Bench
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BROUGHT = """async ([[low, high], wanted, whole]) =>
  (await import('/files/zoom.js')).brought({ low, high }, wanted, whole)"""
LEAD = "([frame, bring]) => kept.main.ask('seek', { frame, bring })"


@pytest.mark.parametrize(
    ("seen", "wanted", "shown"),
    [
        ([0, 10], [2, 3], None),
        ([0, 10], [0, 10], None),
        ([0, 10], [40, 42], [36, 46]),
        ([50, 60], [1, 2], [0, 10]),
        ([0, 10], [98, 100], [90, 100]),
        ([0, 10], [9, 11], [5, 15]),
        ([0, 10], [40, 60], [36, 64]),
        ([0, 10], [5, 95], [0, 100]),
    ],
)
def test_a_stretch_is_brought_in_as_wide_as_the_view_was(bench: Bench, seen: Any, wanted: Any, shown: Any) -> None:
    found = bench.tab.evaluate(BROUGHT, [seen, wanted, [0, 100]])
    assert found == (shown if shown is None else pytest.approx(shown))


@pytest.mark.parametrize("axis", ["m:ss", "Frames"])
def test_the_chart_goes_to_where_one_is_led_and_stays_where_that_is_seen(bench: Bench, axis: str) -> None:
    scores = scores_of(np.full((1000, 1), 0.5), step_s=0.1)
    unit = 1.0 if axis == "m:ss" else 10.0  # a frame each tenth of a second
    bench.show(scores, axis=axis)
    bench.zoom(10.0 * unit, 20.0 * unit)
    low, high = bench.plot()["range"]
    bench.tab.evaluate(LEAD, [120, [12.0, 13.0]])
    assert bench.plot()["range"] == [low, high]
    bench.tab.evaluate(LEAD, [600, [60.0, 62.0]])
    wait_until(lambda: bench.plot()["range"][0] > 20.0 * unit, what="the other place")
    start, end = bench.plot()["range"]
    assert end - start == pytest.approx(high - low, rel=0.01)
    assert (start + end) / 2 == pytest.approx(61.0 * unit, abs=0.2 * unit)


def test_lanes_of_truth_and_findings_are_drawn_below_the_curves_with_their_names(bench: Bench) -> None:
    scores = scores_of(np.full((100, 2), 0.5), step_s=0.1, prompts=["dog", "cat"])
    bars = [Bar("dog", 1.0, 2.0, "truth", "missed"), Bar("cat", 3.0, 4.0, "found", "false")]
    bench.show(scores, bars=bars)
    names = bench.tab.locator("#a .y3tick text").all_text_contents()
    assert [name.split()[0] for name in names] == ["dog", "cat"]
    paths = bench.tab.locator("#a .xy3 .js-line")
    assert paths.count() == 2
    curves_top, curves_length = bench.plot()["curves"]
    assert bench.axis("yaxis3")[0] > curves_top + curves_length
    dashes = [paths.nth(k).evaluate("path => getComputedStyle(path).strokeDasharray") for k in range(2)]
    assert [dash == "none" for dash in dashes] == [True, False]
    assert bench.tab.locator("#a .xy3 .point").count() == 1  # the cross
