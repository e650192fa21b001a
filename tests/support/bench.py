"""A tab on the stage with timelines: what a visitor sees of them, and what he does."""

from __future__ import annotations

from typing import Any

from clip_core.types import Scores
from tests.support.browser import wait_until
from tests.support.stage import Stage, put, times_of

SIZE = {"width": 1280, "height": 700}
_LISTEN = """(player) => { const clock = clocks.takeClock(player); window.asks = []
  clock.addEventListener('ask', ({detail}) => asks.push([detail.what, detail.frame])) }"""
_PLOT = """(id) => { const plot = document.querySelector(`#${id} .cvi-plot`)
  const f = plot._fullLayout, b = plot.getBoundingClientRect()
  return {left: b.left + f.xaxis._offset, width: f.xaxis._length, top: b.top + f._size.t, height: f._size.h,
          range: f.xaxis.range.map((end) => f.xaxis.r2l(end) / (f.xaxis.type === 'date' ? 1000 : 1)),
          curves: [f.yaxis._offset, f.yaxis._length]} }"""
_COLOURS = """([id, x, width]) => { const canvas = document.querySelector(`#${id} canvas`)
  const ratio = canvas.width / canvas.clientWidth, box = canvas.getBoundingClientRect()
  const data = canvas.getContext('2d').getImageData((x - box.left) * ratio, 0, width * ratio, canvas.height).data
  const rows = [], wide = Math.round(width * ratio)
  for (let i = 3; i < data.length; i += 4) if (data[i] > 60) rows.push(Math.floor((i >> 2) / wide) / ratio)
  return rows }"""
_HEAD = """(id) => { const head = document.querySelector(`#${id} .cvi-playhead`), box = head.getBoundingClientRect()
  return head.hidden ? null : box.left + 5.5 }"""

_FRAMES = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
_PIXEL = """([id, x, y]) => { const canvas = document.querySelector(`#${id} canvas`)
  const ratio = canvas.width / canvas.clientWidth, box = canvas.getBoundingClientRect()
  return [...canvas.getContext('2d').getImageData((x - box.left) * ratio, y * ratio, 1, 1).data] }"""
_AXIS = """([id, name]) => { const axis = document.querySelector(`#${id} .cvi-plot`)._fullLayout[name]
  return [axis._offset, axis._length, ...axis.range] }"""


class Bench:
    """A tab on the stage with one timeline, "a"."""

    def __init__(self, tab: Any, stage: Stage) -> None:
        self.tab, self.stage = tab, stage
        self.errors: list[str] = []
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.goto(stage.address)
        tab.wait_for_selector("body[data-ready]", state="attached")

    def show(self, scores: Scores, name: str = "one", place: str = "a", player: str = "main", **look: Any) -> None:
        times_of(self.tab, [*scores.times_s, scores.end_s], player)
        put(self.tab, place, "timeline", self.stage.timeline(name, scores, **look), player)

    def plot(self, place: str = "a") -> dict[str, Any]:
        return dict(self.tab.evaluate(_PLOT, place))

    def x_of(self, value: float, place: str = "a") -> float:
        plot = self.plot(place)
        low, high = plot["range"]
        return float(plot["left"] + (value - low) / (high - low) * plot["width"])

    def zoom(self, low: float, high: float) -> None:
        """Drag from one place to another, as a visitor does."""
        plot = self.plot()
        y = plot["top"] + plot["height"] / 3
        self.tab.mouse.move(self.x_of(low), y)
        self.tab.mouse.down()
        for share in (0.2, 0.6, 1.0):
            self.tab.mouse.move(self.x_of(low) + share * (self.x_of(high) - self.x_of(low)), y)
        self.tab.mouse.up()
        pixel = (plot["range"][1] - plot["range"][0]) / plot["width"]  # plotly knows no part of one
        close = max((high - low) / 50, pixel)
        wait_until(lambda: abs(self.plot()["range"][0] - low) < close, what=f"zoomed to {low} … {high}")

    def rows(self, value: float, around_px: float = 3, place: str = "a") -> list[float]:
        """Where there is ink on the canvas around a place of the axis, in pixels from the top."""
        self.tab.evaluate(_FRAMES)
        return list(self.tab.evaluate(_COLOURS, [place, self.x_of(value, place) - around_px, 2 * around_px]))

    def listen(self, player: str = "main") -> None:
        self.tab.evaluate(_LISTEN, player)

    def asked(self) -> list[list[Any]]:
        return list(self.tab.evaluate("asks.splice(0)"))

    def head(self, place: str = "a") -> float | None:
        found = self.tab.evaluate(_HEAD, place)
        return None if found is None else float(found)

    def clock(self, frame: int, playing: bool = False, player: str = "main") -> None:
        self.tab.evaluate("([p, f, on]) => kept[p].show(f, on)", [player, frame, playing])

    def pixel(self, value: float, y: float, place: str = "a") -> tuple[int, ...]:
        """The colour on the canvas at a place of the axis, so many pixels from the top: red, green, blue, alpha."""
        self.tab.evaluate(_FRAMES)
        return tuple(self.tab.evaluate(_PIXEL, [place, self.x_of(value, place), y]))

    def axis(self, name: str, place: str = "a") -> tuple[float, float, float, float]:
        """An axis of values: pixels from the top, length, and its ends."""
        found = self.tab.evaluate(_AXIS, [place, name])
        return (*map(float, found),)  # type: ignore[return-value]

    @property
    def note(self) -> str:
        return str(self.tab.locator("#a .cvi-plot-note").inner_text())
