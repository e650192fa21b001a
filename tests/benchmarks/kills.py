"""``python -m tests.benchmarks.kills``: 200 short videos, and 100 kills of pool workers and drivers; then broken files.

Not part of the table: it takes minutes, and what it counts are rows, not seconds. Each frame of each video carries a
number of its own, which the encoder writes down, so that a frame that is embedded twice is seen.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil

from clip_core.distributed.driver import index_with_workers
from clip_core.distributed.process_pool import ProcessPool
from clip_core.distributed.workers import WorkerSetup
from clip_core.encoders.base import Encoder
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, Image
from tests.benchmarks.table import say, tell
from tests.support.cluster import FACTS, MODEL, raw_pts
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, number_picture, read_number, write_video

VIDEOS, FRAMES, BROKEN = 200, 20, 20
KILLS, DRIVER_KILLS = 100, 15
PICTURE_S, MOST_S = 0.03, 1800


class Counting(FakeEncoder):
    """An encoder that appends a line for each embedded picture to a file: its process, and the number that it shows."""

    def __init__(self, file: str) -> None:
        super().__init__(delay_s=PICTURE_S)
        self._file = file

    def embed_images(self, images: Sequence[Image]) -> Floats:
        """Embed pictures: see Encoder."""
        vectors = super().embed_images(images)
        lines = "".join(f"{os.getpid()} {read_number(image)}\n" for image in images)
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, lines.encode())
        os.close(file)
        return vectors


def _encoder(file: str) -> Encoder:
    return Counting(file)


def _drive(folder: Path, store: Path, counted: str) -> None:
    """Index the videos of a folder with two processes, and tell how each of them ended."""
    setup = WorkerSetup(partial(_encoder, counted), MODEL.fingerprint)
    videos = [str(path) for path in sorted(folder.iterdir())]
    with ProcessPool(setup, 2) as pool:
        steps = index_with_workers(videos, pool, FACTS, EmbeddingStore(store), samples_per_second=None)
        ended = {each.location: each.reason for progress in steps for each in progress.ended}
    say(json.dumps(ended))


def _started(folder: Path, store: Path, counted: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.kills", str(folder), str(store), str(counted)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _lines(counted: Path) -> list[tuple[int, int]]:
    text = counted.read_text() if counted.exists() else ""
    return [(int(pid), int(number)) for pid, number in map(str.split, text.splitlines())]


def _kill_at_times(folder: Path, store: Path, counted: Path, seed: int) -> tuple[dict[str, str], Counter[str]]:
    """Kill a worker that has embedded lately, or the driver, up to a second after some more frames were embedded."""
    dice = random.Random(seed)  # noqa: S311 - not for security
    killed, ends = Counter[str](), time.monotonic() + MOST_S
    drivers = set(dice.sample(range(KILLS), DRIVER_KILLS))
    driver, until = _started(folder, store, counted), 10
    while driver.poll() is None and time.monotonic() < ends:
        lines = _lines(counted)
        if len(lines) < until or killed.total() == KILLS:
            time.sleep(0.02)
            continue
        time.sleep(dice.random())
        if killed.total() in drivers:
            driver.kill()
            driver.communicate()
            driver = _started(folder, store, counted)
            killed["driver"] += 1
        else:
            killed["worker"] += _kill_one({pid for pid, _ in lines[-40:]}, driver, dice)
        until = len(lines) + dice.randint(5, 45)
        if killed.total() % 10 == 0:
            tell(f"{killed.total()} kills, {len(lines)} frames embedded")
    if driver.poll() is None:
        driver.kill()
    return json.loads(driver.communicate()[0] or "{}"), killed


def _kill_one(pids: set[int], driver: subprocess.Popen[str], dice: random.Random) -> bool:
    """Kill one of these processes, if one of them is still a child of the driver."""
    children = {child.pid for child in psutil.Process(driver.pid).children()} & pids if driver.poll() is None else set()
    if children:
        os.kill(dice.choice(sorted(children)), signal.SIGKILL)
    return bool(children)


def _tell(name: str, store: Path, counted: Path, ended: dict[str, str], killed: Counter[str], wanted: int) -> None:
    opened, times = EmbeddingStore(store), Counter(number for _, number in _lines(counted))
    rows = [raw_pts(opened, record.video_id) for record in opened.videos()]
    unique = sum(len(set(pts)) for pts in rows)
    runs = opened.runs_under(MODEL.fingerprint).values()
    failed = sum(map(bool, ended.values()))
    say(f"{name}: killed {dict(killed)}; {len(ended)} videos ended in the last run, {failed} failed")
    say(f"  {wanted} frames wanted, {wanted - unique} lost, {sum(map(len, rows)) - unique} doubled")
    say(f"  {sum(run.finished for run in runs)} runs finished, {len(opened.failures())} listed as failed")
    say(f"  frames by how often they were embedded: {dict(sorted(Counter(times.values()).items()))}")


def main() -> None:
    """Make the videos, kill, count."""
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        root = Path(place)
        folder, broken = root / "videos", root / "broken"
        folder.mkdir()
        broken.mkdir()
        for video in range(VIDEOS):
            pictures = [number_picture(video * FRAMES + frame) for frame in range(FRAMES)]
            write_video(folder / f"{video:03}.mp4", pictures, VideoSpec(options={"g": "8", "bf": "2"}))
            if video % (VIDEOS // BROKEN) == 0:
                (broken / f"{video:03}.mp4").write_bytes(f"nothing {video} ".encode() * 100)
            else:
                (broken / f"{video:03}.mp4").symlink_to(folder / f"{video:03}.mp4")
        began = time.monotonic()
        ended, killed = _kill_at_times(folder, root / "store", root / "counted", seed=1)
        _tell("kills", root / "store", root / "counted", ended, killed, VIDEOS * FRAMES)
        say(f"  took {time.monotonic() - began:.0f} s; reasons: {sorted(set(ended.values()) - {''})}")
        driver = _started(broken, root / "store 2", root / "counted 2")
        ended = json.loads(driver.communicate()[0])
        _tell("broken", root / "store 2", root / "counted 2", ended, Counter(), (VIDEOS - BROKEN) * FRAMES)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _drive(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    else:
        main()
