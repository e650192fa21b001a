"""The player in a real browser: clicks, agreement, dropped frames, bytes, memory, and a file of 2 GB."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np

from clip_core import open_video
from clip_core.values import TimeTable
from tests.benchmarks import made, numbered
from tests.benchmarks.click import CHROMIUM, PATIENCE_MS
from tests.benchmarks.planted import PROMPTS, planted_video
from tests.benchmarks.player_visit import Watcher, resident_mb, watching
from tests.benchmarks.serving import served
from tests.benchmarks.table import Row, Spread, tell

GOALS_MS = {30: 110.0, 250: 300.0}
MOST_DROPPED = 0.02
MOST_GROWTH = 1.2
FIRST_FRAME_S = 2.0
LONG_SECONDS, LONG_RATE = 240, 30.0  # 7,200 samples
RESTS_MS = 400


def measure(quick: bool) -> list[Row]:
    """All rows of the player."""
    if not Path(CHROMIUM).exists():
        tell(f"player: skipped, there is no {CHROMIUM}")
        return []
    rows = []
    for group in GOALS_MS:
        rows += _clicks(numbered.numbered(group), f"groups of {group}", 8 if quick else 30, GOALS_MS[group])
    rows += _clicks(numbered.numbered(30), "constant rate", 12 if quick else 100, None)
    rows += _clicks(numbered.variable(), "variable rate", 12 if quick else 100, None)
    return rows + _playing(quick) + _lasting(quick) + _huge()


def _clicks(path: Path, what: str, count: int, goal_ms: float | None) -> list[Row]:
    """With a goal the time from the click to the frame; without one how often all four numbers agree."""
    with open_video(path) as video:
        table = video.table
    waits, agreed, notes = [], [], []
    with planted_video(path) as planted, served(planted.config) as server, watching(server.address) as watcher:
        watcher.probe()
        for share in _places(count):
            wait_ms, seen, wanted = _one_click(watcher, share, table)
            waits.append(wait_ms)
            agreed.append(all(number == wanted for number in seen))
            if not agreed[-1]:
                notes.append(f"wanted {wanted}: presented, in the picture, in Python {seen}")
    tell(f"player, {what}: {Spread.of(waits, 'ms', 0)}, {sum(agreed)} of {count} agree")
    raw = {"click → frame presented": Spread.of(waits, "ms", 0), "agreed": Spread.of([sum(agreed)], f"of {count}", 0)}
    if goal_ms is not None:
        says = f"click → frame presented, 720p, {what}, {count} clicks / {goal_ms:.0f} ms"
        return [Row(f"player {what}", Spread.of(waits).over(goal_ms), 1.0, True, says, raw, tuple(notes))]
    says = f"clicks where wanted = presented = in the picture = in Python, {what}"
    return [Row(f"player {what}", Spread.of([sum(agreed) / count]), 1.0, False, says, raw, tuple(notes))]


def _places(count: int) -> list[float]:
    rng = random.Random(9)  # noqa: S311 - the same places at every run
    return [rng.uniform(0.01, 0.99) for _ in range(count)]


def _one_click(watcher: Watcher, share: float, table: TimeTable) -> tuple[float, tuple[int, int, int], int]:
    """Milliseconds from the click to its frame; the numbers presented, drawn and known to Python; the wanted one."""
    times_s, origin_s = table.times_s, float(table.start_pts * table.time_base)
    left, top, width, height, first_s, last_s = watcher.area()
    x = round(left + share * width)
    wanted = int(np.searchsorted(times_s, first_s + (x - left) / width * (last_s - first_s), side="right")) - 1
    page = watcher.page
    page.mouse.move(x - 2, top + height / 2)
    page.mouse.move(x, top + height / 2)
    page.wait_for_timeout(60)
    page.evaluate("window.__probe.shown.length = 0")
    page.mouse.down()
    page.mouse.up()
    watcher.until(lambda: watcher.shown_frame() == wanted and watcher.known == wanted, 5.0)
    page.wait_for_timeout(RESTS_MS)
    shown = page.evaluate("window.__probe.shown.map(([at, media]) => [at - window.__probe.clicked, media])")
    near = [at for at, media in shown if int(np.argmin(np.abs(times_s - (media - origin_s)))) == wanted]
    return near[0] if near else 5000.0, (watcher.shown_frame(), watcher.drawn(), watcher.known), wanted


def _playing(quick: bool) -> list[Row]:
    seconds = 8 if quick else 30
    path = made.video(LONG_SECONDS, numbered.HD)
    with (
        planted_video(path, LONG_RATE) as planted,
        served(planted.config) as server,
        watching(server.address) as watcher,
    ):
        watcher.probe()
        page = watcher.page
        page.locator(".cvi-play").click()
        watcher.until(lambda: watcher.shown_frame() > 30, 20)
        page.evaluate("window.__probe.watch()")
        quality = "(() => { const q = document.querySelector('.cvi-screen video').getVideoPlaybackQuality();"
        quality += " return [q.droppedVideoFrames, q.totalVideoFrames] })()"
        before = page.evaluate(quality)
        watcher.sent.clear()
        asked = len(watcher.requests)
        page.wait_for_timeout(seconds * 1000)
        after = page.evaluate(quality)
        sent, requests = sum(watcher.sent), watcher.requests[asked:]
        apart = page.evaluate("(cancelAnimationFrame(window.__probe.running), window.__probe.apart)")
    dropped, total = after[0] - before[0], max(1, after[1] - before[1])
    off = [abs(head - media) * made.FPS for head, media in apart]
    tell(f"player, playing: {dropped} of {total} dropped, {sent} bytes, {len(requests)} requests, {max(off):.2f} off")
    what = f"{seconds} s of 720p at 30 fps, {planted.samples:,} samples × {len(PROMPTS)} prompts"
    share = Spread.of([dropped / total / MOST_DROPPED])
    raw = {"dropped": Spread.of([dropped], f"of {total}", 0), "requests": Spread.of([len(requests)], "", 0)}
    return [
        Row("player dropped", share, 1.0, True, f"dropped frames, {what} / 2 %", raw),
        Row("player bytes", Spread.of([sent], "", 0), 0.0, True, "bytes sent to the server while playing"),
        Row("player playhead", Spread.of(off), 1.0, True, "playhead to presented frame, in frames", {
            "share within one frame": Spread.of([float(np.mean([each <= 1.01 for each in off]))], "", 4)}),
    ]  # fmt: skip


def _lasting(quick: bool) -> list[Row]:
    seconds, seeks = (20, 50) if quick else (300, 500)
    path = numbered.numbered(30)
    with planted_video(path) as planted, served(planted.config) as server, watching(server.address) as watcher:
        page, rng = watcher.page, random.Random(3)  # noqa: S311 - the same at every run
        for frame in (rng.randrange(1800) for _ in range(20)):
            _ask(watcher, frame)
        before = (watcher.heap_mb(), watcher.resident_mb())
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if page.evaluate("document.querySelector('.cvi-screen video').paused"):
                page.locator(".cvi-play").click()
            page.wait_for_timeout(1000)
        page.locator(".cvi-play").click()
        for frame in (rng.randrange(1800) for _ in range(seeks)):
            _ask(watcher, frame)
        page.wait_for_timeout(2000)
        after = (watcher.heap_mb(), watcher.resident_mb())
    tell(f"player, lasting: heap and resident {before} → {after} MB")
    what = f"after {seconds} s of playing and {seeks} seeks / before"
    return [
        Row(f"player {name}", Spread.of([after[k] / before[k]]), MOST_GROWTH, True, f"the tab's {says} {what}", {
            "before": Spread.of([before[k]], "MB", 1), "after": Spread.of([after[k]], "MB", 1)})
        for k, (name, says) in enumerate([("heap", "JavaScript memory"), ("resident", "memory in the machine")])
    ]  # fmt: skip


def _ask(watcher: Watcher, frame: int) -> None:
    clock = 'document[Symbol.for("clip-video-investigator.clocks")].get("main")'
    watcher.page.evaluate(f"(frame) => {clock}.ask('seek', {{ frame }})", frame)
    watcher.until(lambda: watcher.shown_frame() == frame, 5.0)


def _huge() -> list[Row]:
    path = numbered.huge()
    first = """addEventListener("loadeddata", () => { window.__first ??= performance.now() }, true)"""
    times, held = [], []
    with planted_video(path, video_id=numbered.made_up_id(path)) as planted, served(planted.config) as server:
        for _ in range(6):
            with watching(server.address, first) as watcher:
                watcher.page.wait_for_function("window.__first", timeout=PATIENCE_MS)
                times.append(float(watcher.page.evaluate("window.__first")) / 1000)
                _ask(watcher, 1500)
                held.append(resident_mb(server.pid))
    tell(f"player, 2 GB: {times} s, server {held} MB")
    raw = {"first frame": Spread.of(times[1:], "s"), "the very first visit": Spread.of(times[:1], "s"),
           "server's memory, first to last visit": Spread.of([held[-1] - held[1]], "MB more", 1)}  # fmt: skip
    says = f"page load → first frame of a file of 2 GB / {FIRST_FRAME_S:.0f} s"
    return [Row("player 2 GB", Spread.of(times[1:]).over(FIRST_FRAME_S), 1.0, True, says, raw)]
