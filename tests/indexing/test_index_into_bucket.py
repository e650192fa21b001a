"""Index into an object store: few commits, and a service that stops answering meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.errors import StoreUnreachableError
from clip_core.indexing import embed_frames
from clip_core.indexing.index_video import index_video
from clip_core.store import object_store
from clip_core.store.store import EmbeddingStore
from tests.support.fakes import FakeEncoder
from tests.support.s3_server import S3Server
from tests.support.video_maker import VideoSpec, planted

COUNT = 150
SLOW_DOWN = ("503 Slow Down", "SlowDown")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return planted(tmp_path, "a", COUNT, VideoSpec(options={"g": "75", "sc_threshold": "0"})).path


@pytest.fixture
def store(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> EmbeddingStore:
    monkeypatch.setattr(object_store, "OPTIONS", {"client_max_retries": "0", "client_retry_timeout": "1"})
    monkeypatch.setattr(embed_frames, "FIRST_STORE_WAIT_S", 0.05)
    return EmbeddingStore(f"s3://{s3.bucket()}/embeddings")


def test_each_pass_is_one_commit_and_a_service_that_stops_is_waited_for(
    s3: S3Server, store: EmbeddingStore, video: Path
) -> None:
    encoder = FakeEncoder()
    reports = []
    for progress in index_video(video, encoder, store, samples_per_second=None):
        reports.append(progress)
        if progress.stage == "coarse":
            s3.refusal = SLOW_DOWN
        elif progress.stage == "waiting":
            s3.refusal = None
    assert [r.done for r in reports if r.stage in ("coarse", "dense")] == [2, COUNT]
    assert {r.note for r in reports if r.stage == "waiting"} == {embed_frames.SERVICE_SILENT}
    assert (reports[-1].stage, reports[-1].done) == ("done", COUNT)
    (record,) = store.videos()
    assert len(store.read(record.video_id, encoder.fingerprint)[0]) == COUNT
    assert encoder.pictures == COUNT


def test_a_service_that_stays_away_ends_it_and_the_next_run_goes_on(
    s3: S3Server, store: EmbeddingStore, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed_frames, "STORE_PATIENCE_S", 0.2)
    encoder = FakeEncoder()
    running = index_video(video, encoder, store, samples_per_second=None)
    next(progress for progress in running if progress.stage == "coarse")
    s3.refusal = SLOW_DOWN
    with pytest.raises(StoreUnreachableError, match="what was stored is kept"):
        list(running)
    s3.refusal = None
    (record,) = store.videos()
    assert store.stored_pts(record.video_id, encoder.fingerprint).shape == (2,)
    again = FakeEncoder()
    assert list(index_video(video, again, store, samples_per_second=None))[-1].stage == "done"
    assert again.pictures == COUNT - 2
