"""Every control can be reached: nothing lies over it, and no side of it is cut, at any usual width."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.ui.browser import Visitor, served, wait_until
from tests.ui.conftest import new_world

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

COVERED = """() => {
  const found = []
  const named = (e) => e.getAttribute("aria-label") || e.innerText || e.closest("[class*=st-key-]")?.className
  for (const control of document.querySelectorAll("button, textarea, [role=combobox]")) {
    const { left, right, top, bottom, width, height } = control.getBoundingClientRect()
    if (!width || !height || control.closest("[data-testid=stElementToolbar]")) continue
    if (getComputedStyle(control).visibility === "hidden" || control.disabled) continue
    const middle = (top + bottom) / 2
    if (middle > innerHeight || middle < 0) continue // one scrolls there
    for (const x of [left + 3, (left + right) / 2, right - 3]) {
      const top = document.elementFromPoint(x, middle)
      if (!top || !(control.contains(top) || top.contains(control))) {
        found.push([named(control), Math.round(x), top && top.outerHTML.slice(0, 90)])
      }
    }
  }
  return found
}"""
"""What cannot be clicked: its name, where, and what lies over it."""
ROW = (100, 34 + 14)
AS_STREAMLIT_HAS_IT = '[data-testid="stElementToolbar"]{top:-41.5px!important;right:0!important}'


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, stock: Any, chromium: Any) -> Any:
    """Open the page at a width, in a theme, and click the first moment."""
    world = new_world(tmp_path_factory.mktemp("reach"), stock)
    world.write(threshold=0.0)  # so that there are moments of a model that knows nothing
    with served(world) as address:

        def opened(width: int, height: int, theme: str = "light") -> Visitor:
            context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            visitor = Visitor(context.new_page(), address)
            visitor.open_ready("Player")
            table = visitor.tab.locator("[data-testid=stDataFrame]").first
            box = table.bounding_box()
            assert box is not None
            visitor.tab.mouse.click(box["x"] + ROW[0], box["y"] + ROW[1])
            visitor.tab.locator("[data-testid=stElementToolbar]").first.wait_for()
            visitor.settle()
            return visitor

        yield opened


@pytest.mark.parametrize(
    ("width", "height", "theme"),
    [(1280, 720, "light"), (1366, 768, "light"), (1440, 900, "light"), (1920, 1080, "light"), (1366, 768, "dark")],
)
def test_nothing_lies_over_a_control_once_a_row_was_clicked(reached: Any, width: int, height: int, theme: str) -> None:
    visitor = reached(width, height, theme)
    with contextlib.suppress(AssertionError):  # a late run may still move things; what it leaves is judged below
        wait_until(lambda: visitor.tab.evaluate(COVERED) == [], seconds=10)
    assert visitor.tab.evaluate(COVERED) == []
    for key in ("judge_box", "download_box", "settings_box", "view_box", "help_box"):
        visitor.tab.locator(f".st-key-{key} button").first.click(timeout=5_000)
        visitor.tab.locator("[data-testid=stPopoverBody]").wait_for()
        visitor.tab.keyboard.press("Escape")
        visitor.tab.locator("[data-testid=stPopoverBody]").wait_for(state="detached")
    visitor.tab.context.close()


def test_the_look_finds_a_toolbar_where_streamlit_puts_it(reached: Any) -> None:
    visitor = reached(1366, 768)
    visitor.tab.add_style_tag(content=AS_STREAMLIT_HAS_IT)
    wait_until(lambda: visitor.tab.evaluate(COVERED), what="a control that is covered")
    visitor.tab.context.close()
