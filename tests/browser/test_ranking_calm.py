"""The ranking: what is not sure to be there stands grey below the rest, and rows change places calmly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.test_ranking_part import clock, crossing, show
from tests.support.browser import wait_until
from tests.support.curve_maker import scores_of
from tests.support.stage import ROWS, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

DOUBT = "Not sure that the video shows it. Beats only 78 % of 300 neutral texts."
GLIDES = "document.querySelector('.cvi-rows').getAnimations({subtree: true}).length"
AT_ONCE = """(frames) => {
  const order = () => [...document.querySelectorAll(".cvi-name")].map((name) => name.textContent).join(" ")
  let now = 1e6
  performance.now = () => now // the clock of the page stands in for a second's wait
  kept.main.show(frames[0], true)
  const seen = []
  for (const [ms, frame] of frames[1]) {
    now = 1e6 + ms
    kept.main.show(frame, true)
    seen.push([order(), GLIDES])
  }
  return seen
}""".replace("GLIDES", GLIDES)


@pytest.fixture(params=["no-preference"])
def tab(chromium: Any, stage: Stage, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion=request.param)
    page = context.new_page()
    page.goto(stage.address)
    page.wait_for_selector("body[data-ready]", state="attached")
    yield page
    context.close()


def test_what_is_not_sure_stands_grey_below_with_its_reason(tab: Any, stage: Stage) -> None:
    scores = scores_of(np.tile([[0.2, 0.9, 0.5, 0.6]], (3, 1)), prompts=["a dog", "an elephant", "pizza", "a cat"])
    show(tab, stage, scores, doubts={"an elephant": DOUBT, "a cat": DOUBT})
    assert [name for name, _ in tab.evaluate(ROWS)] == ["pizza", "a dog", "an elephant", "a cat"]
    grey = tab.locator(".cvi-doubt .cvi-name")
    assert grey.all_inner_texts() == ["an elephant", "a cat"]
    assert grey.first.get_attribute("title") == f"an elephant\n{DOUBT}"
    assert tab.locator(".cvi-doubt").first.get_attribute("title") == DOUBT
    faint = "row => Number(getComputedStyle(row).opacity)"
    assert tab.locator(".cvi-doubt").first.evaluate(faint) < 0.7
    assert tab.locator(".cvi-row:not(.cvi-doubt)").first.evaluate(faint) == 1
    show(tab, stage, scores)
    assert [name for name, _ in tab.evaluate(ROWS)] == ["an elephant", "a cat", "pizza", "a dog"]


def test_the_rest_is_only_called_lower_where_it_is(tab: Any, stage: Stage) -> None:
    values = np.linspace(0.9, 0.05, 16)[None].repeat(3, axis=0)
    scores = scores_of(values)
    first = scores.prompts[:3]
    show(tab, stage, scores, doubts=dict.fromkeys(first, DOUBT))
    assert tab.locator(".cvi-rest").inner_text() == "+ 6 more"
    assert not set(first) & {name for name, _ in tab.evaluate(ROWS)}


def test_while_playing_rows_change_places_once_a_second_and_glide(tab: Any, stage: Stage) -> None:
    show(tab, stage, crossing())
    steps = [[40, 60], [900, 61], [990, 70], [1010, 71], [1400, 20], [2005, 21], [2020, 22]]
    seen = tab.evaluate(AT_ONCE, [49, steps])
    assert [order for order, _ in seen] == [
        "falls rises", "falls rises", "falls rises", "rises falls", "rises falls", "rises falls", "falls rises",
    ]  # fmt: skip
    assert [glides for _, glides in seen][:4] == [0, 0, 0, 2]
    wait_until(lambda: tab.evaluate(GLIDES) == 0, what="the rows stand")
    clock(tab, 80)  # paused: at once, and without a glide
    assert [name for name, _ in tab.evaluate(ROWS)] == ["rises", "falls"]
    assert tab.evaluate(GLIDES) == 0


@pytest.mark.parametrize("tab", ["reduce"], indirect=True)
def test_nothing_glides_for_who_wants_no_motion(tab: Any, stage: Stage) -> None:
    show(tab, stage, crossing())
    seen = tab.evaluate(AT_ONCE, [49, [[1010, 71]]])
    assert seen == [["rises falls", 0]]
