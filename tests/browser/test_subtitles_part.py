"""The lane of subtitles: what is said now stands in the middle and runs along with the player; a click leads there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.subtitles import Cue
from tests.browser.test_browser import PROMPTS, SIZE
from tests.support.app import new_world
from tests.support.browser import Visitor, served, set_prompts, wait_until
from tests.support.stage import Stage, put, times_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
NOW = "() => [...document.querySelectorAll('.cvi-cue[aria-current=true]')].map((cue) => cue.textContent)"
MIDDLE = """(at) => { const row = document.querySelector('.cvi-cues').getBoundingClientRect()
    const cue = document.querySelector(`[data-cue="${at}"]`).getBoundingClientRect()
    return Math.abs((cue.left + cue.right - row.left - row.right) / 2) }"""
CUES = [Cue(2.0 * at, 2.0 * at + 1.5, f"cue {at}") for at in range(1000)]
CUES[3] = Cue(6.0, 7.5, "<img src=x onerror=alert(1)>\nsecond line")


@pytest.fixture
def tab(chromium: Any, stage: Stage) -> Iterator[Any]:
    context = chromium.new_context(viewport=SIZE)
    page = context.new_page()
    page.goto(stage.address)
    page.wait_for_selector("body[data-ready]", state="attached")
    yield page
    context.close()


def show(tab: Any, stage: Stage, cues: list[Cue], **changes: Any) -> None:
    stage.blocks["cue-times"] = np.array([[c.start_s, c.end_s] for c in cues], "<f8").T.tobytes()
    stage.blocks["cue-texts"] = json.dumps([cue.text for cue in cues]).encode()
    data = {"times": "block/cue-times", "texts": "block/cue-texts", "about": "Said", "more": "film.srt", "video": "one"}
    put(tab, "s", "subtitles", data | {"direct": True, "at": None} | changes)


def test_the_cue_of_the_playhead_is_in_the_middle_and_a_click_goes_to_another(tab: Any, stage: Stage) -> None:
    times_of(tab, np.arange(0, 2000, 0.5))
    tab.evaluate("() => kept.main.addEventListener('ask', ({detail}) => reports.push(detail))")
    show(tab, stage, CUES)
    assert tab.evaluate(NOW) == ["cue 0"]
    for frame, said, at in ((12, [CUES[3].text.replace("\n", " ")], 3), (15, [], 3), (2000, ["cue 500"], 500)):
        tab.evaluate("(frame) => kept.main.show(frame, true)", frame)
        assert tab.evaluate(NOW) == said
        assert tab.evaluate(MIDDLE, at) < 1
    assert tab.locator(".cvi-cue").count() < 100, "only those around it are drawn"
    tab.locator(".cvi-cue", has_text="cue 501").click()
    assert tab.evaluate("() => reports.at(-1)") == {"what": "seek", "frame": 2004}
    show(tab, stage, CUES, direct=False, at=6.2)
    assert tab.evaluate(NOW) == [CUES[3].text.replace("\n", " ")]
    tab.locator(".cvi-cue", has_text="cue 4").first.click()
    place, name, report = tab.evaluate("() => reports.at(-1)")
    assert (place, name, report["time"], report["video"]) == ("s", "go", 8.0, "one")


def test_subtitles_beside_the_video_are_on_the_page_without_scrolling(
    tmp_path: Path, stock: Path, chromium: Any
) -> None:
    world = new_world(tmp_path, stock)
    world.write(CLIP=PROMPTS)
    said = "".join(f"{at}\n00:00:0{at},000 --> 00:00:0{at},900\nspoken at {at}\n\n" for at in range(5))
    (tmp_path / "wide.srt").write_text(said)
    with served(world) as address:
        context = chromium.new_context(viewport={"width": 1366, "height": 768})
        visitor = Visitor(context.new_page(), address).open_ready("Player")
        set_prompts(visitor, PROMPTS)
        visitor.tab.locator(".cvi-cue", has_text="spoken at 2").click()
        wait_until(lambda: visitor.tab.evaluate(NOW) == ["spoken at 2"], what=str(visitor.tab.evaluate(NOW)))
        visitor.fits_at_rest()
        visitor.watch("Frames")
        visitor.tab.set_viewport_size(SIZE)  # frame by frame, the page scrolls in smaller windows
        wait_until(lambda: visitor.tab.evaluate(NOW) == ["spoken at 2"], what=str(visitor.tab.evaluate(NOW)))
        visitor.tab.locator(".cvi-cue", has_text="spoken at 3").click()
        wait_until(lambda: visitor.tab.evaluate(NOW) == ["spoken at 3"], what=str(visitor.tab.evaluate(NOW)))
        visitor.fits_at_rest()
        assert visitor.errors == []
        context.close()
