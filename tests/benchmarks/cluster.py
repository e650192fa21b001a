"""Ray actors and a pool: two workers against one, and one against the plain loop, with an encoder that only sleeps."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from clip_core.distributed.jobs import ChunkJob, Died, Failed, Finished, Rows, VideoSource, no_pts
from clip_core.distributed.plan import plan_chunks
from clip_core.distributed.process_pool import ProcessPool
from clip_core.distributed.ray_cluster import joined_cluster
from clip_core.distributed.ray_workers import RayWorkers
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import MOST_IN_FLIGHT, Workers, WorkerSetup
from clip_core.encoders.base import Encoder
from clip_core.types import Ints
from clip_core.video import open_video
from clip_core.video.sampling import sample_pts
from tests.benchmarks import made
from tests.benchmarks.runs import Paced
from tests.benchmarks.table import Row, Spread, tell

PICTURE_S, RATE = 0.06, 2.0
CHUNK_SAMPLES, QUICK_SAMPLES = 40, 10


Start = Callable[[WorkerSetup, int], Workers]


def measure(quick: bool) -> list[Row]:
    """Seconds for the chunks of one video: plain loop, one worker, two workers; and what a killed worker loses."""
    path = made.video(made.CLIP_S if quick else 120, made.SMALL)
    jobs = _jobs(path, QUICK_SAMPLES if quick else CHUNK_SAMPLES)
    rows = _rows("pool", ProcessPool, jobs, quick)
    with joined_cluster("local", 2):
        return rows + _rows("cluster", lambda setup, count: RayWorkers(JobWorker, setup, "local", count), jobs, quick)


def _rows(name: str, start: Start, jobs: list[ChunkJob], quick: bool) -> list[Row]:
    wanted = np.sort(np.concatenate([job.wanted for job in jobs]))
    with tempfile.TemporaryDirectory() as folder:
        setup = WorkerSetup(partial(_encoder, folder), Paced(PICTURE_S).fingerprint)
        plain, one, two = list[float](), list[float](), list[float]()
        for turn in range(1 if quick else 3):
            plain.append(_plain(setup, jobs))
            one.append(_run(start, setup, jobs, 1)[0])
            two.append(_run(start, setup, jobs, 2)[0])
            tell(f"{name}, turn {turn + 1}: plain {plain[-1]:.1f} s, one {one[-1]:.1f} s, two {two[-1]:.1f} s")
        _, embedded = _run(start, setup, jobs, 2, victim_in=Path(folder))
    lost = len(np.setdiff1d(wanted, embedded))
    raw = {"plain loop": Spread.of(plain, "s"), "one worker": Spread.of(one, "s"), "two workers": Spread.of(two, "s")}
    note = (
        f"a worker killed: {len(wanted)} rows wanted, {lost} lost, {len(embedded) - len(np.unique(embedded))} doubled"
    )
    gain = Spread.of([of_one / of_two for of_one, of_two in zip(one, two, strict=True)])
    cost = Spread.of([of_one / of_plain for of_one, of_plain in zip(one, plain, strict=True)])
    return [
        Row(f"{name} (two)", gain, 1.8, False, "one worker's time ÷ that of two", raw),
        Row(f"{name} (one)", cost, 1.1, True, "one worker's time ÷ the plain loop's"),
        Row(f"{name} (kill)", Spread.of([float(lost)], digits=0), 0.0, True, "rows lost", notes=(note,)),
    ]


def _encoder(folder: str) -> Encoder:
    """Note which process the encoder is in, so that it can be killed."""
    (Path(folder) / str(os.getpid())).touch()
    return Paced(PICTURE_S)


def _jobs(path: Path, samples: int) -> list[ChunkJob]:
    with open_video(path) as video:
        table, source = video.table, VideoSource(str(path), video.watched.stamp)
        chunks = plan_chunks(table, sample_pts(table, RATE), no_pts(), has_parts=video.has_parts, samples=samples)
    return [
        ChunkJob(number, source, "benchmark", table, chunk.wanted, chunk.first_pts, chunk.last_pts)
        for number, chunk in enumerate(chunks)
    ]


def _plain(setup: WorkerSetup, jobs: list[ChunkJob]) -> float:
    began = time.perf_counter()
    with JobWorker(setup) as worker:
        began = time.perf_counter()
        for job in jobs:
            for _ in worker.reports(job):
                pass
    return time.perf_counter() - began


def _run(
    start: Start, setup: WorkerSetup, jobs: list[ChunkJob], count: int, victim_in: Path | None = None
) -> tuple[float, Ints]:
    """Give the jobs to ``count`` workers: the seconds from when all are ready, and the pts of the rows, as they came.

    Args:
        start: Starts the workers.
        setup, jobs, count: What to do, and how many workers do it.
        victim_in: After the first rows, the process that is named last in this folder is killed.
    """
    waiting, given = deque(jobs), dict[str, dict[int, ChunkJob]]()
    rows = list[Ints]()
    with start(setup, count) as workers:
        while len(workers.names) < count:
            workers.reports(1.0)
        began = time.perf_counter()
        while waiting or any(given.values()):
            for name in workers.names:
                hand = given.setdefault(name, {})
                while waiting and len(hand) < MOST_IN_FLIGHT:
                    job = waiting.popleft()
                    hand[job.number] = job
                    workers.submit(name, job)
            for name, report in workers.reports(1.0):
                if isinstance(report, Rows):
                    rows.append(report.embeddings.pts)
                    if victim_in is not None:
                        _kill_newest(victim_in)
                        victim_in = None
                elif isinstance(report, Finished):
                    del given[name][report.number]
                elif isinstance(report, Died):
                    done = np.concatenate(rows)
                    again = given.pop(name).values()
                    waiting.extend(replace(job, wanted=np.setdiff1d(job.wanted, done)) for job in again)
                elif isinstance(report, Failed):
                    raise RuntimeError(report.reason)  # noqa: TRY004 - not the wrong type, but bad news
        return time.perf_counter() - began, np.concatenate(rows)


def _kill_newest(folder: Path) -> None:
    newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.kill(int(newest.name), signal.SIGKILL)
