"""Prompts that nobody expects, and a browser that is zoomed in: nothing overlaps, all can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_browser import PROMPTS
from tests.support.app import new_world
from tests.support.browser import Visitor, served, set_prompts, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

ARABIC = "كلب يركض في الحديقة مع طفل صغير"
BAD = [
    "a dog " * 83 + "!!",  # 500 characters
    ARABIC,
    "🍕🍕 pizza 🚀 on a 🌙",
    "<img src=x onerror=alert(1)><b>bold</b>",
    "| pipe | table |",
    "a\u202edog reversed",
    "W" * 120,
]
SIXTY = [f"a thing of number {number}" for number in range(60)]
ZOOMED = {"width": 911, "height": 512}  # 1366 x 768 at 150 %
_OUTSIDE = """() => {
  const found = []
  const parts = "button, select, input[type=range], textarea, [data-region], .cvi-row"
  for (const part of document.querySelectorAll(parts)) {
    if (!part.closest("[data-testid=stMain]") || !part.offsetWidth) continue
    const { left, right } = part.getBoundingClientRect()
    const name = part.ariaLabel || part.innerText || part.className
    if (left < 0 || right > innerWidth + 0.5) found.push([name, left, right])
  }
  return found
}"""
"""What lies beyond a side of the window, where nobody can scroll to."""
_OVERLAPS = """() => {
  const regions = [".cvi-screen", ".cvi-ranking", "[data-testid=stDataFrame]", "[data-region=verdicts]",
                   ".st-key-list_row", ".st-key-legend", ".st-key-view_box", ".cvi-plot", ".st-key-footer"]
    .flatMap((name) => [...document.querySelectorAll(name)].filter((e) => e.offsetWidth).map((e) => [name, e]))
    .map(([name, e]) => [name, e.getBoundingClientRect()])
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
  const behind = ([one, a], k) => regions.slice(k + 1).filter(([, b]) => meet(a, b)).map(([other]) => [one, other])
  return regions.flatMap(behind)
}"""
Open = Callable[..., Visitor]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, stock: Path, chromium: Any) -> Iterator[Open]:
    world = new_world(tmp_path_factory.mktemp("bad"), stock)
    world.write(CLIP=PROMPTS)
    with served(world) as address:

        def opened(size: dict[str, int], scale: float = 1.0, theme: str = "light") -> Visitor:
            context = chromium.new_context(viewport=size, device_scale_factor=scale, color_scheme=theme)
            return Visitor(context.new_page(), address).open_ready("Player")

        yield opened


def stands_well(visitor: Visitor) -> None:
    """Wait until nothing overlaps and nothing is out of reach: parts of the run before may still be there."""
    for script in (_OUTSIDE, _OVERLAPS):
        wait_until(lambda: visitor.tab.evaluate(script) == [], what=str(visitor.tab.evaluate(script)))  # noqa: B023


@pytest.mark.parametrize(
    ("size", "scale", "theme"), [({"width": 1366, "height": 768}, 1.0, "light"), (ZOOMED, 1.5, "dark")]
)
def test_nothing_overlaps_whatever_the_prompts(opened: Open, size: dict[str, int], scale: float, theme: str) -> None:
    visitor = opened(size, scale, theme)
    for prompts in (PROMPTS, BAD, SIXTY):
        if prompts != PROMPTS:
            set_prompts(visitor, prompts)
        stands_well(visitor)
    assert visitor.errors == []
    visitor.tab.context.close()


def test_zoomed_in_the_names_can_be_read(opened: Open) -> None:
    visitor = opened(ZOOMED, 1.5)
    widths = "all => all.map((name) => [name.clientWidth, name.scrollWidth])"
    for shown, whole in visitor.tab.locator(".cvi-name").evaluate_all(widths):
        assert shown >= min(80, whole)
    visitor.tab.context.close()


def test_a_prompt_from_the_right_leaves_the_numbers_where_they_are(opened: Open) -> None:
    visitor = opened({"width": 1366, "height": 768})
    set_prompts(visitor, BAD)
    chip = visitor.tab.locator(f'[data-region=verdicts] [data-prompt="{ARABIC}"]')
    places = "chip => [...chip.children].map((part) => part.getBoundingClientRect().left)"
    assert chip.evaluate(places) == sorted(chip.evaluate(places))  # swatch, sign, name, share
    name = visitor.tab.locator(f'.cvi-row[data-prompt="{ARABIC}"] .cvi-name')
    assert name.evaluate("name => getComputedStyle(name).direction") == "rtl"  # so that its beginning is seen
    assert visitor.tab.locator("[data-testid=stMain]").locator("b:has-text('bold'), img[src='x']").count() == 0
    whole = visitor.tab.locator(".cvi-name", has_text="a dog a dog").first.get_attribute("title")
    assert whole.startswith(BAD[0].strip())
    visitor.tab.context.close()
