"""The page in a real Chromium: a served app, and what a visitor sees and does."""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor
from playwright.sync_api import Frame, Locator
from playwright.sync_api import Page as Tab

from tests.support.video_maker import read_number
from tests.support.world import APP, World

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DISABLED_FEATURES = (
    # Each window would load two pages for Chromium's own address bar, which nobody sees: 0.6 s of CPU a context.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # This switch replaces Playwright's own, so its features (those of Playwright 1.65) follow.
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
CHROMIUM_FLAGS = ("--no-sandbox", f"--disable-features={','.join(DISABLED_FEATURES)}")
PATIENCE_MS = 30_000
FIRST_MS = 120_000  # on a fresh server, which loads its libraries first
CURVES = "Number(document.querySelector('.cvi-plot canvas.cvi-curves')?.dataset.lines ?? 0)"
"""How many lines the player's canvas shows: for each prompt its curve and, under it, its raw samples."""
INK = """(colour) => {
    const canvas = document.querySelector('.cvi-plot canvas.cvi-curves[data-lines]');
    if (!canvas || !canvas.width || !canvas.height) return 0;
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let at = 0; at < data.length; at += 4) {
        const near = colour.every((part, k) => Math.abs(data[at + k] - part) < 12);
        if (data[at + 3] > 120 && near) found += 1;
    }
    return found;
}"""
"""How many pixels of the player's curves have a colour."""
_PATHS = """() => [...document.querySelectorAll('.scatterlayer .trace .lines path')].filter(
    p => p.getAttribute('d') && p.getAttribute('d').length > 10
        && parseFloat(getComputedStyle(p).strokeWidth) > 1.5
        && parseFloat(getComputedStyle(p).strokeWidth) < 3).length"""


def chromium_program() -> str:
    """The system's Chromium; without one a developer's machine skips, and CI fails."""
    found = next((program for name in PROGRAMS if (program := shutil.which(name))), None)
    if found is None:
        message = f"no Chromium here (looked for {', '.join(PROGRAMS)}); apt-get install chromium brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def served(
    world: World, base: str = "", cwd: Path = APP.parent, script: Path = APP, more: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run the app, or another script, on a free port, from a folder, below a base path if given; yields its address.

    ``more`` are variables of its environment.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.baseUrlPath", base]
    environment = os.environ | {"CLIP_VIDEO_CONFIG": str(world.config), **(more or {})}
    log = (world.folder / "server.log").open("wb")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=cwd)
    try:
        address = f"http://127.0.0.1:{port}/{base}".rstrip("/")
        wait_until(lambda: answers(f"{address}/_stcore/health"), 60)
        yield address
    finally:
        process.kill()
        process.wait()
        log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:  # noqa: S310 - an address of this machine
            return bool(reply.status == 200)
    except OSError:
        return False


def wait_until(holds: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"did not come true in {seconds} s: {what}"
        time.sleep(0.05)


def control(name: str) -> str:
    """The selector of a control, whose key may end in a number that changes when the server sets its value.

    Until the run ends the one before is still there, hidden.
    """
    return f':is(.st-key-{name}, [class*="st-key-{name}-"]):visible'


class Visitor:
    """One browser tab on the page, with what went wrong in it."""

    def __init__(self, tab: Tab, address: str) -> None:
        self.tab, self.address = tab, address
        self.requests: list[str] = []
        self.errors: list[str] = []
        tab.set_default_timeout(PATIENCE_MS)
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        tab.on("dialog", lambda dialog: (self.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def open(self) -> Visitor:
        self.tab.goto(self.address)
        self.tab.wait_for_selector('[data-testid="stSidebar"]', timeout=FIRST_MS)
        return self

    def open_ready(self, watch: str = "Frames") -> Visitor:
        """Open the page, choose how to watch, and wait until the video is indexed and drawn."""
        self.open()
        self.tab.locator(".st-key-status", has_text="indexed").wait_for(timeout=FIRST_MS)
        if watch != "Player":  # which is there already
            self.watch(watch)
        self.settle()
        return self

    def watch(self, how: str) -> None:
        """Choose "Player" or "Frames" in the menu View."""
        self.tab.locator(".st-key-view_box button").first.click()
        self.tab.locator(".st-key-watch button", has_text=how).click()
        self.close_menu(".st-key-watch")
        self.tab.locator(".cvi-plot").wait_for(state="attached" if how == "Player" else "detached")

    def close_menu(self, inside: str) -> None:
        """Press Escape until the menu around ``inside`` is closed: while its content is drawn anew, a key is lost."""
        # Filtered, since a view that is being replaced stands beside the new one for a moment.
        menus = self.tab.locator(inside).filter(visible=True)

        def is_closed() -> bool:
            if menus.count():
                self.tab.keyboard.press("Escape")
                self.tab.wait_for_timeout(200)
            return menus.count() == 0

        wait_until(is_closed, what="the menu is closed")

    def settle(self) -> None:
        """Wait until the page has not been running for a moment, and the chart stands."""
        self.tab.locator('[data-testid="stStatusWidget"]').wait_for(state="detached")
        wait_until(lambda: self.lines() > 0, what="lines in the chart")

    # The chart

    @property
    def chart(self) -> Frame:
        return next(f for f in self.tab.frames if "streamlit_plotly_events" in f.url)

    @property
    def chart_element(self) -> Locator:
        return self.tab.locator('iframe[title*="plotly_events"]')

    def lines(self) -> int:
        """How many prompts have a line that is really drawn: on the player's canvas, or as a bold path in Frames."""
        self.tab.wait_for_timeout(20)  # lets Playwright hear of new frames
        try:
            if self.tab.locator(".cvi-plot").count():
                return int(self.tab.evaluate(CURVES)) // 2
            return int(self.chart.evaluate(_PATHS))
        except Exception:  # noqa: BLE001 - the frame is being replaced
            return -1

    def ink(self, colour: str) -> int:
        """How many pixels of the player's curves have a colour, such as "#12ab9f"."""
        return int(self.tab.evaluate(INK, list(ImageColor.getrgb(colour))))

    def figure(self) -> dict[str, Any]:
        script = """() => { const g = document.querySelector('.js-plotly-plot');
            const b = g._fullLayout.xaxis, s = g._fullLayout._size;
            return {shapes: g.layout.shapes, x0: b._offset, length: b._length, range: b.range, top: s.t,
                    names: g.data.map(t => t.name).filter(Boolean), stamp: g.data.map(t => t.yaxis)} }"""
        return dict(self.chart.evaluate(script))

    @property
    def cursor(self) -> str:
        shapes = self.figure()["shapes"]
        return str(next(s["x0"] for s in shapes if s["type"] == "line" and s.get("xref") == "x"))

    def click_chart(self, share: float) -> None:
        """Click at a share of the time axis."""
        figure, box = self.figure(), self.chart_element.bounding_box()
        assert box is not None
        x, y = box["x"] + figure["x0"] + share * figure["length"], box["y"] + 150
        self.tab.mouse.move(x - 3, y)
        self.tab.mouse.move(x, y)
        self.tab.wait_for_timeout(150)  # plotly answers to the point that it hovers over
        self.tab.mouse.click(x, y)

    # The transport and the picture

    @property
    def frame(self) -> int:
        return int(self.tab.locator(".st-key-transport [data-frame]").inner_text())

    @property
    def clock(self) -> str:
        return self.tab.locator(".st-key-transport [data-time]").inner_text()

    def picture(self) -> np.ndarray:
        source = self.tab.locator('[data-testid="stMain"] [data-testid="stImage"] img').get_attribute("src")
        with urllib.request.urlopen(self.address + str(source), timeout=10) as reply:  # noqa: S310
            return np.asarray(Image.open(io.BytesIO(reply.read())).convert("RGB"))

    def drawn_number(self) -> int:
        """The number that the bars of the picture in the browser carry: read from its pixels."""
        script = """() => { const i = document.querySelector('[data-testid="stMain"] [data-testid="stImage"] img');
            if (!i || !i.complete || !i.naturalWidth) return null;
            const c = document.createElement('canvas'); c.width = i.naturalWidth; c.height = 8;
            const g = c.getContext('2d'); g.drawImage(i, 0, 200, c.width, 8, 0, 0, c.width, 8);
            return [c.width, [...g.getImageData(0, 4, c.width, 1).data]] }"""
        found = self.tab.evaluate(script)
        if found is None:
            return -1
        row = np.array(found[1], np.uint8).reshape(1, found[0], 4)[:, :, :3]
        return read_number(np.repeat(row, 4, axis=0))

    def shows(self, frame: int) -> None:
        """Wait until the frame stands in the transport and in the picture."""
        wait_until(lambda: self.frame == frame, what=f"frame {frame} in the transport, not {self.frame}")
        wait_until(lambda: self.drawn_number() == frame, what=f"frame {frame} in the picture")

    def press(self, key: str) -> None:
        self.tab.locator(f".st-key-{key} button:visible").first.click()

    # Pills

    def pill(self, index: int) -> Locator:
        return self.tab.locator(".st-key-legend button").nth(index)

    # The whole

    def outside(self) -> list[str]:
        ours = re.compile(r"^(http|ws)://(127\.0\.0\.1|localhost)[:/]|^(data|blob|about):")
        return [url for url in self.requests if not ours.match(url)]

    def fits_at_rest(self) -> None:
        """Wait until the page does not scroll: while a run is going, parts of the run before still take room."""
        wait_until(lambda: len(set(self.overflow())) == 1, what=f"one screen and not {self.overflow()}")

    def overflow(self) -> tuple[int, int]:
        """Height of the page, and of what is seen of it, in pixels."""
        sizes = self.tab.evaluate(
            "() => { const m = document.querySelector('[data-testid=\"stMain\"]'); "
            "return [m.scrollHeight, m.clientHeight] }"
        )
        return int(sizes[0]), int(sizes[1])

    def shot(self, path: Path) -> None:
        self.tab.screenshot(path=str(path))


def set_prompts(visitor: Visitor, lines: list[str]) -> None:
    """Type the list of prompts, and wait until each has its curve."""
    area = visitor.tab.locator(f"{control('prompts')} textarea")
    area.fill("\n".join(lines))
    area.press("Control+Enter")
    wait_until(lambda: visitor.lines() == len(lines), what=f"{len(lines)} lines, not {visitor.lines()}")
    visitor.settle()
