"""The player in a real browser: clicks, agreement, dropped frames, bytes, and what a long visit leaves."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np

from clip_core import open_video
from clip_core.types import TimeTable
from tests.benchmarks import made, numbered
from tests.benchmarks.click import CHROMIUM
from tests.benchmarks.planted import PROMPTS, planted_video
from tests.benchmarks.player_visit import Watcher, ask, watching
from tests.benchmarks.serving import served
from tests.benchmarks.table import Row, Spread, tell

GOALS_MS = {30: 110.0, 250: 300.0}
MOST_DROPPED = 0.02
WITHIN_A_FRAME = 0.99  # of the pictures of the page
MOST_GROWTH = 1.2
LONG_SECONDS, LONG_RATE = 240, 30.0  # 7,200 samples
RESTS_MS = 400


def measure_clicks(quick: bool) -> list[Row]:
    """How soon a click shows its frame."""
    if not _can("clicks"):
        return []
    if quick:
        return _clicks(numbered.numbered(30, numbered.QUICK_SECONDS), "groups of 30", 2, GOALS_MS[30])
    found = [_clicks(numbered.numbered(group), f"groups of {group}", 30, goal) for group, goal in GOALS_MS.items()]
    return [row for rows in found for row in rows]


def measure_agreement(quick: bool) -> list[Row]:
    """How often the wanted frame is the one that is presented, drawn, and known to Python."""
    if not _can("agree"):
        return []
    if quick:
        return _clicks(numbered.variable(numbered.QUICK_SECONDS), "variable rate", 2, None)
    rows = _clicks(numbered.numbered(30), "constant rate", 100, None)
    return rows + _clicks(numbered.variable(), "variable rate", 100, None)


def measure_playing(quick: bool) -> list[Row]:
    """Frames that are dropped while it plays, bytes that go up, and how far the playhead is from the picture."""
    return _playing(*((20, 2.0, 2) if quick else (LONG_SECONDS, LONG_RATE, 30))) if _can("play") else []


def measure_lasting(quick: bool) -> list[Row]:
    """What five minutes of playing and 500 seeks leave of the tab's memory."""
    return (
        _lasting(*((numbered.QUICK_SECONDS, 1, 2) if quick else (numbered.SECONDS, 300, 500))) if _can("long") else []
    )


def _can(name: str) -> bool:
    there = Path(CHROMIUM).exists()
    if not there:
        tell(f"{name}: skipped, there is no {CHROMIUM}")
    return there


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
        return [Row(f"clicks {what}", Spread.of(waits).over(goal_ms), 1.0, True, says, raw, tuple(notes))]
    says = f"clicks where wanted = presented = in the picture = in Python, {what}"
    return [Row(f"agree {what}", Spread.of([sum(agreed) / count]), 1.0, False, says, raw, tuple(notes))]


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


def _playing(length_s: int, rate: float, seconds: int) -> list[Row]:
    path = made.video(length_s, numbered.HD)
    with (
        planted_video(path, rate) as planted,
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
    within = float(np.mean([each <= 1.01 for each in off]))
    tell(f"player, playing: {dropped} of {total} dropped, {sent} bytes, {len(requests)} requests, {within:.4f} within")
    what = f"{seconds} s of 720p at 30 fps, {planted.samples:,} samples × {len(PROMPTS)} prompts"
    share = Spread.of([dropped / total / MOST_DROPPED])
    raw = {"dropped": Spread.of([dropped], f"of {total}", 0), "requests": Spread.of([len(requests)], "", 0)}
    return [
        Row("play dropped", share, 1.0, True, f"dropped frames, {what} / 2 %", raw),
        Row("play bytes", Spread.of([sent], "", 0), 0.0, True, "bytes sent to the server while playing"),
        Row("play playhead", Spread.of([within], digits=4), WITHIN_A_FRAME, False,
            "share of the page's pictures with the playhead within one frame of the presented one", {
            "apart": Spread.of(off, "frames"), "looked at": Spread.of([len(off)], "times", 0)}),
    ]  # fmt: skip


def _lasting(length_s: int, seconds: int, seeks: int) -> list[Row]:
    path, frames = numbered.numbered(30, length_s), length_s * made.FPS
    with planted_video(path) as planted, served(planted.config) as server, watching(server.address) as watcher:
        page, rng = watcher.page, random.Random(3)  # noqa: S311 - the same at every run
        for frame in (rng.randrange(frames) for _ in range(min(20, seeks))):
            ask(watcher, frame)
        before = (watcher.heap_mb(), watcher.resident_mb())
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            if page.evaluate("document.querySelector('.cvi-screen video').paused"):
                page.locator(".cvi-play").click()
            page.wait_for_timeout(1000)
        page.evaluate("document.querySelector('.cvi-screen video').pause()")
        lost = [frame for frame in (rng.randrange(frames) for _ in range(seeks)) if not ask(watcher, frame)]
        page.wait_for_timeout(2000)
        after = (watcher.heap_mb(), watcher.resident_mb())
    tell(f"player, lasting: heap and resident {before} → {after} MB")
    what = f"after {seconds} s of playing and {seeks} seeks / before"
    notes = (f"{len(lost)} seeks did not arrive: {lost}",) if lost else ()
    return [
        Row(f"long {name}", Spread.of([after[k] / before[k]]), MOST_GROWTH, True, f"the tab's {says} {what}", {
            "before": Spread.of([before[k]], "MB", 1), "after": Spread.of([after[k]], "MB", 1)}, notes)
        for k, (name, says) in enumerate([("heap", "JavaScript memory"), ("resident", "memory in the machine")])
    ]  # fmt: skip
