"""A file of 2 GB in the player: how soon its first frame is there, and what the server holds meanwhile."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks import made, numbered
from tests.benchmarks.click import CHROMIUM, PATIENCE_MS
from tests.benchmarks.planted import planted_video
from tests.benchmarks.player_visit import ask, resident_mb, watching
from tests.benchmarks.serving import served
from tests.benchmarks.table import Row, Spread, tell

FIRST_FRAME_S = 2.0
MOST_MB = 100.0  # of 2,000: what else six visits may leave in a server
LOOK_EVERY_S = 0.02
PLACES = (0.83, 0.01, 0.5)  # at the end, the beginning and the middle of the file
_FIRST = """addEventListener("loadstart", () => { window.__asked ??= performance.now() }, true)
addEventListener("loadeddata", () => { window.__first ??= performance.now() }, true)"""


def measure(quick: bool) -> list[Row]:
    """The same pictures in a small file come first, so that the server has loaded its libraries and its model."""
    if not Path(CHROMIUM).exists():
        tell(f"large: skipped, there is no {CHROMIUM}")
        return []
    seconds, visits = (numbered.QUICK_SECONDS, 1) if quick else (numbered.SECONDS, 6)
    path, places = numbered.huge(seconds), [int(share * seconds * made.FPS) for share in PLACES]
    large = planted_video(path, video_id=numbered.made_up_id(path))
    with planted_video(numbered.numbered(30, seconds)) as small, large as planted, served(small.config) as server:
        fresh_mb = resident_mb(server.pid)
        _visit(server.address, places)
        before_mb = resident_mb(server.pid)
        shutil.copy(planted.config, small.config)
        with _looking(server.pid) as held:
            times, alone = zip(*(_visit(server.address, places) for _ in range(visits)), strict=True)
        after_mb = resident_mb(server.pid)
    more = max(held) - before_mb
    tell(f"large: first frame after {times} s; the server {before_mb:.0f} MB before, {max(held):.0f} MB at most")
    soon = {"first frame": Spread.of(times, "s"), "of them the very first visit": Spread.of(times[:1], "s")}
    memory = {
        "just started": Spread.of([fresh_mb], "MB", 0),
        "before the first visit to it": Spread.of([before_mb], "MB", 0),
        "at most meanwhile": Spread.of([max(held)], "MB", 0),
        "after the last": Spread.of([after_mb], "MB", 0),
    }
    says = f"page load → first frame of a file of 2 GB / {FIRST_FRAME_S:.0f} s"
    what = f"the server's growth in {visits} visits to it, {len(PLACES)} seeks each / {MOST_MB:.0f} MB"
    waits = {"the video asked for → first frame": Spread.of(alone, "s")}
    asked = f"the player asks for a file of 2 GB → first frame / {FIRST_FRAME_S:.0f} s"
    return [
        Row("large first frame", Spread.of(times).over(FIRST_FRAME_S), 1.0, True, says, soon),
        Row("large asked", Spread.of(alone).over(FIRST_FRAME_S), 1.0, True, asked, waits),
        Row("large memory", Spread.of([more / MOST_MB]), 1.0, True, what, memory),
    ]


def _visit(address: str, places: Sequence[int]) -> tuple[float, float]:
    """Seconds from the page's load to the first frame, and from the player's asking; then it is sought in."""
    with watching(address, _FIRST) as watcher:
        watcher.page.wait_for_function("window.__first", timeout=PATIENCE_MS)
        first_s, asked_s = (float(ms) / 1000 for ms in watcher.page.evaluate("[__first, __asked]"))
        for frame in places:
            if not ask(watcher, frame):
                raise RuntimeError(f"frame {frame} did not come")
        return first_s, first_s - asked_s


@contextmanager
def _looking(pid: int) -> Iterator[list[float]]:
    """Note again and again what a process holds, in MB, until the block ends."""
    held, ended = [resident_mb(pid)], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY_S):
            held.append(resident_mb(pid))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join()
