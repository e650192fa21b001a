"""More than ten prompts: all pills can be reached, no button is cut, the heat map is proposed, and marks differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_bad_input import SIXTY
from tests.browser.test_browser import PROMPTS
from tests.browser.test_window import MANY
from tests.support.app import new_world
from tests.support.browser import CHROMIUM_FLAGS, Visitor, chromium_program, served, set_prompts, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

_CUT = """() => [...document.querySelectorAll("[data-testid=stSidebar] button, [data-testid=stMain] button")]
  .filter((button) => button.offsetWidth && getComputedStyle(button).visibility !== "hidden")
  .flatMap((button) => [button, ...button.querySelectorAll("*")])
  .filter((part) => !part.closest("[data-testid=stMarkdownContainer]:has(> p > em:only-child)")) // for screen readers
  .filter((part) => part.innerText && !part.innerText.endsWith(" icon") && part.scrollWidth > part.clientWidth + 1
      && ["hidden", "clip"].includes(getComputedStyle(part).overflowX))
  .map((part) => part.innerText)"""
"""The texts of buttons that do not show whole."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[str]:
    world = new_world(tmp_path_factory.mktemp("many"), stock)
    world.write(CLIP=MANY)
    with served(world) as found:
        yield found


@pytest.fixture
def visitor(address: str, chromium: Any) -> Iterator[Visitor]:
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    made = Visitor(context.new_page(), address).open_ready("Player")
    yield made
    assert made.errors == []
    context.close()


def test_no_button_is_cut(visitor: Visitor) -> None:
    for prompts in (MANY, PROMPTS[:9], SIXTY):
        if prompts != MANY:
            set_prompts(visitor, prompts)
        wait_until(lambda: visitor.tab.evaluate(_CUT) == [], what=str(visitor.tab.evaluate(_CUT)))
    box = visitor.tab.locator(".st-key-rules_box button").first
    assert "Rules" in box.inner_text()
    assert "Flag 60 of 60" in visitor.tab.locator(".st-key-flag_box").inner_text()


def test_every_pill_is_reached_by_wheel_and_by_keyboard(visitor: Visitor) -> None:
    set_prompts(visitor, SIXTY)
    legend = visitor.tab.locator(".st-key-legend")
    assert legend.evaluate("box => box.scrollHeight > box.clientHeight"), "more than is seen"
    pills = legend.locator("button")
    expect(pills).to_have_count(60)
    assert legend.evaluate("box => box.clientHeight") >= 2 * pills.first.bounding_box()["height"], "two rows at once"
    pills.last.focus()  # as Tab and the arrows do
    inside = """([pill, box]) => { const [a, b] = [pill, box].map((e) => e.getBoundingClientRect())
        return a.top >= b.top - 1 && a.bottom <= b.bottom + 1 && a.right <= b.right + 1 }"""
    handles = [pills.last.element_handle(), legend.element_handle()]
    wait_until(lambda: visitor.tab.evaluate(inside, handles), what="the last pill in the box")
    visitor.tab.keyboard.press("Space")
    wait_until(lambda: visitor.lines() == 59, what="59 lines")
    tabs = legend.evaluate("box => [...box.querySelectorAll('button')].filter((pill) => pill.tabIndex >= 0).length")
    assert tabs >= 1


def test_the_bar_that_scrolls_the_pills_is_seen(address: str, chromium: Any) -> None:
    """Playwright's own browser hides all scroll bars, so this one is another."""
    with_bars = chromium.browser_type.launch(
        executable_path=chromium_program(), args=CHROMIUM_FLAGS, ignore_default_args=["--hide-scrollbars"]
    )
    try:
        visitor = Visitor(with_bars.new_page(viewport={"width": 1366, "height": 768}), address).open_ready("Player")
        bar = "box => box.offsetWidth - box.clientWidth"
        legend = visitor.tab.locator(".st-key-legend")
        assert legend.evaluate(bar) == 0, "two rows hold fifteen"
        set_prompts(visitor, SIXTY)
        wait_until(lambda: 6 <= legend.evaluate(bar) <= 20, what="a scroll bar")
    finally:
        with_bars.close()


def test_the_heat_map_is_proposed_once_from_twelve_prompts_on(visitor: Visitor) -> None:
    proposal = visitor.tab.locator(".st-key-heat_proposal")
    proposal.get_by_text("15 curves are hard to tell apart.").wait_for()
    set_prompts(visitor, MANY[:11])
    proposal.wait_for(state="detached")
    set_prompts(visitor, MANY[:12])
    visitor.fits_at_rest()
    proposal.get_by_role("button", name="Show a heat map").click()
    proposal.wait_for(state="detached")
    visitor.tab.locator(".cvi-plot .ytick text", has_text=MANY[0]).wait_for()
    visitor.tab.locator(".st-key-view_box button").first.click()
    visitor.tab.locator(".st-key-chart_kind button", has_text="Curves").click()
    visitor.tab.locator(".cvi-plot .ytick text", has_text=MANY[0]).wait_for(state="detached")
    visitor.tab.keyboard.press("Escape")
    visitor.settle()
    assert proposal.count() == 0  # it was answered


def test_a_proposal_that_is_closed_stays_closed(visitor: Visitor) -> None:
    proposal = visitor.tab.locator(".st-key-heat_proposal")
    proposal.locator(".st-key-leave_heat button:visible").first.click()
    proposal.wait_for(state="detached")
    set_prompts(visitor, [*MANY, "a boat"])
    assert proposal.count() == 0
    assert visitor.lines() == 16  # still curves


def test_one_mark_in_pills_ranking_hover_and_chips(visitor: Visitor) -> None:
    """The thirteenth prompt has the first one's colour and another swatch, the same everywhere."""
    tab = visitor.tab
    pills = tab.locator(".st-key-legend button img")
    expect(pills).to_have_count(15)
    swatches = dict(zip(MANY, pills.evaluate_all("all => all.map((one) => one.src)"), strict=True))
    assert len(set(swatches.values())) == 15
    for row in tab.locator(".cvi-row").all():
        assert row.locator(".cvi-swatch").get_attribute("src") == swatches[row.get_attribute("data-prompt")]
    chips = tab.locator("[data-region=verdicts] [data-prompt]").evaluate_all(
        "all => all.map((chip) => [chip.dataset.prompt, chip.querySelector('img').src])"
    )
    assert dict(chips) == swatches
    box = tab.locator(".cvi-plot .nsewdrag").first.bounding_box()
    tab.mouse.move(box["x"] + 300, box["y"] + 60)
    hover = tab.locator(".cvi-hover-box div")
    hover.first.wait_for()
    for name, source in hover.evaluate_all("all => all.map((d) => [d.children[1].textContent, d.children[0].src])"):
        assert source == swatches[name]
