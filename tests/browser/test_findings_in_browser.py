"""From curves to findings in a real Chromium: units, judging, the link, the heat map, both themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import new_world
from tests.support.browser import FIRST_MS, Visitor, control, served, wait_until

SIDEBAR = """() => {
    const s = document.querySelector('[data-testid="stSidebarContent"]')
    return s.scrollHeight - s.clientHeight
}"""


class Finder(Visitor):
    """A visitor who looks for findings."""

    def begin(self) -> None:
        """Open the page and wait until the video is indexed."""
        self.open()
        self.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        self.settle()

    def choose(self, key: str, option: str) -> None:
        """Pick an option of a select box."""
        self.tab.locator(f"{control(key)} input").click()
        self.tab.get_by_role("option", name=option).click()
        wait_until(lambda: self.tab.locator(f"{control(key)} input").input_value() == option, what=option)
        self.settle()

    def switch(self, key: str, option: str) -> None:
        """Press one of the buttons of a switch."""
        button = self.tab.locator(f"{control(key)} button", has_text=option)
        button.click()
        wait_until(
            lambda: button.get_attribute("aria-checked") == "true" or button.get_attribute("aria-pressed") == "true"
        )
        self.settle()

    def axis(self) -> list[float]:
        """The ends of the score axis."""
        return [float(end) for end in self.tab.evaluate(
            "() => document.querySelector('.cvi-plot .js-plotly-plot, .cvi-plot.js-plotly-plot')"
            "._fullLayout.yaxis.range")]  # fmt: skip

    def fits(self) -> bool:
        """Whether neither the page nor the sidebar scrolls."""
        full, seen = self.overflow()
        return full <= seen and int(self.tab.evaluate(SIDEBAR)) <= 0

    def heading(self) -> str:
        """Such as "Moments · 12"."""
        return self.tab.locator(".st-key-list button").first.inner_text()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[str]:
    world = new_world(tmp_path_factory.mktemp("findings"), stock)
    world.write(threshold=0.0)  # so that there are moments of a model that knows nothing
    with served(world) as found:
        yield found


@pytest.fixture(scope="module")
def visitor(chromium: Any, address: str) -> Iterator[Finder]:
    """One tab for all tests: opening takes longer than they do. Each asks for what it needs."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    made = Finder(context.new_page(), address)
    made.begin()
    yield made
    context.close()


def test_the_axis_follows_the_unit_and_nothing_scrolls(visitor: Finder) -> None:
    visitor.choose("unit", "cosine")
    visitor.switch("threshold_mode", "One for all")
    cosine = visitor.axis()
    wait_until(visitor.fits, what="one screen")
    visitor.choose("unit", "z (robust)")
    wait_until(lambda: visitor.axis()[1] > 1 > cosine[1], what="an axis in deviations")
    wait_until(visitor.fits, what="one screen")
    visitor.switch("threshold_mode", "Adapt")
    visitor.tab.locator(control("threshold")).wait_for(state="detached")
    wait_until(visitor.fits, what="one screen")
    visitor.choose("unit", "percentile")
    wait_until(lambda: visitor.axis()[1] > 90, what="an axis in percent")
    assert visitor.errors == []
    assert visitor.outside() == []


def test_a_judged_moment_is_judged_after_a_reload(visitor: Finder) -> None:
    visitor.tab.reload()  # as config.yaml has it, so that there are moments
    visitor.settle()
    before = visitor.heading()
    visitor.tab.get_by_role("button", name="Next moment").first.click()
    visitor.tab.locator(".st-key-judge_box button").first.click()
    visitor.tab.get_by_text("Under the playhead:").wait_for()
    visitor.tab.locator(".st-key-judge_rejected button:visible").first.click()
    wait_until(lambda: visitor.heading() != before, what="one moment less")
    after = visitor.heading()
    visitor.tab.reload()
    visitor.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
    wait_until(lambda: visitor.heading() == after, what=after)
    assert visitor.errors == []


def test_the_link_of_the_box_shows_the_same_in_a_new_tab(visitor: Finder) -> None:
    visitor.choose("unit", "percentile")
    visitor.tab.locator(f"{control('prompts')} textarea").fill("a dog\n<b>50 % & more?</b>\n- a person")
    visitor.tab.locator(f"{control('prompts')} textarea").press("Control+Enter")
    visitor.tab.locator(".st-key-legend button", has_text="50 %").wait_for()
    visitor.settle()
    heading, axis = visitor.heading(), visitor.axis()
    visitor.tab.locator(".st-key-settings_box button").first.click()
    link = visitor.tab.locator('[data-testid="stCode"]', has_text="prompt=").inner_text().strip()
    assert "unit=percentile" in link
    visitor.tab.keyboard.press("Escape")
    visitor.tab.locator('[data-testid="stCode"]').wait_for(state="hidden")
    other = Finder(visitor.tab.context.new_page(), link)
    other.open()
    other.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
    other.settle()
    wait_until(lambda: (other.heading(), other.axis()) == (heading, axis), what=f"{heading} {axis}")
    shown = other.tab.locator(".st-key-legend button").all_inner_texts()
    assert [text.strip() for text in shown] == ["a dog", "<b>50 % & more?</b>"]
    assert (visitor.errors, other.errors) == ([], [])
    other.tab.close()


def test_the_heat_map_in_the_dark(visitor: Finder) -> None:
    visitor.tab.locator(".st-key-view_box button").first.click()
    visitor.tab.locator(".st-key-chart_kind button", has_text="Heat map").click()
    visitor.tab.locator(".cvi-plot canvas").first.wait_for()
    wait_until(lambda: visitor.tab.locator(".cvi-plot .ytick", has_text="a dog").count() == 1, what="a row's name")
    background = visitor.tab.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background == "rgb(20, 23, 28)"
    assert visitor.errors == []


@pytest.mark.parametrize("kind", ["moving mean", "Gaussian", "median", "Savitzky–Golay", "exponential"])
def test_the_name_of_the_filter_is_not_cut(visitor: Finder, kind: str) -> None:
    visitor.choose("smoothing_kind", kind)
    field = visitor.tab.locator(f"{control('smoothing_kind')} input")
    wide, seen = field.evaluate("(input) => [input.scrollWidth, input.clientWidth]")
    assert wide <= seen
