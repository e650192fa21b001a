"""From a click on the chart to the new frame on the screen, in a real browser."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.benchmarks import made
from tests.benchmarks.planted import PROMPTS, planted_page
from tests.benchmarks.serving import served
from tests.benchmarks.table import Row, Spread, tell

GOAL_MS = 300.0
SECONDS, QUICK_SECONDS = 500 - 500 % made.CLIP_S, 60
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 60_000
LOST_MS = 10_000
WARM_UP = 2
_IDLE = "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState === 'notRunning'"
_SHOWN = """() => {
  const number = document.querySelector('.st-key-transport [data-frame]')
  const image = document.querySelector('[data-testid="stImage"] img, [data-testid="stImageContainer"] img')
  return [number?.textContent, image?.src, Boolean(image?.complete && image.naturalWidth)]
}"""
_ARM = f"""() => {{
  const shown = {_SHOWN}, [number, source] = shown(), now = () => performance.timeOrigin + performance.now()
  window.top.__seen = {{}}
  const look = () => {{
    const [newNumber, newSource, whole] = shown(), seen = window.top.__seen
    if (!seen.number && newNumber !== number) seen.number = now()
    if (!seen.image && newSource !== source && whole) seen.image = now()
    if (!(seen.number && seen.image)) requestAnimationFrame(look)
  }}
  look()
}}"""
_NOTE_CLICK = """() => {
  const note = () => { window.top.__seen.clicked = performance.timeOrigin + performance.now() }
  document.addEventListener('mousedown', note, {capture: true, once: true})
}"""
_SEEN = "() => Object.keys(window.__seen).join(', ') + ' seen'"
_TIMES = "() => { const s = window.top.__seen; return [s.number - s.clicked, s.image - s.clicked] }"


def measure(quick: bool) -> list[Row]:
    """Milliseconds from the mouse button going down to the frame's new number and new picture both shown."""
    if not Path(CHROMIUM).exists():
        tell(f"click: skipped, there is no {CHROMIUM}")
        return []
    rows = []
    seconds = QUICK_SECONDS if quick else SECONDS
    for size, goal in ((made.SMALL, 1.0), (made.FULL_HD, None))[: 1 if quick else 2]:
        with planted_page(seconds, size) as planted, served(planted.config) as server:
            times, sizes, lost = _clicks(server.address, seconds, 2 if quick else 30)
        numbers, images = zip(*times, strict=True)
        both = Spread.of([max(pair) for pair in times], "ms", 0)
        tell(f"click, {size[1]} lines: {both}")
        raw = {"number and picture": both, "number": Spread.of(numbers, "ms", 0), "picture": Spread.of(images, "ms", 0)}
        raw["sent to the browser, without the picture"] = Spread.of(sizes, "kB", 0, 1e-3)
        what = f"{planted.samples:,} samples × {len(PROMPTS)} prompts, {size[0]} × {size[1]}, keyframe every 2 s"
        says = f"click → frame in the browser, {what} / {GOAL_MS:.0f} ms"
        rows.append(Row(f"click {size[1]}p", both.over(GOAL_MS), goal, True, says, raw, lost))
    return rows


def _clicks(address: str, seconds: int, count: int) -> tuple[list[tuple[float, float]], list[float], tuple[str, ...]]:
    """Milliseconds to the new number and to the new picture of each of ``count`` clicks, bytes, notes on lost ones."""
    from playwright.sync_api import sync_playwright

    times: list[tuple[float, float]] = []
    received: list[int] = []
    sizes: list[float] = []
    lost: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
            page.goto(address)
            page.locator(".st-key-view_box button").first.click(timeout=PATIENCE_MS)
            page.locator(".st-key-watch button", has_text="Frames").click()
            page.keyboard.press("Escape")
            chart = page.frame_locator('iframe[title*="plotly_events"]').locator(".nsewdrag").first
            chart.wait_for(timeout=PATIENCE_MS)
            page.wait_for_function(_IDLE, timeout=PATIENCE_MS)
            for number, (share, height) in enumerate(_places(seconds, count + WARM_UP)):
                received.clear()
                found = _one_click(page, chart, share, height)
                if found is None:
                    lost.append(f"click {number + 1} of {count + WARM_UP} was lost: {page.evaluate(_SEEN)} after 10 s")
                elif number >= WARM_UP:
                    times.append(found)
                    sizes.append(sum(received))
        finally:
            browser.close()
    if not times:
        raise RuntimeError(f"no click was answered: {lost}")
    return times, sizes, tuple(lost)


def _places(seconds: int, count: int) -> list[tuple[float, float]]:
    """Shares of the chart's width and height; neighbours never show the same picture of the repeated clip."""
    rng = random.Random(5)  # noqa: S311 - the same places at every run
    places: list[tuple[float, float]] = []
    last_s = 0.0
    while len(places) < count:
        share = rng.uniform(0.02, 0.98)
        apart_s = abs(share * seconds - last_s) % made.CLIP_S
        if min(apart_s, made.CLIP_S - apart_s) > 2:
            places.append((share, rng.uniform(0.2, 0.8)))
            last_s = share * seconds
    return places


def _one_click(page: Any, chart: Any, share: float, height: float) -> tuple[float, float] | None:
    """Click once; None if number or picture did not change within ten seconds."""
    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

    box = chart.bounding_box()
    x, y = box["x"] + share * box["width"], box["y"] + height * box["height"]
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_timeout(250)  # a hand rests on a place before it clicks; plotly needs the hover
    inside = next(frame for frame in page.frames if "plotly_events" in frame.url)
    inside.evaluate(_NOTE_CLICK)
    page.evaluate(_ARM)
    page.mouse.down()
    page.mouse.up()
    try:
        page.wait_for_function("window.__seen.number && window.__seen.image", timeout=LOST_MS)
    except PlaywrightTimeoutError:
        return None
    number_ms, image_ms = page.evaluate(_TIMES)
    page.wait_for_function(_IDLE, timeout=PATIENCE_MS)
    page.wait_for_timeout(150)
    return number_ms, image_ms
