"""Running videos through workers, and comparing two stores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clip_core.distributed.driver import index_with_workers
from clip_core.distributed.progress import EndedVideo
from clip_core.distributed.workers import ModelFacts, Workers, WorkerSetup
from clip_core.store.store import EmbeddingStore
from tests.support.fakes import FakeEncoder

MODEL = FakeEncoder()
FACTS = ModelFacts(MODEL.id, MODEL.fingerprint, MODEL.logit_scale)
SETUP = WorkerSetup(FakeEncoder, MODEL.fingerprint)


def run(
    locations: Sequence[str | Path], workers: Workers, store: EmbeddingStore, rate: float | None = None
) -> dict[str, EndedVideo]:
    """Index every frame of the videos; return what became of each, by the name of its file."""
    ended: list[EndedVideo] = []
    for progress in index_with_workers(
        [str(path) for path in locations], workers, FACTS, store, samples_per_second=rate
    ):
        ended += progress.ended
    assert len(ended) == len(locations)
    return {Path(each.location).name: each for each in ended}


def raw_pts(store: EmbeddingStore, video_id: str) -> list[int]:
    """Return the pts of all rows of a video as they lie in the table, one that is there twice twice."""
    with store._tables.reading(f"frames_{MODEL.fingerprint}") as table:
        return [] if table is None else sorted(table.rows(("pts",), f"video = '{video_id}'")["pts"].to_pylist())


def assert_equal(store: EmbeddingStore, expected: EmbeddingStore) -> None:
    """Compare all that is stored of all videos: each frame is there once, with its time, vector and picture."""
    found = {record.video_id: record for record in store.videos()}
    wanted = {record.video_id: record for record in expected.videos()}
    assert found.keys() == wanted.keys()
    for video_id, record in wanted.items():
        assert found[video_id].table.confirmed
        for name in ("pts", "key_pts"):
            assert getattr(found[video_id].table, name).tolist() == getattr(record.table, name).tolist()
        assert found[video_id].table.end_s == record.table.end_s
        frames, _ = store.read(video_id, MODEL.fingerprint)
        planted, _ = expected.read(video_id, MODEL.fingerprint)
        assert raw_pts(store, video_id) == frames.pts.tolist() == planted.pts.tolist()
        assert frames.times_s.tolist() == planted.times_s.tolist()
        np.testing.assert_allclose(frames.vectors, planted.vectors, atol=2e-3)
        pts = planted.pts.tolist()
        assert store.thumbnails(video_id, pts) == expected.thumbnails(video_id, pts)
        run_found, run_wanted = (s.run(video_id, MODEL.fingerprint) for s in (store, expected))
        assert run_found is not None
        assert run_wanted is not None
        assert (run_found.finished, run_found.samples_per_second) == (True, run_wanted.samples_per_second)
