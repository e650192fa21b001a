"""The chart of the player: how soon it is drawn, how long it holds the page up, what a change costs to send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.scoring.smoothing import smooth
from clip_core.types import Scores
from tests.benchmarks.click import CHROMIUM, FLAGS
from tests.benchmarks.planted import PROMPTS
from tests.benchmarks.table import Row, Spread, tell
from tests.support.stage import staged, times_of

DRAWN_MS, STALL_MS = 1500.0, 200.0
SAMPLES, QUICK_SAMPLES, STEP_S, THRESHOLD = 100_000, 2_000, 0.5, 0.7
LOOKS: dict[str, dict[str, Any]] = {
    "raw on": {"raw": True},
    "raw off": {"raw": False},
    "rate and bands": {"raw": True, "extras": True},
    "heat map": {"kind": "heat map"},
}
_DRAW = """async (data) => { const began = performance.now()
  await put('a', 'timeline', 'main', data)
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go)))
  return performance.now() - began }"""
_WATCH = """() => { window.longest = 0; let last = performance.now()
  const look = (now) => { longest = Math.max(longest, now - last); last = now; requestAnimationFrame(look) }
  requestAnimationFrame(look) }"""


def measure(quick: bool) -> list[Row]:
    """On a bare page, 1440 × 900, without a GPU; the arrays come from this machine."""
    if not Path(CHROMIUM).exists():
        tell(f"chart: skipped, there is no {CHROMIUM}")
        return []
    from playwright.sync_api import sync_playwright

    rows = []
    samples = QUICK_SAMPLES if quick else SAMPLES
    with staged() as stage, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            for how, look in [*LOOKS.items()][-2 if quick else 0 :]:
                data = _data(stage, look, samples)
                found = [_once(browser, stage.address, data, samples) for _ in range(1 if quick else 9)]
                rows += _rows(how, found, data, samples)
                tell(f"chart, {how}: {rows[-2].raw}, {rows[-1].raw}")
        finally:
            browser.close()
    return rows


def _data(stage: Any, look: dict[str, Any], samples: int) -> dict[str, Any]:
    scores = _scores(samples)
    smoothed = smooth(scores, 2.0)
    more: dict[str, Any] = {"threshold": THRESHOLD, "moments": None} | look
    if more.pop("extras", False):
        more["rate"] = np.gradient(smoothed, STEP_S, axis=0).astype(np.float32)
        more["ribbon"] = {p: (smoothed[:, k] - 0.03, smoothed[:, k] + 0.03) for k, p in enumerate(PROMPTS)}
    return dict(stage.timeline("big", scores, smoothed, **more))


def _scores(samples: int) -> Scores:
    rng = np.random.default_rng(1)
    drift = np.cumsum(rng.normal(0, 0.002, (samples, len(PROMPTS))), axis=0)
    values = np.clip(0.4 + 0.1 * np.sin(drift) + rng.normal(0, 0.05, drift.shape), 0, 1).astype(np.float32)
    times_s = np.arange(samples) * STEP_S
    return Scores(np.arange(samples), times_s, PROMPTS, values, 0.0, samples * STEP_S)


def _once(browser: Any, address: str, data: dict[str, Any], samples: int) -> tuple[list[float], list[float]]:
    """Milliseconds to draw (first, then with another threshold), and the longest stalls."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.wait_for_selector("body[data-ready]", state="attached")
    times_of(page, np.arange(samples + 1) * STEP_S)
    first = page.evaluate(_DRAW, data)
    moved = json.loads(json.dumps(data))
    for shape in moved["figure"]["layout"]["shapes"][-1:]:  # the heat map has none
        shape |= {"y0": 0.6, "y1": 0.6}
    drawn = [first, page.evaluate(_DRAW, moved)]
    page.wait_for_timeout(500)
    page.evaluate(_WATCH)
    box = page.locator(".nsewdrag").first.bounding_box()
    acts = [
        lambda: [_drag(page, box, 200, 900), _drag(page, box, 300, 700), _drag(page, box, 100, 800)],
        lambda: [_mode(page, "pan"), _drag(page, box, 300, 700), _drag(page, box, 700, 200), _mode(page, "zoom")],
        lambda: page.mouse.dblclick(box["x"] + 500, box["y"] + 100),
        lambda: [page.mouse.move(box["x"] + 20 * k, box["y"] + 150) or page.wait_for_timeout(16) for k in range(40)],
    ]
    stalls = [_longest(page, act) for act in acts]
    page.close()
    return drawn, stalls


def _longest(page: Any, act: Any) -> float:
    page.evaluate("longest = 0")
    act()
    page.wait_for_timeout(400)
    return float(page.evaluate("longest"))


def _mode(page: Any, mode: str) -> None:
    page.locator(f'.modebar-btn[data-val="{mode}"]').evaluate("button => button.click()")


def _drag(page: Any, box: dict[str, float], start: float, end: float) -> None:
    page.mouse.move(box["x"] + start, box["y"] + 150)
    page.mouse.down()
    for step in range(11):
        page.mouse.move(box["x"] + start + (end - start) * step / 10, box["y"] + 150)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.wait_for_timeout(250)


def _rows(how: str, found: list[tuple[list[float], list[float]]], data: dict[str, Any], samples: int) -> list[Row]:
    first, again = zip(*(drawn for drawn, _ in found), strict=True)
    stalls = dict(zip(("zoom", "pan", "double click", "hover"), zip(*(s for _, s in found), strict=True), strict=True))
    what = f"{samples:,} samples × {len(PROMPTS)} prompts, {how}"
    drawn = Spread.of(first, "ms", 0)
    raw = {"data → lines, plotly.js fetched and read": drawn, "another threshold": Spread.of(again, "ms", 0)}
    raw["sent down for it"] = Spread.of([len(json.dumps(data))], "kB", 1, 1e-3)
    longest = [max(times) for times in zip(stalls["zoom"], stalls["pan"], stalls["double click"], strict=True)]
    held = {name: Spread.of(times, "ms", 0) for name, times in stalls.items()}
    return [
        Row(f"chart {how}", drawn.over(DRAWN_MS), 1.0, True, f"draw {what} / {DRAWN_MS:.0f} ms", raw),
        Row(f"stall {how}", Spread.of(longest, "ms").over(STALL_MS), 1.0, True,
            f"longest gap between frames while zooming and panning, {what} / {STALL_MS:.0f} ms", held),
    ]  # fmt: skip
