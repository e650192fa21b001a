"""What an index costs of which little is missing, against decoding the whole video again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.store.embeddings import FRAMES
from clip_core.types import Ints
from clip_core.video.base import Video
from clip_core.video.sampling import sample_pts
from tests.benchmarks import made
from tests.benchmarks.runs import warm_up
from tests.benchmarks.table import Row, Spread, tell
from tests.support.fakes import FakeEncoder

SECONDS, QUICK_SECONDS = 60, 20
DENSER = ((0.1, 0.2), (0.5, 1.0), (2.0, 5.0))
"""From and to so many samples per second."""


def measure(quick: bool) -> list[Row]:
    """CPU seconds (all threads) of index_video on a video whose times are confirmed."""
    path = made.video(QUICK_SECONDS if quick else SECONDS, made.SMALL)
    warm_up()
    with open_video(path) as video:
        list(video.frames([]))
        end, pts = video.table.end_s, {rate: sample_pts(video.table, rate) for pair in DENSER for rate in pair}
        last = pts[2.0][video.table.seconds(pts[2.0]) >= end - 1]
    cases = {"the last second": (pts[2.0], last)}
    cases |= {f"from {a:g}/s to {b:g}/s": (pts[b], np.setdiff1d(pts[b], pts[a])) for a, b in DENSER}
    rates = [2.0, *(b for _, b in DENSER)]
    return [
        _row(path, name, rate, lacking, 1 if quick else 5)
        for (name, (_, lacking)), rate in zip(cases.items(), rates, strict=True)
    ]


def _row(path: Path, name: str, rate: float, lacking: Ints, turns: int) -> Row:
    seeking, passing = [], []
    with tempfile.TemporaryDirectory(dir=made.CACHE) as folder:
        store, encoder = EmbeddingStore(folder), FakeEncoder()
        list(index_video(path, encoder, store, samples_per_second=rate))
        for _ in range(turns):
            seeking.append(_cpu_s(path, encoder, store, rate, lacking))
            with _untrusting():
                passing.append(_cpu_s(path, encoder, store, rate, lacking))
    tell(f"resume, {name}: {Spread.of(seeking, 's', 3)} against {Spread.of(passing, 's', 3)}")
    raw = {"beginning at keyframes": Spread.of(seeking, "s", 3), "from the first frame": Spread.of(passing, "s", 3)}
    says = f"CPU of an index that lacks {len(lacking)} samples: {name} / the same by a whole pass"
    return Row("resume", Spread.of(seeking).over(Spread.of(passing).median), None, True, says, raw)


def _cpu_s(path: Path, encoder: FakeEncoder, store: EmbeddingStore, rate: float, lacking: Ints) -> float:
    """CPU seconds to index what is missing, after these samples were deleted."""
    listed = ", ".join(map(str, lacking.tolist()))
    store._tables.delete([FRAMES + encoder.fingerprint], f"pts IN ({listed})")
    began = time.process_time()
    *_, last = index_video(path, encoder, store, samples_per_second=rate)
    if last.done != last.total:
        raise RuntimeError(f"index_video ended at {last}")
    return time.process_time() - began


@contextmanager
def _untrusting() -> Iterator[None]:
    """Let every run decode the whole video, as if no pass had confirmed its times."""
    trust = Video.trust
    Video.trust = lambda self, table: False  # type: ignore[method-assign]
    try:
        yield
    finally:
        Video.trust = trust  # type: ignore[method-assign]
