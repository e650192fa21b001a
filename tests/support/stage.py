"""A bare page with parts of a player on it, without Streamlit: what the parts do with what they are given."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.charts.timeline import live_figure
from clip_core.charts.view import Line, Timeline, ribbon_edges
from clip_core.scoring.moments import find_moments
from clip_core.types import Floats, Scores
from pages.player import routes

PAGE = """<!doctype html><meta charset="utf-8"><title>stage</title>
<link rel="icon" href="data:,"><style>
:root{--st-font:sans-serif;--st-text-color:#1b1f24;--st-background-color:#fff;--st-primary-color:#3d5a80}
:root{--st-border-color:#d8dde3;--st-base-radius:4px}
body{margin:12px;background:#fff} .part{width:1105px;position:relative}
</style><script>
addEventListener('DOMContentLoaded', async () => {
  const get = async (name) => (await fetch('/files/' + name)).text()
  const parts = {}
  window.put = async (id, part, player, data) => {
    let place = document.getElementById(id)
    if (!place) {
      place = Object.assign(document.createElement('div'), {id, className: 'part'})
      place.innerHTML = '<style>' + await get(part + '.css') + '</style>' + await get(part + '.html')
      document.body.append(place)
      const {mount} = await import('/files/' + part + '.js')
      const host = place.querySelector('[data-part]')
      parts[id] = mount(host, {addressOf: (path) => new URL(path, document.baseURI).href, player})
    }
    await parts[id].update(data, (name, value) => reports.push([id, name, value]))
  }
  window.clear = () => {
    for (const id of Object.keys(parts)) take(id)
    Object.keys(window.kept ?? {}).forEach((player) => delete kept[player])
    document[Symbol.for('clip-video-investigator.clocks')]?.clear()
    document.body.style.cssText = ''
    window.reports = []
  }
  window.take = (id) => { parts[id].unmount(); delete parts[id]; document.getElementById(id).remove() }
  window.reports = []
  window.clocks = await import('/files/clock.js')
  window.points = await import('/files/points.js')
  window.heat = await import('/files/heat.js')
  document.body.dataset.ready = 'yes'
})
</script><body>"""


ROWS = """() => [...document.querySelectorAll('.cvi-row')].map((row) => [
    row.querySelector('.cvi-name').textContent, row.querySelector('.cvi-value').textContent])"""
"""What stands in the ranking: prompt and value, row by row."""


@dataclass
class Stage:
    """What the server knows.

    Attributes:
        address: Of the page.
        blocks: What it answers for ``/block/NAME``.
        films: Videos for ``/player/video/NAME``, as octets: in the ranges that a browser asks for.
        held: Names that wait until their event is set.
        broken: Paths that it answers with 404.
    """

    address: str = ""
    blocks: dict[str, bytes] = field(default_factory=dict)
    films: dict[str, Path] = field(default_factory=dict)
    held: dict[str, threading.Event] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def answer(self, path: str) -> tuple[bytes, str] | None:
        """Content and media type."""
        path = path.partition("?")[0]
        name = path.rpartition("/")[2]
        if path in self.broken:
            return None
        if path == "/":
            return PAGE.encode(), "text/html"
        if path.startswith("/files/"):
            content = (routes.FOLDER / name).read_bytes()
            return content, {"js": "text/javascript", "css": "text/css"}.get(name.rpartition(".")[2], "text/plain")
        if path == "/plotly.js":
            return routes.PLOTLY.read_bytes(), "text/javascript"
        if path.startswith("/player/video/") and name in self.films:
            return self.films[name].read_bytes(), "application/octet-stream"
        if name in self.held:  # a thread of its own waits
            self.held[name].wait(30)
        return (self.blocks[name], "application/octet-stream") if name in self.blocks else None

    def series(self, name: str, scores: Scores, smoothed: Floats | None = None) -> dict[str, Any]:
        """Put the arrays there as components.py does; return what the parts are told."""
        curves = scores.values if smoothed is None else smoothed
        self.blocks[f"{name}-samples"] = np.concatenate([scores.times_s, scores.frames]).astype("<f8").tobytes()
        self.blocks[f"{name}-raw"] = scores.values.T.astype("<f4").tobytes()
        self.blocks[f"{name}-smoothed"] = curves.T.astype("<f4").tobytes()
        addresses = {}
        for key in ("samples", "raw", "smoothed"):  # an address names its content
            digest = hashlib.sha256(self.blocks[f"{name}-{key}"]).hexdigest()[:16]
            addresses[key] = f"block/{name}-{key}?{digest}"
        return {"count": len(scores), "columns": len(scores.prompts)} | addresses

    def _put(self, name: str, curves: Floats) -> str:
        """Put curves there, one after the other; return an address that names its content."""
        self.blocks[name] = curves.T.astype("<f4").tobytes()
        return f"block/{name}?{hashlib.sha256(self.blocks[name]).hexdigest()[:16]}"

    def screen(self, name: str, times_s: Sequence[float], moments: Sequence[Any] = (), **given: Any) -> dict[str, Any]:
        """The data of a screen with these times of frames, the end last; all moments are sure unless it is said."""
        times, pairs = (np.array(values, "<f8").tobytes() for values in (times_s, moments))
        addresses = {}
        for key, block in (("times", times), ("moments", pairs)):
            digest = hashlib.sha256(block).hexdigest()[:16]
            self.blocks[f"{name}-{key}-{digest}"] = block
            addresses[key] = f"block/{name}-{key}-{digest}"
        rest = {"video": name, "address": f"player/video/{name}", "start": 0.0, "confirmed": True}
        return rest | {"seek": {"seq": 0, "frame": 0}, "sure": len(moments)} | addresses | given

    def timeline(self, name: str, scores: Scores, smoothed: Floats | None = None, **look: Any) -> dict[str, Any]:
        """The data of a timeline with these scores."""
        series = self.series(name, scores, smoothed)
        given = {"smoothed": scores.values, "threshold": 0.9, "score_range": (0.0, 1.0), "moments": []} | look
        if smoothed is not None:
            given["smoothed"] = smoothed
        if given["moments"] is None:
            given["moments"] = find_moments(scores, threshold=given["threshold"])
        lines = given.pop("lines", [Line(prompt, number) for number, prompt in enumerate(scores.prompts)])
        view = Timeline(scores=scores, lines=lines, **given)
        figure = live_figure(view)
        if view.rate is not None:
            series["rate"] = self._put(f"{name}-rate", view.rate)
        if view.ribbon:
            edges = zip(("low", "high"), ribbon_edges(view), strict=True)
            series |= {side: self._put(f"{name}-{side}", edge) for side, edge in edges} | {"bands": len(view.ribbon)}
        return {"plotly": "plotly.js", "figure": figure, "series": series, "video": name}


@contextmanager
def staged() -> Iterator[Stage]:
    """Serve a stage on a free port."""
    stage = Stage()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = stage.answer(self.path)
            content, kind = found or (b"nothing", "text/plain")
            asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")) if found else None
            whole = len(content)
            if asked:
                content = content[int(asked[1]) : int(asked[2] or whole) + 1]
            self.send_response(206 if asked else 200 if found else 404)
            if asked:
                self.send_header("Content-Range", f"bytes {asked[1]}-{int(asked[1]) + len(content) - 1}/{whole}")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # a browser that has seen enough
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stage.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stage
    finally:
        server.shutdown()
        server.server_close()


def put(tab: Any, place: str, part: str, data: dict[str, Any], player: str = "main") -> None:
    """Put a part on the page or give it other data; returns when its update has ended."""
    tab.evaluate("([place, part, player, data]) => put(place, part, player, data)", [place, part, player, data])


def times_of(tab: Any, times_s: Any, player: str = "main") -> None:
    """Tell the clock of a player the times of its frames; the last is the end."""
    script = """([player, times]) => { window.kept ??= {}
        window.kept[player] ??= clocks.takeClock(player); kept[player].setTimes(Float64Array.from(times)) }"""
    tab.evaluate(script, [player, json.loads(json.dumps(list(map(float, times_s))))])
