"""The player in Debian's Firefox: it plays, and a click shows the very frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageColor

from clip_core.charts.colours import THEMES
from tests.support.app import new_world
from tests.support.browser import INK, served, wait_until
from tests.support.firefox import Firefox, running_firefox
from tests.support.video_maker import BITS, KINDS, PlantedVideo
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.firefox, pytest.mark.timeout(300)]

CLICKS = 20
SEEN = """
    const video = document.querySelector('.cvi-stage video');
    const plot = document.querySelector('.cvi-plot');
    const text = (what) => document.querySelector(what)?.textContent ?? '';
    const axis = plot?._fullLayout?.xaxis;
    const curves = plot?.querySelector('canvas.cvi-curves');
    if (!video || !video.videoWidth || !axis || !(Number(curves?.dataset.lines) > 0)) return null;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0);
    const row = pen.getImageData(0, canvas.height >> 1, canvas.width, 1).data;
    let number = 0;
    for (let bit = 0; bit < arguments[0]; bit += 1) {
        number = number * 2 + (row[4 * Math.floor((bit + 0.5) * canvas.width / arguments[0])] > 128);
    }
    const box = plot.getBoundingClientRect();
    return { number, frame: Number(text('.cvi-clock [data-frame]')), note: text('.cvi-note'), paused: video.paused,
             last: Number(text('.cvi-clock [data-last]').replace('≈ ', '')), error: video.error?.message ?? '',
             left: box.left + axis._offset, width: axis._length, middle: box.top + plot._fullLayout._size.t + 40,
             range: axis.range.map((end) => Date.parse(String(end).replace(' ', 'T') + 'Z') / 1000) };
"""


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    with running_firefox(1440, 1000) as started:
        yield started


@pytest.fixture(scope="module")
def site(firefox: Firefox, tmp_path_factory: pytest.TempPathFactory, stock: Path) -> Iterator[tuple[World, str]]:
    world = new_world(tmp_path_factory.mktemp("firefox"), stock)
    with served(world) as address:
        yield world, address


class Seen:
    """What stands on the page."""

    def __init__(self, firefox: Firefox) -> None:
        self.firefox = firefox

    def look(self) -> dict[str, float]:
        return self.firefox.script(SEEN, BITS) or {}

    def shows(self, frame: int) -> None:
        """The frame stands in the text, and its number in the picture."""
        wait_until(lambda: self.both() == (frame, frame), 20, f"frame {frame}, not {self.both()}")

    def ink(self, colour: str) -> int:
        return int(self.firefox.script(f"return ({INK})(arguments[0])", list(ImageColor.getrgb(colour))))

    def both(self) -> tuple[float, float]:
        seen = self.look()
        return seen.get("frame", -1), seen.get("number", -1)


def opened(firefox: Firefox, site: tuple[World, str], video: PlantedVideo) -> Seen:
    """The page with this video, indexed to its last frame."""
    world, address = site
    world.take(video.path)
    world.write(video_path=video.path.name)
    firefox.go(address)
    seen, last = Seen(firefox), len(video) - 1
    wait_until(lambda: seen.look().get("last") == last, 60, f"{len(video)} frames, curves and a picture")
    wait_until(lambda: seen.ink(THEMES["light"].prompts[0]) > 20, what="the first prompt's curve")
    return seen


@pytest.mark.parametrize("kind", ["constant", "variable", "webm"])
def test_a_click_shows_the_very_frame(firefox: Firefox, site: tuple[World, str], tmp_path: Path, kind: str) -> None:
    video = KINDS[kind](tmp_path)
    seen = opened(firefox, site, video)
    times = np.array(video.times_s)
    for share in np.random.default_rng(7).uniform(0.02, 0.98, CLICKS):
        place = seen.look()
        x = round(place["left"] + share * place["width"])
        firefox.click(x, place["middle"])
        start, end = place["range"]
        seconds = start + (x - place["left"]) / place["width"] * (end - start)
        seen.shows(max(0, int(np.searchsorted(times, seconds, side="right")) - 1))


def test_it_plays_and_stops_on_the_frame_that_it_names(
    firefox: Firefox, site: tuple[World, str], tmp_path: Path
) -> None:
    seen = opened(firefox, site, KINDS["constant"](tmp_path))
    firefox.script("document.querySelector('.cvi-stage video').muted = true")
    press = "document.querySelector('.cvi-transport [data-do=toggle]').click()"
    firefox.script(press)
    wait_until(lambda: seen.look()["frame"] > 15, what="it plays")
    firefox.script(press)
    wait_until(lambda: seen.look()["paused"], what="it stops")
    wait_until(lambda: seen.both()[0] == seen.both()[1], what="text and picture agree")
    assert 15 < seen.both()[0] < 299
    assert (seen.look()["note"], seen.look()["error"]) == ("", "")
