"""Records the animations of the docs from the real app: the player on the sample video, and a search.

    python tools/animations/record.py player http://127.0.0.1:8501 static/player.webp
    python tools/animations/record.py search http://127.0.0.1:8501 static/search.webp

The app must run at that address: for the player with config.yaml as it comes, for the search with several indexed
videos in which something like "a dog" is found. Needs Chromium, Playwright and Pillow.
"""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable

from PIL import Image, ImageDraw
from playwright.sync_api import Page, sync_playwright

SIZE = {"width": 1440, "height": 900}
SHOWN = (960, 600)
STEP_S = 0.14
QUALITY = 62
BOX, CARD = ".cvi-query textarea:enabled", ".cvi-card"


class Recorder:
    """Takes pictures of a tab, with the pointer drawn into them."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.pointer = (1000.0, 350.0)
        self.pictures: list[Image.Image] = []
        self.times_s: list[float] = []

    def take(self) -> None:
        """Take one picture."""
        picture = Image.open(io.BytesIO(self.tab.screenshot(type="png"))).convert("RGB")
        x, y = self.pointer
        draw = ImageDraw.Draw(picture)
        arrow = [
            (x, y),
            (x, y + 20),
            (x + 5, y + 15),
            (x + 9, y + 23),
            (x + 12, y + 21),
            (x + 8, y + 14),
            (x + 14, y + 14),
        ]
        draw.polygon(arrow, fill="black", outline="white")
        self.pictures.append(picture.resize(SHOWN, Image.Resampling.LANCZOS))
        self.times_s.append(time.monotonic())

    def wait(self, seconds: float) -> None:
        """Take pictures for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            self.take()
            time.sleep(max(0.0, STEP_S - (time.monotonic() - began)))

    def move(self, x: float, y: float, steps: int = 6) -> None:
        """Move the pointer there in steps, taking a picture of each."""
        from_x, from_y = self.pointer
        for step in range(1, steps + 1):
            self.pointer = (from_x + (x - from_x) * step / steps, from_y + (y - from_y) * step / steps)
            self.tab.mouse.move(*self.pointer)
            self.take()

    def press(self, selector: str) -> None:
        """Go to an element and click it."""
        box = self.tab.locator(selector).first.bounding_box()
        if box is None:
            raise SystemExit(f"{selector} is not on the page")
        self.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.tab.mouse.click(*self.pointer)

    def save(self, path: str) -> None:
        """Write an animation that lasts as long as the recording did."""
        lengths_ms = [round((b - a) * 1000) for a, b in zip(self.times_s, self.times_s[1:], strict=False)]
        first, *rest = self.pictures
        first.save(
            path, save_all=True, append_images=rest, duration=[*lengths_ms, 1500], loop=0, quality=QUALITY, method=6
        )  # fmt: skip


def play(tab: Page) -> Recorder:
    """Play, click on a peak, scrub, repeat a moment."""
    tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=120_000)
    tab.locator("canvas.cvi-curves[data-lines]").wait_for(timeout=60_000)
    tab.wait_for_timeout(1500)
    recorder = Recorder(tab)
    area = tab.locator(".cvi-plot .nsewdrag").first.bounding_box()
    if area is None:
        raise SystemExit("no chart is drawn")
    at: Callable[[float], float] = lambda share: area["x"] + share * area["width"]  # noqa: E731
    high = area["y"] + 0.35 * area["height"]
    recorder.wait(0.4)
    recorder.press('[data-do="toggle"]')
    recorder.wait(3.2)
    recorder.move(at(0.61), high)
    tab.mouse.click(*recorder.pointer)
    recorder.wait(1.6)
    recorder.press('[data-do="toggle"]')
    head = tab.locator(".cvi-playhead").bounding_box()
    if head is None:
        raise SystemExit("no playhead is drawn")
    recorder.move(head["x"] + head["width"] / 2, high)
    tab.mouse.down()
    recorder.move(at(0.88), high, 16)
    tab.mouse.up()
    recorder.wait(0.6)
    recorder.press('[data-do="loop"]')
    recorder.press('[data-do="toggle"]')
    recorder.wait(3.0)
    return recorder


def search(tab: Page) -> Recorder:
    """Type a text, look over the hits, open one at its moment."""
    recorder = Recorder(tab)
    recorder.wait(0.4)
    recorder.press(BOX)
    for letter in "a dog":
        tab.keyboard.type(letter)
        recorder.wait(STEP_S)
    tab.keyboard.press("Enter")
    tab.locator(CARD).first.wait_for(timeout=60_000)
    recorder.wait(1.5)
    for place in (0, 1, 2):
        box = tab.locator(CARD).nth(place).bounding_box()
        if box is None:
            break
        recorder.move(box["x"] + box["width"] / 2, box["y"] + 60)
        recorder.wait(1.2)
    recorder.move(recorder.pointer[0] - 10, recorder.pointer[1])
    tab.mouse.click(*recorder.pointer)
    recorder.wait(4.0)
    return recorder


SCENES: dict[str, tuple[str, Callable[[Page], Recorder]]] = {"player": ("", play), "search": ("/search", search)}
"""Name → the page that it begins on, and what is shown."""


def main() -> None:
    """Record and save."""
    scene, address, path = sys.argv[1:]
    page, show = SCENES[scene]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="dark")
        tab.goto(address)
        tab.locator(".stMainBlockContainer").wait_for(timeout=60_000)
        if page:  # on a fresh server, the address of another page shows the first one
            tab.wait_for_timeout(3000)
            tab.goto(address + page)
            tab.locator(BOX).first.wait_for(timeout=60_000)
        recorder = show(tab)
        browser.close()
    recorder.save(path)


if __name__ == "__main__":
    main()
