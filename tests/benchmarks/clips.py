"""Many short videos with one worker: what the driver and the store add to the worker's own CPU time."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from clip_core.distributed.driver import index_with_workers
from clip_core.distributed.in_process import InProcessWorkers
from clip_core.distributed.jobs import WorkerReport
from clip_core.store.store import EmbeddingStore
from tests.benchmarks.table import Row, Spread, tell
from tests.support.cluster import FACTS, SETUP
from tests.support.video_maker import VideoSpec, number_picture, write_video

CLIPS, QUICK_CLIPS, FRAMES = 300, 10, 20


class Timed(InProcessWorkers):
    """The worker in this process, with the CPU seconds that its jobs took."""

    took_s = 0.0

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        """See ``Workers``."""
        began = time.process_time()
        reports = super().reports(wait_s)
        self.took_s += time.process_time() - began
        return reports


def measure(quick: bool) -> list[Row]:
    """Index clips of 20 frames with a model that takes no time."""
    clips, ratios, each_s = QUICK_CLIPS if quick else CLIPS, list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        videos = [Path(folder, f"{clip}.mp4") for clip in range(clips)]
        for clip, path in enumerate(videos):
            write_video(path, [number_picture(clip * FRAMES + i) for i in range(FRAMES)], VideoSpec())
        for turn in range(1 if quick else 3):
            began, store = time.process_time(), EmbeddingStore(Path(folder, f"store {turn}"))
            with Timed(SETUP) as workers:
                for _ in index_with_workers([*map(str, videos)], workers, FACTS, store, samples_per_second=None):
                    pass
            took_s = time.process_time() - began
            ratios.append(took_s / workers.took_s)
            each_s.append(took_s / clips)
            tell(f"clips, turn {turn + 1}: {took_s:.1f} CPU-s, of which the worker {workers.took_s:.1f}")
    raw = {"a clip": Spread.of(each_s, "CPU-ms", digits=0, factor=1000)}
    return [Row("clips", Spread.of(ratios), 5.0, True, "CPU time of many clips ÷ that of their worker alone", raw)]
