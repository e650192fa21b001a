"""The timeline in the app: reruns, another video, another theme, another view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageColor

from clip_core.charts.colours import THEMES
from tests.browser.test_browser import PROMPTS, SIZE
from tests.support.app import new_world
from tests.support.browser import FIRST_MS, Visitor, control, served, wait_until
from tests.support.stage import ROWS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

_RANGE = "(document.querySelector('.cvi-plot')?._fullLayout?.xaxis.range ?? ['', '']).map(String)"
_INK = """(colour) => { const canvas = document.querySelector('.cvi-curves')
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
  let found = 0
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 120 && colour.every((part, k) => Math.abs(data[i + k] - part) < 8)) found += 1
  return found }"""

_FRAME = "document[Symbol.for('clip-video-investigator.clocks')]?.get('main')?.frame ?? -1"
_LEFT = "document[Symbol.for('clip-video-investigator.places')].get('main').frame"


class Watcher(Visitor):
    """A visitor of the page with the player."""

    def ready(self) -> Watcher:
        self.open()
        self.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        self.drawn(len(PROMPTS))
        return self

    def drawn(self, prompts: int) -> None:
        """Wait for the curves: with raw ones two lines a prompt."""
        self.tab.locator(f'canvas[data-lines="{2 * prompts}"]').wait_for()

    def range(self) -> list[str]:
        return list(self.tab.evaluate(_RANGE))

    def zoom(self) -> list[str]:
        box, before = self.tab.locator(".cvi-plot .nsewdrag").first.bounding_box(), self.range()
        assert box is not None
        for move, share in (
            (self.tab.mouse.move, 0.3),
            (None, 0),
            (self.tab.mouse.move, 0.5),
            (self.tab.mouse.move, 0.6),
        ):
            if move is None:
                self.tab.mouse.down()
            else:
                move(box["x"] + share * box["width"], box["y"] + 100)
        self.tab.mouse.up()
        wait_until(lambda: self.range() != before, what="zoomed")
        return self.range()

    def ink(self, colour: str) -> int:
        return int(self.tab.evaluate(_INK, list(ImageColor.getrgb(colour))))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[str]:
    world = new_world(tmp_path_factory.mktemp("timeline"), stock)
    world.take(stock / "short.mp4")
    world.write(CLIP=PROMPTS)
    with served(world) as found:
        yield found


@pytest.fixture
def visitor(address: str, chromium: Any) -> Iterator[Watcher]:
    context = chromium.new_context(viewport=SIZE, color_scheme="light")
    made = Watcher(context.new_page(), address).ready()
    yield made
    assert made.errors == []
    assert made.outside() == []
    context.close()


def test_zoom_and_node_survive_reruns_but_not_another_axis_or_video(visitor: Watcher) -> None:
    tab = visitor.tab
    whole, seen = visitor.range(), visitor.zoom()
    node = tab.locator(".cvi-curves").element_handle()
    before = tab.locator(".cvi-plot .annotation").all_text_contents()
    tab.locator(f"{control('threshold')} input[type=range]").first.press("ArrowRight")
    wait_until(lambda: tab.locator(".cvi-plot .annotation").all_text_contents() != before, what="another threshold")
    assert visitor.range() == seen
    visitor.pill(1).click()
    visitor.drawn(len(PROMPTS) - 1)
    assert visitor.range() == seen
    area = tab.locator(f"{control('prompts')} textarea")
    area.fill("\n".join([*PROMPTS, "a tenth"]))
    area.press("Control+Enter")
    visitor.drawn(len(PROMPTS))  # one is hidden, one is new
    assert visitor.range() == seen
    assert tab.evaluate("(node) => node.isConnected && node === document.querySelector('.cvi-curves')", node)
    tab.locator(f"{control('video')} input").click()
    tab.get_by_role("option", name="short.mp4").click()
    wait_until(lambda: visitor.range()[1].endswith("00:02.000"), what="the other video's whole")
    assert visitor.range()[0] == whole[0]


def test_both_themes_live_with_zoom_and_frame_kept_and_nothing_scrolls(visitor: Watcher) -> None:
    tab = visitor.tab
    seen = visitor.zoom()
    box = tab.locator(".cvi-plot .nsewdrag").first.bounding_box()
    tab.mouse.click(box["x"] + 300, box["y"] + 50)
    wait_until(lambda: tab.locator(".cvi-screen [data-frame]").inner_text() != "0", what="the frame")
    tab.mouse.move(5, 5)
    frame = tab.locator(".cvi-screen [data-frame]").inner_text()
    for theme in ("dark", "light"):
        tab.emulate_media(color_scheme=theme)
        wait_until(lambda: visitor.ink(THEMES[theme].prompts[0]) > 50, what=f"curves in {theme}")  # noqa: B023
        colours = "getComputedStyle(document.querySelector('.cvi-playhead'), '::after').backgroundColor"
        wanted = "rgb({}, {}, {})".format(*ImageColor.getrgb(THEMES[theme].text))
        wait_until(lambda: tab.evaluate(colours) == wanted, what=f"the playhead in {theme}")  # noqa: B023
        paper = tab.locator(".cvi-plot .main-svg").first.evaluate("svg => getComputedStyle(svg).backgroundColor")
        assert paper == "rgb({}, {}, {})".format(*ImageColor.getrgb(THEMES[theme].background))
        assert visitor.range() == seen
        assert tab.locator(".cvi-screen [data-frame]").inner_text() == frame
        width = "document.documentElement.scrollWidth <= innerWidth"
        assert tab.evaluate(width)


@pytest.mark.parametrize("by", ["link", "history"])
def test_the_place_is_found_again_after_another_page(visitor: Watcher, by: str) -> None:
    tab = visitor.tab
    tab.locator(".cvi-speed").select_option("0.25")  # so that a slow machine has time before the end
    tab.locator(".cvi-play").click()
    wait_until(lambda: tab.evaluate(_FRAME) > 5, what="playing")
    tab.get_by_role("link", name="Library").first.click()
    tab.locator(".st-key-forget button").wait_for()
    tab.locator(".cvi-screen").wait_for(state="detached")
    wait_until(lambda: tab.evaluate("location.pathname") == "/library", what="its address")
    left = tab.evaluate(_LEFT)
    assert left > 5
    tab.get_by_role("link", name="Investigate").first.click() if by == "link" else tab.go_back()
    wait_until(lambda: tab.evaluate(_FRAME) == left, what=f"frame {left}")
    visitor.drawn(len(PROMPTS))
    wait_until(lambda: tab.locator("video").first.evaluate("video => video.currentTime") > left / 30, what="sought")
    visitor.watch("Frames")  # of which Python says where
    visitor.shows(left)


def test_listeners_do_not_grow_with_the_views_that_are_opened(visitor: Watcher) -> None:
    cdp = visitor.tab.context.new_cdp_session(visitor.tab)

    def listeners() -> int:
        found = cdp.send("Runtime.evaluate", {"expression": "window"})["result"]["objectId"]
        return len(cdp.send("DOMDebugger.getEventListeners", {"objectId": found})["listeners"])

    counts = []
    for _ in range(3):
        visitor.watch("Frames")
        visitor.settle()
        visitor.watch("Player")
        visitor.drawn(len(PROMPTS))
        counts.append(listeners())
    assert counts[-1] <= counts[0] + 1, counts


def test_both_views_show_the_same_numbers(visitor: Watcher) -> None:
    tab = visitor.tab
    plot = tab.locator(".cvi-plot .nsewdrag").first.bounding_box()
    tab.mouse.click(plot["x"] + 0.4317 * plot["width"], plot["y"] + 80)
    wait_until(lambda: tab.locator(".cvi-screen [data-frame]").inner_text() == "129", what="the frame")
    wait_until(lambda: "sample at 0:04.2" in tab.locator(".cvi-when").inner_text(), what="the sample")
    player = tab.evaluate(ROWS)
    assert sorted(name for name, _ in player) == sorted(PROMPTS)
    tab.wait_for_timeout(300)  # the report to Python follows the click
    tab.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")
    visitor.watch("Frames")
    rows = tab.locator(".stHtml div[data-prompt]")
    rows.first.wait_for()
    wait_until(lambda: visitor.frame == 129, what="the same frame")
    assert [row.split("\n") for row in rows.all_inner_texts()] == player
