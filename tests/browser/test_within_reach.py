"""Every control can be reached: nothing lies over it, and no side of it is cut, in every state, at any usual width."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.app import new_world
from tests.support.browser import Visitor, control, served, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OUT_OF_REACH = """(within) => {
  const found = []
  const named = (e) => e.getAttribute("aria-label") || e.innerText || e.closest("[class*=st-key-]")?.className
  const away = document.querySelector("[data-testid=stSidebar]")?.getBoundingClientRect().right < 1
  const closed = "[data-testid=stElementToolbar], [hidden], [inert]" + (away ? ", [data-testid=stSidebar]" : "")
  for (const root of document.querySelectorAll(within)) {
    for (const inner of root.querySelectorAll("button, textarea, input, [role=combobox], a[href]")) {
      // The input of a slider lies unseen somewhere beside its thumb, and that of a switch in its label.
      const control = inner.type === "range" ? inner.closest("[data-testid=stSlider] [style*=left]") : inner
      if (!control || inner.disabled || control.closest(closed)) continue
      if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
      control.scrollIntoView({ block: "center", inline: "nearest" })
      const { left, right, top, bottom, width, height } = control.getBoundingClientRect()
      if (width < 2 || height < 2) continue
      if (left < 0 || right > innerWidth + 0.5) {
        found.push([named(inner), `from ${Math.round(left)} to ${Math.round(right)} of ${innerWidth} px`])
        continue
      }
      for (const x of [left + 3, (left + right) / 2, right - 3]) {
        const over = document.elementFromPoint(x, (top + bottom) / 2)
        const own = over && (control.contains(over) || over.contains(control) || over.closest("label")?.contains(inner))
        if (!own) {
          found.push([named(inner), Math.round(x), over && over.outerHTML.slice(0, 90)])
          break
        }
      }
    }
  }
  return found
}"""
"""The controls within a part of the page that cannot be clicked once one has scrolled to them: name, where, why."""
SIZES = [(1280, 720), (1366, 768), (1440, 900), (1920, 1080), (390, 844)]
"""Of usual windows, and of a phone held upright."""
BOXES = (
    "upload_box",
    "own_box",
    "flag_box",
    "rules_box",
    "judge_box",
    "download_box",
    "view_box",
    "settings_box",
    "help_box",
)
ROW = (100, 34 + 14)
AS_STREAMLIT_HAS_IT = '[data-testid="stElementToolbar"][class]{top:-41.5px!important;right:0!important}'


def click_first_row(visitor: Visitor) -> None:
    """As after a click on the first moment, when the table shows its toolbar."""
    box = visitor.tab.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    visitor.tab.mouse.click(box["x"] + ROW[0], box["y"] + ROW[1])
    visitor.tab.locator("[data-testid=stElementToolbar]").first.wait_for()
    visitor.settle()


def listing(name: str) -> Callable[[Visitor], None]:
    """Choose a list beside the ranking."""

    def choose(visitor: Visitor) -> None:
        visitor.tab.locator(".st-key-list button", has_text=name).click()
        visitor.tab.locator(".st-key-list button[aria-checked=true]", has_text=name).wait_for()
        visitor.settle()

    return choose


def on_page(name: str) -> Callable[[Visitor], None]:
    """Go to another page."""

    def go(visitor: Visitor) -> None:
        visitor.tab.get_by_role("link", name=name).first.click()
        visitor.tab.locator("[data-region=verdicts]").first.wait_for(state="detached")
        visitor.tab.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")

    return go


def heat_map(visitor: Visitor) -> None:
    visitor.tab.locator(".st-key-view_box button").first.click()
    visitor.tab.locator(".st-key-chart_kind button", has_text="Heat map").click()
    visitor.tab.keyboard.press("Escape")
    visitor.settle()


def no_prompts(visitor: Visitor) -> None:
    field = visitor.tab.locator(f"{control('prompts')} textarea")
    field.fill("")
    field.press("Control+Enter")
    visitor.tab.locator(".st-key-legend button").first.wait_for(state="detached")
    visitor.tab.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")


STATES: dict[str, Callable[[Visitor], None]] = {
    "a row clicked": click_first_row,
    "peaks": listing("Peaks"),
    "best": listing("Best"),
    "worst": listing("Worst"),
    "spikes": listing("Spikes"),
    "no prompts": no_prompts,
    "frames": lambda visitor: visitor.watch("Frames"),
    "heat map": heat_map,
    "evaluate": on_page("Evaluate"),
    "compare": on_page("Compare encoders"),
    "stored": on_page("Library"),
}


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, stock: Any, chromium: Any) -> Iterator[Callable[..., Visitor]]:
    """Open the page at a size, in a theme."""
    world = new_world(tmp_path_factory.mktemp("reach"), stock)
    world.write(threshold=0.0)  # so that there are moments of a model that knows nothing
    with served(world) as address:

        def opened(size: tuple[int, int] = SIZES[1], theme: str = "light") -> Visitor:
            viewport = dict(zip(("width", "height"), size, strict=True))
            visitor = Visitor(chromium.new_context(viewport=viewport, color_scheme=theme).new_page(), address)
            visitor.tab.goto(address)
            visitor.tab.locator("[data-region=verdicts]").first.wait_for(timeout=120_000)
            wait_until(lambda: "indexed" in str(visitor.tab.locator(".st-key-status").first.text_content()), 120)
            visitor.settle()
            return visitor

        yield opened


def assert_in_reach(visitor: Visitor, within: str = "body", what: str = "") -> None:
    """A late run may still move things; what it leaves is judged."""
    visitor.tab.mouse.move(2, 2)  # off whatever has a tooltip
    with contextlib.suppress(AssertionError):
        wait_until(lambda: visitor.tab.evaluate(OUT_OF_REACH, within) == [], seconds=10)
    assert (what, visitor.tab.evaluate(OUT_OF_REACH, within)) == (what, [])


@pytest.mark.parametrize("state", STATES)
def test_every_control_is_in_reach_at_every_size(reached: Callable[..., Visitor], state: str) -> None:
    visitor = reached()
    STATES[state](visitor)
    for width, height in SIZES:
        visitor.tab.set_viewport_size({"width": width, "height": height})
        assert_in_reach(visitor, what=f"{state} at {width} px")
    visitor.tab.context.close()


def test_every_control_is_in_reach_in_the_dark(reached: Callable[..., Visitor]) -> None:
    visitor = reached(theme="dark")
    click_first_row(visitor)
    assert_in_reach(visitor)
    visitor.tab.context.close()


@pytest.mark.parametrize("size", [SIZES[1], SIZES[-1]], ids=["window", "phone"])
def test_what_is_in_a_box_is_in_reach(reached: Callable[..., Visitor], size: tuple[int, int]) -> None:
    visitor, phone = reached(size), size == SIZES[-1]
    body = visitor.tab.locator("[data-testid=stPopoverBody]")
    for key in BOXES:
        in_sidebar = visitor.tab.locator(f"[data-testid=stSidebar] .st-key-{key}").count() > 0
        if phone:
            show_sidebar(visitor, wanted=in_sidebar)
        visitor.tab.locator(f".st-key-{key} button:visible").first.click(timeout=10_000)
        body.wait_for()
        assert_in_reach(visitor, "[data-testid=stPopoverBody]", key)
        visitor.tab.keyboard.press("Escape")
        body.wait_for(state="detached")
    if phone:
        show_sidebar(visitor, wanted=True)
        assert_in_reach(visitor, "[data-testid=stSidebar]", "sidebar")
    visitor.tab.context.close()


def show_sidebar(visitor: Visitor, *, wanted: bool) -> None:
    """Open or close it, as one must on a phone, where it covers the page."""
    collapsed = visitor.tab.locator("[data-testid=stSidebar][data-collapsed=true]")
    if wanted == (collapsed.count() > 0):
        button = "[data-testid=stExpandSidebarButton]" if wanted else "[data-testid=stSidebarCollapseButton] button"
        visitor.tab.locator(button).first.click(force=not wanted)  # which is shown on hover alone
        right = "document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right"
        wait_until(lambda: (visitor.tab.evaluate(right) > 200) == wanted, what="the sidebar")


def test_the_look_finds_a_toolbar_where_streamlit_puts_it(reached: Callable[..., Visitor]) -> None:
    visitor = reached()
    click_first_row(visitor)
    visitor.tab.add_style_tag(content=AS_STREAMLIT_HAS_IT)
    wait_until(lambda: visitor.tab.evaluate(OUT_OF_REACH, "body"), what="a control that is covered")
    visitor.tab.context.close()
