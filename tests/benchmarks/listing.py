"""What listing the videos of large folders costs, as the page does at each run."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from clip_core import EmbeddingStore
from clip_core.config import Config
from clip_core.library.videos import list_videos
from tests.benchmarks import made
from tests.benchmarks.table import Row, Spread, tell

FILES, QUICK_FILES = 10_000, 200
GOAL_MS = 250.0
SETTLED_S = 1_000_000_000
"""A time of change that is long ago: a folder that has just changed is read again at each run."""


def measure(quick: bool) -> list[Row]:
    """CPU milliseconds of one listing: the first of a process, and those after it."""
    files = QUICK_FILES if quick else FILES
    trees = {"one folder": (1, files, "mp4"), "a folder each": (files, 1, "mp4"), "no videos": (1, files, "txt")}
    return [_row(name, *tree, goal=None if quick else GOAL_MS) for name, tree in trees.items()]


def _row(name: str, folders: int, each: int, ending: str, goal: float | None) -> Row:
    with tempfile.TemporaryDirectory(dir=made.CACHE) as folder:
        root = Path(folder) / "data"
        for number in range(folders):
            place = root / f"{number // 100:03d}" / f"{number % 100:02d}"
            place.mkdir(parents=True)
            for file in range(each):
                (place / f"C{file:04d}.{ending}").touch()
        for place in (root, *(path for path in root.rglob("*") if path.is_dir())):
            os.utime(place, (SETTLED_S, SETTLED_S))
        config, store = Config(video_dirs=(root,), embeddings=f"{folder}/store"), EmbeddingStore(f"{folder}/store")
        taken = []
        for _ in range(6):
            began = time.process_time()
            list_videos(config, store)
            taken.append(1000 * (time.process_time() - began))
    first, later = taken[0], Spread.of(taken[1:], "ms", 0)
    tell(f"listing, {name}: first {first:.0f} ms, later {later}")
    says = f"listing {folders * each:,} files, {name}; the first time {first:.0f} ms"
    return Row("listing", later, goal, True, says)
