"""A browser on the page Investigate, watching the player: what is asked of it and what it did."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageColor

from clip_core.charts.colours import THEMES
from tests.benchmarks.click import CHROMIUM, FLAGS, PATIENCE_MS
from tests.support.browser import CURVES, INK
from tests.support.video_maker import read_number

FIRST_COLOUR = list(ImageColor.getrgb(THEMES["light"].colour(0)))
SIZE = {"width": 1440, "height": 900}
_SEEK = re.compile(rb'"seek":\s*\{"seq":\s*\d+,\s*"frame":\s*(\d+)\}')
_PROBE = """() => {
  const video = document.querySelector(".cvi-screen video"), probe = (window.__probe = { shown: [], apart: [] })
  const look = () => video.requestVideoFrameCallback((now, { mediaTime }) => {
    probe.shown.push([performance.now(), mediaTime]); look() })
  look()
  document.addEventListener("pointerup", () => { probe.clicked = performance.now() }, { capture: true })
  const head = document.querySelector(".cvi-playhead"), plot = document.querySelector(".cvi-plot")
  probe.under = () => {
    const axis = plot._fullLayout.xaxis, x = new DOMMatrix(getComputedStyle(head).transform).m41 - axis._offset
    return axis.p2c(x) / 1000 }
  probe.watch = () => {
    if (!video.paused && probe.shown.length) probe.apart.push([probe.under(), probe.shown.at(-1)[1]])
    probe.running = requestAnimationFrame(probe.watch) }
}"""
_AREA = """() => { const plot = document.querySelector(".cvi-plot"), box = plot.getBoundingClientRect()
  const { l, t, w, h } = plot._fullLayout._size, axis = plot._fullLayout.xaxis
  return [box.left + l, box.top + t, w, h, axis.p2c(0) / 1000, axis.p2c(axis._length) / 1000] }"""
_PIXELS = """() => { const video = document.querySelector(".cvi-screen video")
  const canvas = document.createElement("canvas")
  canvas.width = video.videoWidth; canvas.height = 8
  const brush = canvas.getContext("2d", { willReadFrequently: true })
  brush.drawImage(video, 0, video.videoHeight / 2 - 4, canvas.width, 8, 0, 0, canvas.width, 8)
  return [canvas.width, [...brush.getImageData(0, 4, canvas.width, 1).data]] }"""


@dataclass
class Watcher:
    """One tab on the player."""

    page: Any
    browser: Any
    sent: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    known: int = 0

    def received(self, message: bytes | str) -> None:
        """Note where Python believes the playhead is: each rerun tells the screen."""
        found = _SEEK.findall(message if isinstance(message, bytes) else message.encode())
        self.known = int(found[-1]) if found else self.known

    def probe(self) -> None:
        """Begin to note what is presented."""
        self.page.evaluate(_PROBE)

    def drawn(self) -> int:
        """The number in the picture."""
        width, row = self.page.evaluate(_PIXELS)
        return read_number(np.repeat(np.array(row, np.uint8).reshape(1, width, 4)[:, :, :3], 4, axis=0))

    def shown_frame(self) -> int:
        """The number under the picture."""
        return int(self.page.locator(".cvi-clock [data-frame]").inner_text())

    def area(self) -> list[float]:
        """The chart's left, top, width, height in pixels, and the seconds at its left and right end."""
        return [float(value) for value in self.page.evaluate(_AREA)]

    def until(self, holds: Any, seconds: float = 10.0) -> bool:
        """Wait until something holds; whether it did."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            self.page.wait_for_timeout(20)
        return True

    def heap_mb(self) -> float:
        """The tab's JavaScript memory after a collection."""
        session = self.page.context.new_cdp_session(self.page)
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        return float(self.page.evaluate("performance.memory.usedJSHeapSize")) / 1e6

    def resident_mb(self) -> float:
        """What the renderers hold of the machine's memory."""
        found = self.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
        return sum(resident_mb(process["id"]) for process in found if process["type"] == "renderer")


def resident_mb(pid: int) -> float:
    """What a process holds of the machine's memory."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1e3


def ask(watcher: Watcher, frame: int) -> bool:
    """Move the player as another of its parts would; whether the frame came."""
    clock = 'document[Symbol.for("clip-video-investigator.clocks")].get("main")'
    watcher.page.evaluate(f"(frame) => {clock}.ask('seek', {{ frame }})", frame)
    return watcher.until(lambda: watcher.shown_frame() == frame, 5.0)


@contextmanager
def watching(address: str, before: str = "") -> Iterator[Watcher]:
    """Open the page and wait for the first picture and the curves."""
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, "--enable-precise-memory-info", "--mute-audio"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            watcher = Watcher(page, browser)
            page.add_init_script(before) if before else None
            page.on("websocket", lambda socket: _listen(socket, watcher))
            page.on("request", lambda request: watcher.requests.append(request.url))
            page.goto(address)
            page.wait_for_function("document.querySelector('.cvi-screen video')?.readyState >= 2", timeout=PATIENCE_MS)
            page.wait_for_function(f"{CURVES} > 0", timeout=PATIENCE_MS)
            page.wait_for_function(f"({INK})({FIRST_COLOUR}) > 0", timeout=PATIENCE_MS)
            page.wait_for_timeout(500)
            yield watcher
        finally:
            browser.close()


def _listen(socket: Any, watcher: Watcher) -> None:
    socket.on("framesent", lambda data: watcher.sent.append(len(data)))
    socket.on("framereceived", lambda data: watcher.received(data))  # noqa: PLW0108 - no attribute fits on a method
