"""How soon a curve over the whole length is there."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.video.sampling import coarse_pts
from tests.benchmarks import made
from tests.benchmarks.runs import RATE, Paced, warm_up
from tests.benchmarks.table import Row, Spread, tell

FRAMES_PER_SECOND, QUICK_FRAMES_PER_SECOND = 8.0, 64.0


def measure(quick: bool) -> list[Row]:
    """Seconds until the coarse pass is committed, against what the slow encoder alone needs for 64 pictures."""
    path = made.video(60, made.SMALL) if quick else made.video(600)
    pace = QUICK_FRAMES_PER_SECOND if quick else FRAMES_PER_SECOND
    warm_up()
    with open_video(path) as video:
        wanted = len(coarse_pts(video.table))
    firsts, wholes = [], []
    for turn in range(1 if quick else 3):
        first_s, whole_s = _until_coarse(path, wanted, pace)
        firsts.append(first_s)
        wholes.append(whole_s)
        tell(f"coarse, turn {turn + 1}: {whole_s:.2f} s")
    alone_s = wanted / pace
    raw = {
        f"until {wanted} frames are stored": Spread.of(wholes, "s"),
        "until the first frames are stored": Spread.of(firsts, "s"),
        "the encoder alone": Spread.of([alone_s], "s"),
    }
    size = path.stat().st_size / 1e6
    says = f"time to the coarse curve / (64 / 8 s), 10 minutes of 1080p ({size:.0f} MB), encoder at 8 frames/s"
    return [Row("coarse", Spread.of(wholes).over(alone_s), 1.5, True, says, raw)]


def _until_coarse(path: Path, wanted: int, pace: float) -> tuple[float, float]:
    """Seconds until the first committed batch, and until all coarse frames are committed."""
    with tempfile.TemporaryDirectory(dir=made.CACHE) as folder:
        first_s = 0.0
        began = time.perf_counter()
        steps = index_video(path, Paced(1 / pace), EmbeddingStore(folder), samples_per_second=RATE)
        for progress in steps:
            now_s = time.perf_counter() - began
            first_s = first_s or (now_s if progress.done else 0.0)
            if progress.done >= wanted:
                steps.close()  # type: ignore[attr-defined] # it is a generator: this cancels the run
                return first_s, now_s
    raise RuntimeError(f"the run ended before {wanted} frames were stored")
