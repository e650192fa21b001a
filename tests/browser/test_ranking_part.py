"""The ranking by itself on a bare page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clip_core.charts.colours import swatch_uri
from clip_core.types import Scores
from tests.browser.test_browser import HOSTILE, SIZE
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of
from tests.support.stage import ROWS, Stage, put, times_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def tab(chromium: Any, stage: Stage) -> Iterator[Any]:
    context = chromium.new_context(viewport=SIZE)
    page = context.new_page()
    page.goto(stage.address)
    page.wait_for_selector("body[data-ready]", state="attached")
    yield page
    context.close()


def show(tab: Any, stage: Stage, scores: Scores, **changes: Any) -> None:
    times_of(tab, [*scores.times_s, scores.end_s])
    own = {"colour": "#5094f6", "swatch": swatch_uri("#5094f6"), "threshold": changes.pop("threshold", 0.5)}
    doubts = changes.pop("doubts", {})
    prompts = [{"text": prompt, "doubt": doubts.get(prompt, "")} | own for prompt in scores.prompts]
    data = {"prompts": prompts, "range": [0.0, 1.0], "decimals": 3, "video": "one"}
    put(tab, "r", "ranking", data | {"series": stage.series("rank", scores)} | changes)


def clock(tab: Any, frame: int, playing: bool = False) -> None:
    tab.evaluate("([frame, playing]) => kept.main.show(frame, playing)", [frame, playing])


def crossing() -> Scores:
    """Two prompts that change places half way."""
    rising = np.linspace(0.1, 0.9, 101)
    return scores_of(np.stack([1 - rising, rising], axis=1), step_s=0.1, prompts=["falls", "rises"])


def test_values_run_along_and_the_order_waits_while_playing(tab: Any, stage: Stage) -> None:
    show(tab, stage, crossing())
    assert tab.evaluate(ROWS) == [["falls", "0.900"], ["rises", "0.100"]]
    clock(tab, 40, playing=True)
    # in one breath: the first frame may sort, those that follow at once may not
    script = "() => { kept.main.show(49, true); kept.main.show(60, true); return (" + ROWS + ")() }"
    assert tab.evaluate(script) == [["falls", "0.420"], ["rises", "0.580"]]
    clock(tab, 60)  # paused: at once
    assert tab.evaluate(ROWS) == [["rises", "0.580"], ["falls", "0.420"]]
    clock(tab, 70, playing=True)
    frames = itertools.cycle([20, 21])
    sorted_now = lambda: (clock(tab, next(frames), playing=True), tab.evaluate(ROWS)[0][0])[1] == "falls"  # noqa: E731
    wait_until(sorted_now, what="sorted in the end")
    strong = tab.locator(".cvi-strong .cvi-name").all_inner_texts()
    assert strong == ["falls"]
    assert tab.locator(".cvi-when").inner_text().replace("\xa0", " ") in (
        "This frame · sample at 0:02.000",
        "This frame · sample at 0:02.100",
    )


def test_nothing_is_written_while_nothing_changes(tab: Any, stage: Stage) -> None:
    scores = scores_of(np.tile([[0.3, 0.6]], (20, 1)), step_s=1.0)
    show(tab, stage, scores)
    times_of(tab, np.arange(201) / 10)
    tab.evaluate("""() => { window.writes = 0; const watcher = new MutationObserver((all) => (writes += all.length))
        const all = {subtree: true, childList: true, characterData: true, attributes: true}
        watcher.observe(document.querySelector('.cvi-ranking'), all) }""")
    for frame in range(1, 5):  # nearest to the first sample, as before
        clock(tab, frame, playing=True)
    assert tab.evaluate("writes") == 0
    clock(tab, 50)
    assert tab.evaluate("new Promise((go) => setTimeout(() => go(writes)))") <= 2  # the time alone


def test_eleven_rows_or_ten_and_how_many_more(tab: Any, stage: Stage) -> None:
    values = np.linspace(0.9, 0.05, 16)[None].repeat(3, axis=0)
    show(tab, stage, scores_of(values[:, :11]))
    assert (len(tab.evaluate(ROWS)), tab.locator(".cvi-rest").count()) == (11, 0)
    show(tab, stage, scores_of(values))
    assert len(tab.evaluate(ROWS)) == 10
    assert tab.locator(".cvi-rest").inner_text() == f"+ 6 more below {np.float32(values[0, 9]):.3f}"


def test_hostile_prompts_are_text_with_their_whole_length_in_the_title(tab: Any, stage: Stage) -> None:
    show(tab, stage, scores_of(np.tile(np.linspace(0.9, 0.1, len(HOSTILE)), (2, 1)), prompts=HOSTILE))
    assert [name for name, _ in tab.evaluate(ROWS)] == HOSTILE
    titles = tab.locator(".cvi-name").evaluate_all("all => all.map((one) => one.title)")
    assert titles == HOSTILE
    assert (
        tab.locator(".cvi-ranking").evaluate("node => node.querySelectorAll('img:not(.cvi-swatch), a, script').length")
        == 0
    )


def test_ticks_titles_and_no_number(tab: Any, stage: Stage) -> None:
    values = np.array([[0.4, np.nan, 0.7]])
    show(tab, stage, scores_of(values, prompts=["a", "none", "c"]))
    assert tab.evaluate(ROWS) == [["c", "0.700"], ["a", "0.400"], ["none", "NaN"]]
    bars = "all => all.map((bar) => [...bar.children].map((one) => one.tagName + one.style.width + one.style.left))"
    assert tab.locator(".cvi-bar").evaluate_all(bars) == [["I70%", "U50%"], ["I40%", "U50%"], ["I0%", "U50%"]]
    assert tab.locator(".cvi-value").first.get_attribute("title") == "raw 0.700"
    show(tab, stage, scores_of(values, prompts=["a", "none", "c"]), threshold=1.5)
    assert tab.locator(".cvi-bar u").count() == 0
    show(tab, stage, scores_of(np.array([[0.4, -2.0, 0.7]]), prompts=["a", "none", "c"]), threshold=None, decimals=1)
    assert tab.evaluate(ROWS) == [["c", "0.7"], ["a", "0.4"], ["none", "-2.0"]]
    assert (tab.locator(".cvi-bar u").count(), tab.locator(".cvi-strong").count()) == (0, 0)
    show(tab, stage, scores_of(np.empty((0, 3)), prompts=["a", "none", "c"], end_s=1.0))
    assert tab.locator(".cvi-ranking").inner_text().endswith("No sample is indexed yet.")
