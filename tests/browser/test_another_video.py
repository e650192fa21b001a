"""Another video is chosen, and opening it takes its time: nothing of the one before is seen under its name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import SIZE, Bench
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of
from tests.support.stage import put, staged
from tests.support.video_maker import VideoSpec, planted

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHAPES = "() => document.querySelectorAll('.cvi-plot .shapelayer path, .cvi-plot .xtick').length"
TALL = "() => document.querySelector('.cvi-plot').getBoundingClientRect().height"
GIVE = "([place, part, data]) => { put(place, part, 'main', data) }"
HIDDEN = "(selector) => getComputedStyle(document.querySelector(selector)).visibility === 'hidden'"


@pytest.fixture
def bench(chromium: Any) -> Iterator[Bench]:
    with staged() as stage, chromium.new_context(viewport=SIZE) as context:
        yield Bench(context.new_page(), stage)


def curves(value: float) -> Any:
    return scores_of([[value, value / 2]] * 20, prompts=["a", "b"])


def test_axes_and_shades_go_before_the_new_curves_come(bench: Bench) -> None:
    tab, stage = bench.tab, bench.stage
    bench.show(curves(0.9), "one", threshold=0.5, moments=None)
    wait_until(lambda: tab.evaluate(SHAPES) > 2, what="axis and shades")
    height = tab.evaluate(TALL)
    data = stage.timeline("two", curves(0.4), threshold=0.5)
    held = stage.held["two-raw"] = stage.held["two-smoothed"] = threading.Event()
    tab.evaluate(GIVE, ["a", "timeline", data])
    wait_until(lambda: tab.evaluate(SHAPES) == 0, what="nothing of the first video in the chart")
    assert tab.evaluate(TALL) == height  # its place is kept
    held.set()
    wait_until(lambda: tab.evaluate(SHAPES) > 2, what="the second video's chart")
    assert bench.errors == []


def test_picture_and_clock_go_before_the_new_times_come(bench: Bench, tmp_path: Path) -> None:
    tab, stage = bench.tab, bench.stage
    one, two = (planted(tmp_path, name, frames, VideoSpec()) for name, frames in (("one", 30), ("two", 60)))
    stage.films |= {"one": one.path, "two": two.path}
    put(tab, "s", "screen", stage.screen("one", [*one.times_s, 1.0]))
    wait_until(lambda: tab.evaluate("document.querySelector('video').readyState") >= 2, what="the first picture")
    assert not tab.evaluate(HIDDEN, "video")
    data = stage.screen("two", [*two.times_s, 2.0])
    held = stage.held[data["times"].rpartition("/")[2]] = threading.Event()
    tab.evaluate(GIVE, ["s", "screen", data])
    wait_until(lambda: tab.evaluate(HIDDEN, "video") and tab.evaluate(HIDDEN, ".cvi-clock"), what="a blank screen")
    assert tab.locator(".cvi-note").inner_text() == "Opening the video…"
    held.set()
    wait_until(lambda: tab.locator("[data-last]").inner_text() == "59", what="the second video's times")
    assert not tab.evaluate(HIDDEN, "video")
    assert not tab.locator(".cvi-note").is_visible()
    assert bench.errors == []
