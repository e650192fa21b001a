"""The window of the usual laptop holds all of the page, and a large window is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pages.regions.viewer.parts import FIT_PX
from pages.shared.tables import HEAD_PX, ROW_PX
from tests.browser.test_browser import PROMPTS
from tests.support.app import new_world
from tests.support.browser import Visitor, served, set_prompts, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

MANY = [*PROMPTS, "a cat", "a house", "a tree", "snow", "a balloon", "the moon", "a rocket"]
_BOXES = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)].map((e) => e.getBoundingClientRect())
    .filter((box) => box.width).map((box) => [box.left, box.top, box.right, box.bottom])
  return {
    bars: all(".cvi-plot .scatterlayer .trace .lines path"),
    axis: all(".cvi-plot .xaxislayer-above .xtick text"),
    download: all(".st-key-download_box button"),
    footer: all(".st-key-footer"),
    size: [innerWidth, innerHeight],
  }
}"""
Open = Callable[..., Visitor]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, stock: Path, chromium: Any) -> Iterator[Open]:
    world = new_world(tmp_path_factory.mktemp("window"), stock)
    world.write(CLIP=PROMPTS)
    with served(world) as address:

        def opened(width: int, height: int, theme: str = "light") -> Visitor:
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            return Visitor(context.new_page(), address).open_ready("Player")

        yield opened


def inside(visitor: Visitor) -> bool:
    boxes = visitor.tab.evaluate(_BOXES)
    width, height = boxes.pop("size")
    seen = all(boxes.values())
    return seen and all(
        left >= 0 and top >= 0 and right <= width and bottom <= height
        for found in boxes.values()
        for left, top, right, bottom in found
    )


def told(visitor: Visitor) -> str:
    return str({name: box[-1:] for name, box in visitor.tab.evaluate(_BOXES).items()})


def test_bars_axis_and_download_are_inside_a_laptops_window(opened: Open) -> None:
    visitor = opened(1366, 768, "dark")
    for prompts in (PROMPTS[:4], PROMPTS, MANY):
        set_prompts(visitor, prompts)
        wait_until(lambda: inside(visitor), what=told(visitor))
        visitor.fits_at_rest()
    visitor.tab.context.close()


def test_the_chart_follows_the_window(opened: Open) -> None:
    visitor = opened(1366, 768)
    height = lambda: visitor.tab.locator(".cvi-plot").bounding_box()["height"]  # noqa: E731
    wait_until(lambda: FIT_PX[0] < height() < 430, what="a low chart")
    for size in ((1440, 900), (1920, 1080)):
        before = height()
        visitor.tab.set_viewport_size({"width": size[0], "height": size[1]})
        wait_until(lambda: height() > before, what=f"a higher chart than {before}")  # noqa: B023
        wait_until(lambda: inside(visitor), what=told(visitor))
        bottom = lambda: max(box[3] for box in visitor.tab.evaluate(_BOXES)["footer"])  # noqa: E731
        wait_until(lambda: size[1] - bottom() < 24, what="no empty strip below")  # noqa: B023
    drawn = "[...document.querySelectorAll('.cvi-plot .main-svg, .cvi-curves')].map((e) => e.clientHeight)"
    wait_until(lambda: set(visitor.tab.evaluate(drawn)) == {round(height())}, what="axes and curves as high as it")
    visitor.tab.set_viewport_size({"width": 1366, "height": 500})  # too low: then the page scrolls
    wait_until(lambda: height() == FIT_PX[0], what="the least height")
    visitor.tab.context.close()


def test_the_height_that_is_asked_for_is_kept(opened: Open) -> None:
    visitor = opened(1366, 768)
    visitor.tab.locator(".st-key-view_box button").first.click()
    visitor.tab.locator(".st-key-chart_h button", has_text="Tall").click()
    wait_until(lambda: visitor.tab.locator(".cvi-plot").bounding_box()["height"] == 560, what="560 pixels")
    visitor.tab.context.close()


def rows_that_fit(visitor: Visitor) -> tuple[float, float, int]:
    """Height of the table, what it leaves free down to the end of the picture's column, and how many moments it has."""
    boxes: list[Any] = []

    def measured() -> bool:  # while the page runs, one of them may just be replaced
        names = ("[data-testid=stDataFrame]", "[data-region=verdicts]", ".cvi-screen")
        boxes[:] = [visitor.tab.locator(name).first.bounding_box() for name in names]
        return None not in boxes

    wait_until(measured, what="table, chips and picture")
    table, chips, screen = boxes
    count = visitor.tab.locator(".st-key-list button").first.inner_text().rpartition("· ")[2]
    return table["height"], screen["y"] + screen["height"] - chips["y"] - chips["height"], int(count)


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_the_table_has_all_rows_that_fit(opened: Open, size: tuple[int, int]) -> None:
    visitor = opened(*size)
    set_prompts(visitor, MANY)
    count = rows_that_fit(visitor)[2]
    assert count > 20, "more than can be seen"
    wait_until(lambda: abs(rows_that_fit(visitor)[1]) <= 12, what=str(rows_that_fit(visitor)))
    seen = (rows_that_fit(visitor)[0] - HEAD_PX) / ROW_PX
    assert seen >= (11 if size[1] > 1000 else 6)
    visitor.tab.locator(".st-key-flag_box button").first.click()  # fewer moments, and another table
    visitor.tab.locator(".st-key-flagged button[aria-pressed]").nth(1).click()
    wait_until(lambda: rows_that_fit(visitor)[2] < count, what="fewer moments")
    visitor.tab.keyboard.press("Escape")
    ends = """() => ["[data-testid=stDataFrame]", ".dvn-scroller"]
        .map((name) => document.querySelector(name).getBoundingClientRect().bottom)"""
    low = lambda: visitor.tab.evaluate(ends)  # noqa: E731
    wait_until(lambda: abs(low()[0] - low()[1]) <= 2, what="the rows scroll within the table, to the last one")
    set_prompts(visitor, PROMPTS[:1])
    wait_until(
        lambda: rows_that_fit(visitor)[0] <= HEAD_PX + ROW_PX * max(1, rows_that_fit(visitor)[2]) + 1,
        what="no empty rows",
    )
    visitor.tab.context.close()
