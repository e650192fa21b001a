"""One contract over all ways to run workers: what they store is what one process stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.distributed.in_process import InProcessWorkers
from clip_core.distributed.process_pool import ProcessPool
from clip_core.distributed.ray_cluster import joined_cluster
from clip_core.distributed.ray_workers import RayWorkers
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import Workers, WorkerSetup
from clip_core.errors import WorkersError
from clip_core.indexing.index_video import index_video
from clip_core.store.store import EmbeddingStore
from tests.support.cluster import MODEL, SETUP, assert_equal, run
from tests.support.video_maker import VideoSpec, planted

Make = Callable[[WorkerSetup], Workers]


@pytest.fixture(params=["in process", "pool", pytest.param("ray", marks=pytest.mark.cluster)], scope="module")
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    if request.param == "ray":
        with joined_cluster("local", 2) as ray:
            address = ray.get_runtime_context().gcs_address
            yield lambda setup: RayWorkers(JobWorker, setup, address, 2)
    else:
        yield InProcessWorkers if request.param == "in process" else lambda setup: ProcessPool(setup, 2)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two videos with keyframes every ten frames, one of them with frames that are shown in another order."""
    folder = tmp_path_factory.mktemp("videos")
    return [
        planted(folder, "plain", 70, VideoSpec(options={"g": "10", "bf": "0", "sc_threshold": "0"})).path,
        planted(folder, "ordered", 90, VideoSpec(options={"g": "10", "bf": "2", "sc_threshold": "0"})).path,
    ]


def test_what_is_stored_is_what_one_process_stores(make: Make, videos: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing" * 100)
    store, expected = EmbeddingStore(tmp_path / "store"), EmbeddingStore(tmp_path / "expected")
    for video in videos:
        assert [*index_video(video, MODEL, expected, samples_per_second=None)][-1].stage == "done"
    with make(SETUP) as workers:
        ended = run([*videos, broken, tmp_path / "missing.mp4"], workers, store)
        assert_equal(store, expected)
        assert {name: bool(each.reason) for name, each in ended.items()} == {
            "plain.mp4": False, "ordered.mp4": False, "broken.mp4": True, "missing.mp4": True,
        }  # fmt: skip
        assert [(failed.path, failed.reason) for failed in store.failures()] == [
            (str(broken), ended["broken.mp4"].reason)
        ]
        assert "is not a video" in ended["broken.mp4"].reason
        again = run(videos, workers, store)
    assert all(each.is_idle and not each.reason for each in again.values())
    assert_equal(store, expected)


def test_a_worker_with_another_model_is_refused(make: Make, videos: list[Path], tmp_path: Path) -> None:
    with pytest.raises(WorkersError, match="another model"), make(replace(SETUP, fingerprint="0" * 64)) as workers:
        run(videos, workers, EmbeddingStore(tmp_path / "store"))
