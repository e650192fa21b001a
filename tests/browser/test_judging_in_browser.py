"""Judging from the list in a real Chromium: clicks, keys, and edges that are dragged on the chart."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation
from pages.regions.moments.table import PEAK_PX, UP_TO_PEAK_PX
from tests.browser.test_findings_in_browser import Finder
from tests.support.app import new_world
from tests.support.browser import control, served, wait_until
from tests.support.world import World, seconds

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TIME = re.compile(r"\d:\d\d\.\d\d\d")
TICKS_PX, HEAD_PX, ROW_PX = 33, 34, 28
CELLS = """() => [...document.querySelectorAll('[data-testid=stDataFrame] [role=row]')].map(
    (row) => [...row.querySelectorAll('[role=gridcell]')].map((cell) => cell.innerText)).filter((row) => row.length)"""
"""What is read to a screen reader, row by row."""
GRIPS = """() => [...document.querySelectorAll('.cvi-edge')].map((grip) => {
    const host = grip.closest('.cvi-timeline').getBoundingClientRect(), style = getComputedStyle(grip)
    const side = grip.dataset.side === 'start' ? -5 : 5
    return [grip.hidden, host.left + new DOMMatrix(style.transform).m41 + side,
            host.top + parseFloat(style.top) + parseFloat(style.height) / 2, grip.ariaValueText] })"""
"""Of both edges: whether they are hidden, where one grips them, and their time."""
X_OF = """(seconds) => { const plot = document.querySelector('.cvi-plot'), axis = plot._fullLayout.xaxis
    const [low, high] = axis.range.map((end) => axis.r2l(end) / 1000), box = plot.getBoundingClientRect()
    return box.left + axis._offset + (seconds - low) / (high - low) * axis._length }"""


class Judge(Finder):
    """A visitor who judges."""

    def __init__(self, tab: Any, address: str, world: World) -> None:
        super().__init__(tab, address)
        self.world = world

    @property
    def annotations(self) -> list[Annotation]:
        """What the store keeps."""
        store = EmbeddingStore(str(self.world.folder / "embeddings"))
        return [annotation for video in store.videos() for annotation in store.annotations(video.video_id)]

    @property
    def verdicts(self) -> list[str]:
        return sorted(annotation.verdict for annotation in self.annotations)

    @property
    def time_s(self) -> float:
        return seconds(self.tab.locator(".cvi-screen [data-time]").inner_text())

    @property
    def starts(self) -> list[float]:
        """Where the moments of the list begin."""
        return [seconds(next(filter(TIME.fullmatch, row))) for row in self.tab.evaluate(CELLS)]

    def click_row(self, row: int, x: float = 120) -> None:
        """As a hand does: the pointer comes to a cell before it is pressed there."""
        box = self.tab.locator("[data-testid=stDataFrame]:visible").last.bounding_box()
        assert box is not None
        y = box["y"] + HEAD_PX + ROW_PX * (row + 0.5)
        for step in (8, 4, 0):
            self.tab.mouse.move(box["x"] + x - step, y)
            self.tab.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
        self.tab.mouse.down()
        self.tab.mouse.up()

    def is_at(self, row: int) -> None:
        """Wait until the frame at the start of a moment is on the screen and its edges are on the chart."""
        start_s = self.starts[row]
        wait_until(lambda: -0.0005 <= start_s - self.time_s < 1 / 30, what=f"{start_s}, not {self.time_s}")
        wait_until(lambda: self.grips()[0][3] == f"0:{start_s:06.3f}", what=f"edges at {start_s}: {self.grips()}")

    def grips(self) -> list[Any]:
        return list(self.tab.evaluate(GRIPS))

    def click_chart_at(self, time_s: float) -> None:
        box = self.tab.locator(".cvi-plot").bounding_box()
        assert box is not None
        self.tab.mouse.click(self.tab.evaluate(X_OF, time_s), box["y"] + 60)
        wait_until(lambda: abs(self.time_s - time_s) < 0.1, what=f"the frame at {time_s}")

    def drag(self, side: int, to_s: float) -> None:
        """Grip an edge and move it, without letting go."""
        _, x, y, _ = self.grips()[side]
        away = self.tab.evaluate(X_OF, to_s) + (-5 if side == 0 else 5) - x
        self.tab.mouse.move(x, y)
        self.tab.mouse.down()
        for share in (0.3, 0.7, 1.0):
            self.tab.mouse.move(x + share * away, y)


@pytest.fixture
def judge(chromium: Any, tmp_path: Path, stock: Path) -> Iterator[Judge]:
    world = new_world(tmp_path, stock)
    with served(world) as address, chromium.new_context(viewport={"width": 1440, "height": 900}) as context:
        made = Judge(context.new_page(), address, world)
        made.open_ready("Player")
        wait_until(lambda: len(made.starts) >= 3, what="three moments")
        yield made
        assert made.errors == []


def test_a_click_on_the_selected_row_goes_there_again(judge: Judge) -> None:
    judge.click_row(1)
    judge.is_at(1)
    for x in (120, 120, 45, 200):
        judge.click_chart_at(9.5)
        judge.click_row(1, x)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: judge.time_s < 9, seconds=10)
        if judge.time_s > 9:  # a click that came in one message with the one before it is taken for a late message
            judge.click_row(1, x)
        judge.is_at(1)


def test_the_keys_judge_the_selected_moment_and_go_on(judge: Judge) -> None:
    judge.click_row(0)
    judge.is_at(0)
    judge.tab.keyboard.press("a")
    judge.is_at(1)
    assert judge.verdicts == ["accepted"]
    judge.tab.locator(".cvi-screen").focus()  # also while the player has the keys
    judge.tab.keyboard.press("x")
    judge.is_at(2)
    assert judge.verdicts == ["accepted", "rejected"]
    wait_until(lambda: [row[0] for row in judge.tab.evaluate(CELLS)][:3] == ["✓", "✗", ""], what="signs, first")
    judge.tab.keyboard.press("Control+z")
    judge.is_at(1)
    assert judge.verdicts == ["accepted"]


def test_keys_do_not_act_while_somebody_types(judge: Judge) -> None:
    judge.click_row(0)
    judge.is_at(0)
    judge.tab.keyboard.press("a")
    judge.is_at(1)
    prompts = judge.tab.locator(f"{control('prompts')} textarea")
    before = prompts.input_value()
    prompts.press("End")
    prompts.press_sequentially("ax")
    assert len(prompts.input_value()) == len(before) + 2
    prompts.press("Control+z")
    assert len(prompts.input_value()) < len(before) + 2  # the browser's own undo
    judge.settle()
    assert judge.verdicts == ["accepted"]


def test_an_edge_is_dragged_to_a_sample_and_escape_puts_it_back(judge: Judge) -> None:
    samples_s = np.arange(50) / 5
    judge.click_row(0)
    judge.is_at(0)
    (_, _, _, start), (_, _, _, end) = judge.grips()
    to_s = samples_s[(samples_s > seconds(end) + 0.1) | (samples_s < seconds(end) - 0.1)]
    wanted = float(next(t for t in to_s[::-1] if t > seconds(start) and abs(t - seconds(end)) > 0.1))
    before = judge.time_s
    judge.drag(1, wanted + 0.07)
    assert judge.grips()[1][3] == f"0:{wanted:06.3f}"
    judge.tab.keyboard.press("Escape")
    assert judge.grips()[1][3] == end
    judge.tab.mouse.up()
    judge.settle()
    assert judge.annotations == []
    judge.drag(1, wanted + 0.07)
    judge.tab.mouse.up()
    wait_until(lambda: len(judge.annotations) == 1, what="edges that are kept")
    (annotation,) = judge.annotations
    assert (annotation.end_s, annotation.verdict) == (pytest.approx(wanted), "")
    assert annotation.start_s == pytest.approx(seconds(start), abs=1e-3)
    assert judge.time_s == before  # nobody was sent elsewhere
    judge.settle()
    assert judge.grips()[1][3] == f"0:{wanted:06.3f}"
    judge.tab.keyboard.press("Control+z")
    wait_until(lambda: judge.grips()[1][3] == end, what="the end as it was")
    judge.settle()
    judge.drag(1, wanted + 0.07)
    judge.tab.mouse.up()
    wait_until(lambda: len(judge.annotations) == 1, what="edges that are kept")
    judge.tab.keyboard.press("Control+z")  # before the run that the drag began has drawn anything
    wait_until(lambda: judge.grips()[1][3] == end, what="the end as it was, again")


def test_the_table_reads_as_times_and_shows_the_peaks(judge: Judge) -> None:
    cells = [cell for row in judge.tab.evaluate(CELLS) for cell in row]
    assert not [cell for cell in cells if "1970" in cell]
    assert len([cell for cell in cells if TIME.fullmatch(cell)]) >= len(judge.starts)
    for width, height in ((1366, 768), (1440, 900)):
        judge.tab.set_viewport_size({"width": width, "height": height})
        box = judge.tab.locator("[data-testid=stDataFrame]:visible").last.bounding_box()
        assert box is not None
        assert box["width"] >= TICKS_PX + UP_TO_PEAK_PX + PEAK_PX, width
