"""A visitor of the player, in a real Chromium: what is wanted, presented, drawn and known to Python."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Locator

from tests.support.browser import Visitor, wait_until
from tests.support.video_maker import read_number

SCRIPT = Path(__file__).with_name("player_script.py")
_PIXELS = """(video) => {
  if (!video.videoWidth) return [0, []]
  const canvas = document.createElement("canvas")
  canvas.width = video.videoWidth
  canvas.height = 8
  const brush = canvas.getContext("2d", { willReadFrequently: true })
  brush.drawImage(video, 0, video.videoHeight / 2 - 4, canvas.width, 8, 0, 0, canvas.width, 8)
  return [canvas.width, [...brush.getImageData(0, 4, canvas.width, 1).data]]
}"""
RECORD = """(video) => { window.frames_shown = []
  const look = () => video.requestVideoFrameCallback((now, { mediaTime }) => {
    frames_shown.push([Math.round(mediaTime * 30), now]); look() })
  look() }"""
"""From now on: [frame, time in ms] of every picture that the browser shows (at 30 a second)."""
TURNS = "frames_shown.filter(([f], k, all) => k > 0 && f < all[k - 1][0]).length"
"""How often it went back."""
_CLOCK = """(name) => {
  const clock = document[Symbol.for("clip-video-investigator.clocks")]?.get(name)
  return clock ? [clock.frame, clock.time, clock.playing, clock.last] : [-1, -1, false, -1]
}"""


class PlayerVisitor(Visitor):
    """One tab with a player; ``player`` is the name of the one that is looked at."""

    player = "main"

    def open_screen(self, name: str, **query: Any) -> PlayerVisitor:
        """Open the test's own page (tests/support/player_script.py) with a video of the store, and wait for it."""
        text = urllib.parse.urlencode(
            {"name": name} | {k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()}
        )
        self.tab.goto(f"{self.address}/?{text}")
        self.ready()
        return self

    def ready(self) -> None:
        """Wait until the first picture is there."""
        self.video.wait_for()
        wait_until(
            lambda: self.tab.evaluate(_CLOCK, self.player)[3] >= 0 and self.of_video("readyState") >= 2,
            what="a picture",
        )

    @staticmethod
    def beside(visitor: PlayerVisitor, player: str) -> PlayerVisitor:
        """The same tab, looking at another of its players."""
        other = PlayerVisitor(visitor.tab, visitor.address)
        other.player = player
        return other

    # What there is

    @property
    def screen(self) -> Locator:
        return (
            self.tab.locator(f".st-key-screen_{self.player} .cvi-screen")
            if self.player != "main"
            else self.tab.locator(".cvi-screen").first
        )

    @property
    def video(self) -> Locator:
        return self.screen.locator("video")

    def of_video(self, name: str) -> Any:
        return self.video.evaluate(f"(video) => video.{name}")

    @property
    def presented(self) -> int:
        """The frame that the player's clock says is on the screen."""
        return int(self.tab.evaluate(_CLOCK, self.player)[0])

    @property
    def playing(self) -> bool:
        return bool(self.tab.evaluate(_CLOCK, self.player)[2])

    @property
    def text(self) -> int:
        """The frame number that stands under the picture."""
        return int(self.screen.locator("[data-frame]").inner_text())

    def drawn(self) -> int:
        """The number that the picture's own pixels carry."""
        width, row = self.video.evaluate(_PIXELS)
        if width == 0:
            return -1
        return read_number(np.repeat(np.array(row, np.uint8).reshape(1, width, 4)[:, :, :3], 4, axis=0))

    @property
    def note(self) -> str:
        return self.screen.locator(".cvi-note").inner_text()

    @property
    def python(self) -> int:
        """The frame that Python knows (the test's own page says it)."""
        return int(self.tab.locator("[data-python]").inner_text())

    @property
    def runs(self) -> int:
        return int(self.tab.locator("[data-runs]").inner_text())

    # What one does

    def ask(self, what: str, **detail: Any) -> None:
        """Ask the clock, as the other parts of the player do."""
        clocks = 'document[Symbol.for("clip-video-investigator.clocks")]'
        self.tab.evaluate(f"([name, ...rest]) => {clocks}.get(name).ask(...rest)", [self.player, what, detail])

    def go(self, frame: int) -> None:
        self.ask("seek", frame=frame)

    def press(self, key: str) -> None:
        """Press a key in the player."""
        self.screen.focus()
        self.tab.keyboard.press(key)

    def choose(self, name: str) -> None:
        """Show another video of the store (on the test's own page)."""
        self._type("name", name)
        wait_until(lambda: self.tab.locator("[data-python-video]").inner_text() == name, what=name)
        clock = self.tab.locator("[data-python]")
        clock.wait_for()
        self.ready()

    def set_moments(self, moments: list[list[float]]) -> None:
        runs = self.runs
        self._type("given_moments", json.dumps(moments))
        wait_until(lambda: self.runs > runs, what="a rerun")
        script = "(name) => document[Symbol.for('clip-video-investigator.clocks')].get(name).moments"
        wait_until(lambda: self.tab.evaluate(script, self.player) == moments, what="the moments in the player")

    def seek_by_python(self, frame: int) -> None:
        """Let Python move the player, as a row of the table does."""
        if self.tab.locator("[data-wanted]").inner_text() != str(frame):
            self._type("to", str(frame))
            wait_until(
                lambda: self.tab.locator("[data-wanted]").inner_text() == str(frame), what="the number in Python"
            )
        self.tab.locator(".st-key-seek button").click()

    def show(self, shown: bool) -> None:
        """Take the player off the page, or put it on again."""
        self.tab.locator(".st-key-is_shown label").first.click()
        self.tab.locator(".cvi-screen").first.wait_for(state="visible" if shown else "detached")

    def _type(self, key: str, text: str) -> None:
        field = self.tab.locator(f".st-key-{key} input")
        field.fill(text)
        field.press("Enter")

    def button(self, what: str, by: int = 0) -> Locator:
        return self.screen.locator(f'[data-do="{what}"]' + (f'[data-by="{by}"]' if by else ""))

    def rests(self, frame: int, number: int | None = None, python: bool = True) -> None:
        """Wait until one frame is presented, drawn and known to Python."""
        number = frame if number is None else number
        wait_until(lambda: self.presented == frame, what=f"frame {frame} presented, not {self.presented}")
        wait_until(lambda: self.drawn() == number, what=f"the number {number} in the picture, not {self.drawn()}")
        assert self.text == frame
        if python:
            wait_until(lambda: self.python == frame, what=f"frame {frame} in Python, not {self.python}")
        assert (self.presented, self.drawn()) == (frame, number)
