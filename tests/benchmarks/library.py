"""What a page needs that lists 2,000 stored videos of one hour: time, and memory over a process that lists none."""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.store.runs import COLUMNS as RUN_COLUMNS
from clip_core.store.runs import RUNS
from clip_core.store.store import EmbeddingStore
from clip_core.store.tables import Tables
from clip_core.store.videos import VIDEO_COLUMNS, VIDEOS, _row
from clip_core.types import FrameEmbeddings, TimeTable, VideoRecord
from tests.benchmarks import made
from tests.benchmarks.table import Row, Spread, tell
from tests.support.records import HEADER

VIDEOS_COUNT, PTS = 2000, 108_000
QUICK_VIDEOS_COUNT, QUICK_PTS = 40, 1000
MOST_S, MOST_MB = 0.5, 100.0
MODEL, SAMPLES = "f0" * 32, 100
_AT_ONCE = 20


def measure(quick: bool) -> list[Row]:
    """Seconds and MB of ``usage()`` in a fresh process, and of its repetition there."""
    count, pts = (QUICK_VIDEOS_COUNT, QUICK_PTS) if quick else (VIDEOS_COUNT, PTS)
    with tempfile.TemporaryDirectory(dir=made.CACHE) as folder:
        began = time.monotonic()
        make_library(Path(folder), count, pts)
        tell(f"library: {count} videos made in {time.monotonic() - began:.0f} s")
        runs = [_listed(folder) for _ in range(1 if quick else 3)]
    first, again, more = zip(*runs, strict=True)
    raw = {
        "usage() in a fresh process": Spread.of(first, "s"),
        "usage() once more": Spread.of(again, "s", 3),
        "more memory": Spread.of(more, "MB", 0),
    }
    what = f"of the list of {count:,} videos with {pts:,} frames each"
    return [
        Row("library", Spread.of(first).over(MOST_S), 1.0, True, f"seconds {what} / {MOST_S:g} s", raw),
        Row("library", Spread.of(more).over(MOST_MB), 1.0, True, f"MB {what} / {MOST_MB:g} MB"),
    ]


def make_library(folder: Path, count: int, pts: int) -> None:
    """Write records, runs and some frames of ``count`` videos straight into a new store."""
    store, tables = EmbeddingStore(folder), Tables(folder)
    times = np.arange(pts, dtype=np.int64) * 512
    table = TimeTable(times, Fraction(1, 15_360), 0, pts / 30, True, times[::60].copy())
    ids = [hashlib.sha256(str(k).encode()).hexdigest() for k in range(count)]
    header = HEADER | {"size_bytes": 2**31, "header_fps": 30.0, "header_duration_s": pts / 30}
    for first in range(0, count, _AT_ONCE):
        own = ids[first : first + _AT_ONCE]
        rows = [
            _row(
                VideoRecord(
                    video_id=video_id,
                    path=f"/films/{video_id[:2]}/C{k:04d}.MP4",
                    name=f"C{k:04d}.MP4",
                    table=table,
                    unreadable_after_s=None,
                    added_s=1e9 + k,
                    reading="",
                    **header,
                )
            )
            for k, video_id in enumerate(own, first)
        ]
        _add(tables, VIDEOS, VIDEO_COLUMNS, rows)
        events = [
            {"video": v, "fingerprint": MODEL, "model_id": "a model", "epoch": v, "rate": 2.0, "finished": finished}
            | {"at_ns": 10**18 + finished, "frames": 7200 if finished else None, "picture_bytes": 10**7}
            for v in own
            for finished in (False, True)
        ]
        _add(tables, RUNS, RUN_COLUMNS, events)
    vectors = np.full((SAMPLES, 8), 8**-0.5, np.float32)
    store.append(ids[0], MODEL, FrameEmbeddings(times[:SAMPLES], times[:SAMPLES] / 15_360, vectors))
    store.optimize()


def _add(tables: Tables, name: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    with tables.writing(name, columns) as table:
        table.add({column: [row[column] for row in rows] for column in columns})


def _listed(folder: str) -> tuple[float, float, float]:
    """Return the seconds of the first and of a later ``usage()``, and the MB that they added, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_list, args=(folder, send))
    process.start()
    found: tuple[float, float, float] = receive.recv()
    process.join()
    return found


def _list(folder: str, send: Any) -> None:
    with tempfile.TemporaryDirectory() as empty:
        store = EmbeddingStore(empty)
        store.begin("0a" * 32, MODEL, "a model", 2.0)
        store.usage()
    before, began = _high_water_mb(), time.perf_counter()
    store = EmbeddingStore(folder)
    found = store.usage()
    first_s, began = time.perf_counter() - began, time.perf_counter()
    again = store.usage()
    again_s = time.perf_counter() - began
    if not len(found) == len(again) or {video.models[0].frames for video in found} != {7200}:
        raise RuntimeError("the list is not that of the videos that were made")
    send.send((first_s, again_s, _high_water_mb() - before))


def _high_water_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
