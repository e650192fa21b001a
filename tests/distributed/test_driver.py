"""The driver with workers that do as they are told: what is lost with a worker is asked for again, nothing else."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import pytest
from obstore.store import S3Store

from clip_core.distributed import committer, driver, plan
from clip_core.distributed.driver import index_with_workers
from clip_core.distributed.in_process import InProcessWorkers
from clip_core.distributed.jobs import ChunkJob, Died, Failed, Job, LookJob, Rows, WorkerReport
from clip_core.distributed.process_pool import ProcessPool
from clip_core.distributed.videos_in_work import VideoInWork
from clip_core.distributed.worker import JobWorker
from clip_core.errors import StoreUnreachableError
from clip_core.indexing.index_video import index_video
from clip_core.store.store import EmbeddingStore
from tests.support.cluster import FACTS, MODEL, SETUP, assert_equal, raw_pts, run
from tests.support.s3_server import S3Server
from tests.support.video_maker import VideoSpec, planted

Act = Callable[[str, Job, list[WorkerReport]], list[WorkerReport]]


class Obedient:
    """Three workers in this process. ``act`` may return other reports for a job than those of the real work."""

    names: Sequence[str] = ("a", "b", "c")

    def __init__(self, act: Act | None = None) -> None:
        self._act, self._worker = act, JobWorker(SETUP)
        self._waiting: list[tuple[str, Job]] = []
        self.given: list[tuple[str, Job]] = []

    def submit(self, worker: str, job: Job) -> None:
        self._waiting.append((worker, job))
        self.given.append((worker, job))

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        if not self._waiting:
            return []
        worker, job = self._waiting.pop(0)
        reports = [*self._worker.reports(job)]
        if self._act is not None:
            reports = self._act(worker, job, reports)
        if any(isinstance(report, Died) for report in reports):
            self._waiting = [waiting for waiting in self._waiting if waiting[0] != worker]
        return [(worker, report) for report in reports]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.close()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return planted(tmp_path, "clip", 60, VideoSpec(options={"g": "10", "bf": "2", "sc_threshold": "0"})).path


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "CHUNK_SAMPLES", 12)
    monkeypatch.setattr(plan, "LEAST_CHUNK_SAMPLES", 12)


def stores(tmp_path: Path, *videos: Path) -> tuple[EmbeddingStore, EmbeddingStore]:
    store, expected = EmbeddingStore(tmp_path / "store"), EmbeddingStore(tmp_path / "expected")
    for video in videos:
        assert [*index_video(video, MODEL, expected, samples_per_second=None)][-1].stage == "done"
    return store, expected


@pytest.mark.usefixtures("small_chunks")
def test_chunks_of_a_video_join_to_what_a_whole_pass_stores(video: Path, tmp_path: Path) -> None:
    store, expected = stores(tmp_path, video)
    with Obedient() as workers:
        run([video], workers, store)
    chunks = [job for _, job in workers.given if isinstance(job, ChunkJob)]
    assert len(chunks) > 2
    wanted = np.concatenate([job.wanted for job in chunks])
    looked = expected.videos()[0].table.key_pts
    assert sorted([*wanted, *looked]) == expected.videos()[0].table.pts.tolist()
    assert {worker for worker, job in workers.given if isinstance(job, ChunkJob)} >= {"a", "b"}
    assert_equal(store, expected)


@pytest.mark.usefixtures("small_chunks")
def test_a_job_whose_worker_dies_is_done_again_without_what_has_arrived(video: Path, tmp_path: Path) -> None:
    store, expected = stores(tmp_path, video)
    arrived: list[int] = []

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        if arrived or isinstance(job, LookJob):
            return reports
        rows = next(report for report in reports if isinstance(report, Rows))
        arrived.extend(rows.embeddings.pts.tolist())
        return [rows, Died(worker, "killed by signal 9")]

    with Obedient(act) as workers:
        ended = run([video], workers, store)
    assert not ended["clip.mp4"].reason
    chunks = [job for _, job in workers.given if isinstance(job, ChunkJob)]
    repeated = [job for i, job in enumerate(chunks) if job.number in {before.number for before in chunks[:i]}]
    assert repeated
    assert not set(arrived) & {pts for job in repeated for pts in job.wanted.tolist()}
    assert_equal(store, expected)


def test_three_workers_try_a_job_before_its_video_has_failed(video: Path, tmp_path: Path) -> None:
    other = planted(tmp_path, "other", 20, VideoSpec()).path
    store, expected = stores(tmp_path, other)

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        return [Failed(job.number, f"{worker} failed.")] if job.source.location == str(video) else reports

    with Obedient(act) as workers:
        ended = run([video, other], workers, store)
    tried = [worker for worker, job in workers.given if job.source.location == str(video)]
    assert sorted(tried) == ["a", "b", "c"]
    assert ended["clip.mp4"].reason == f"{tried[-1]} failed."
    assert [failed.path for failed in store.failures()] == [str(video)]
    assert_equal(store, expected)


def test_jobs_that_wait_at_a_worker_that_dies_are_not_blamed(video: Path, tmp_path: Path) -> None:
    others = [planted(tmp_path, f"other{n}", 12 + n, VideoSpec()).path for n in range(6)]
    store, expected = stores(tmp_path, *others)

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        return [Died(worker, "killed by signal 11")] if job.source.location == str(video) else reports

    with Obedient(act) as workers:
        ended = run([video, *others], workers, store)
    given = [job for _, job in workers.given]
    assert sum(job.source.location == str(video) for job in given) == 3
    assert {name for name, each in ended.items() if each.reason} == {"clip.mp4"}
    assert ended["clip.mp4"].reason == "Workers end while they work on it; the last one was killed by signal 11."
    assert_equal(store, expected)


def test_what_every_worker_would_meet_is_tried_once(video: Path, tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "store")

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        return [Failed(job.number, "There is no file clip.mp4.", is_final=True)]

    with Obedient(act) as workers:
        assert run([video], workers, store)["clip.mp4"].reason == "There is no file clip.mp4."
    assert len(workers.given) == 1


def test_files_with_the_same_bytes_are_embedded_once(video: Path, tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "store")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(video.read_bytes())
    with Obedient() as workers:
        ended = run([video, copy], workers, store)
    assert ended["clip.mp4"].video_id == ended["copy.mp4"].video_id
    assert not ended["copy.mp4"].reason
    assert sum(isinstance(job, ChunkJob) for _, job in workers.given) == 1
    assert len(raw_pts(store, ended["clip.mp4"].video_id)) == 60
    assert store.known_id(copy, copy.stat().st_size, copy.stat().st_mtime_ns) == ended["clip.mp4"].video_id


def test_more_copies_than_workers_take_jobs_hold_nothing_up(video: Path, tmp_path: Path) -> None:
    store, expected = stores(tmp_path, video)
    copies = [tmp_path / f"copy {number}.mp4" for number in range(8)]
    for copy in copies:
        copy.write_bytes(video.read_bytes())
    with Obedient() as workers:
        ended = run([video, *copies], workers, store)
    assert {each.reason for each in ended.values()} == {""}
    assert_equal(store, expected)


def test_rows_that_arrive_twice_are_stored_once(video: Path, tmp_path: Path) -> None:
    store, expected = stores(tmp_path, video)

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        return [again for report in reports for again in ([report] * 2 if isinstance(report, Rows) else [report])]

    with Obedient(act) as workers:
        run([video], workers, store)
    assert_equal(store, expected)


def test_a_video_that_is_forgotten_meanwhile_is_told_and_leaves_nothing(video: Path, tmp_path: Path) -> None:
    store = EmbeddingStore(tmp_path / "store")

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        if isinstance(job, ChunkJob):
            store.forget(job.video_id)
        return reports

    with Obedient(act) as workers:
        ended = run([video], workers, store)
    assert ended["clip.mp4"].reason == "This video was forgotten while it was indexed."
    assert raw_pts(store, ended["clip.mp4"].video_id) == []


@pytest.mark.usefixtures("small_chunks")
def test_a_video_whose_frames_do_not_come_out_as_its_packets_claim_is_planned_again_once(tmp_path: Path) -> None:
    options = {"g": "10", "bf": "2", "sc_threshold": "0"}
    video = planted(tmp_path, "clip", 90, VideoSpec(".mkv", options=options)).path
    with av.open(str(video)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        shown_before = [a for a, b in pairwise(packets[::-1]) if a.pts < b.pts]
    data = bytearray(video.read_bytes())
    for packet in shown_before:  # frames between two others, which do without them
        data[packet.pos + 5 : packet.pos + packet.size] = b"\xff" * (packet.size - 5)
    video.write_bytes(data)
    store, expected = EmbeddingStore(tmp_path / "store"), EmbeddingStore(tmp_path / "expected")
    assert [*index_video(video, MODEL, expected, samples_per_second=7.0)][-1].stage == "done"
    with Obedient() as workers:
        run([video], workers, store, 7.0)
    chunks = [job for _, job in workers.given if isinstance(job, ChunkJob)]
    again = [job for job in chunks if job.table.confirmed]
    assert len(chunks[0].table.pts) == 90
    assert len(expected.videos()[0].table.pts) < 80
    assert sum(len(job.wanted) for job in again) > 0
    assert chunks[-len(again) :] == again
    assert_equal(store, expected)


def test_a_run_that_is_stopped_keeps_what_has_arrived(video: Path, tmp_path: Path) -> None:
    store, expected = stores(tmp_path, video)
    with Obedient() as workers:
        steps = index_with_workers([str(video)], workers, FACTS, store, samples_per_second=None)
        with closing(steps):  # type: ignore[type-var]
            next(steps)
        run([video], workers, store)
    embedded = [job for _, job in workers.given if isinstance(job, LookJob)]
    assert len(embedded[-1].stored) > 0
    assert_equal(store, expected)


def test_a_pool_whose_workers_are_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    videos = [planted(tmp_path, f"v{n}", 40 + n, VideoSpec(options={"g": "10"})).path for n in range(4)]
    store, expected = stores(tmp_path, *videos)
    killed: list[int] = []
    with ProcessPool(SETUP, 2) as pool:
        steps = index_with_workers([*map(str, videos)], pool, FACTS, store, samples_per_second=None)
        real = pool.submit

        def submit(worker: str, job: Job) -> None:
            real(worker, job)
            if len(killed) < 3 and len(killed) < job.number:
                killed.append(pool.pids[worker])
                os.kill(pool.pids[worker], signal.SIGKILL)

        pool.submit = submit  # type: ignore[method-assign]
        ended = [each for progress in steps for each in progress.ended]
    assert len(killed) == 3
    assert [each.reason for each in ended] == [""] * 4
    assert_equal(store, expected)


def test_a_video_in_a_bucket_is_fetched_once_and_kept_under_its_address(
    s3: S3Server, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    store, expected = stores(tmp_path, video)
    bucket = s3.bucket()
    S3Store(bucket).put("day 1/a#.mp4", video.read_bytes())
    address = f"s3://{bucket}/day 1/a#.mp4"
    with InProcessWorkers(SETUP) as workers, s3.counting() as counts:
        assert not run([address], workers, store)["a#.mp4"].reason
    assert counts["GET"] == 1
    assert_equal(store, expected)
    assert [(record.path, record.name) for record in store.videos()] == [(address, "a#.mp4")]
    assert not list((tmp_path / "temporary").iterdir())
    with InProcessWorkers(SETUP) as workers, s3.counting() as counts:
        assert run([address], workers, store)["a#.mp4"].is_idle
    assert counts["GET"] == 0


def test_videos_that_only_wait_keep_no_times_and_no_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    videos = [planted(tmp_path, f"v{n}", 12, VideoSpec(), size=(64, 48 + 2 * n)).path for n in range(12)]
    store, expected = stores(tmp_path, *videos)
    most = {"times": 0, "locks": 0}
    real = VideoInWork.begin

    def begin(video: VideoInWork, *args: Any) -> None:
        real(video, *args)
        begun.append(video)

    begun: list[VideoInWork] = []
    monkeypatch.setattr(VideoInWork, "begin", begin)

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        most["times"] = max(most["times"], sum(video.table is not None for video in begun if not video.seen))
        most["locks"] = max(most["locks"], sum(video.is_locked for video in begun if not video.seen))
        return reports

    with Obedient(act) as workers:
        run(videos, workers, store)
    assert len(begun) == 12
    assert 0 < most["locks"] <= 7
    assert 0 < most["times"] <= 7  # two jobs of each of three workers, and one that is planned
    assert_equal(store, expected)


@pytest.mark.parametrize(
    "method",
    [
        "known_id",
        "records_of",
        "remember_videos",
        "begin_runs",
        "keep_subtitles_of",
        "video",
        "remember_ids",
        "remember_failure",
        "stored_pts_of",
        "append_of_videos",
        "append_thumbnails_of",
        "note_runs",
        "optimize",
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_a_storage_service_that_does_not_answer_for_a_moment_costs_nothing(
    method: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "FIRST_STORE_WAIT_S", 0.01)
    monkeypatch.setattr(committer, "COMMIT_S", 0.0)
    store, expected = stores(tmp_path, video)
    real, silent, notes = getattr(store, method), [True, False, True, True], list[str]()

    def asked(*args: Any, **kwargs: Any) -> Any:
        if silent and silent.pop():
            raise StoreUnreachableError("It does not answer.")
        return real(*args, **kwargs)

    setattr(store, method, asked)
    (tmp_path / "broken.mp4").write_bytes(b"nothing " * 100)
    with Obedient(lambda worker, job, reports: died_once(worker, job, reports, notes)) as workers:
        steps = index_with_workers(
            [str(video), str(tmp_path / "broken.mp4")], workers, FACTS, store, samples_per_second=None
        )
        ended = [(each, notes.extend(progress.notes)) for progress in steps for each in progress.ended]
    assert len(silent) < 4
    assert [bool(each.reason) for each, _ in ended].count(True) == 1
    assert_equal(store, expected)
    assert [Path(failed.path).name for failed in store.failures()] == ["broken.mp4"]


def died_once(worker: str, job: Job, reports: list[WorkerReport], notes: list[str]) -> list[WorkerReport]:
    if isinstance(job, ChunkJob) and "died" not in notes:
        notes.append("died")
        return [reports[0], Died(worker, "killed by signal 9")]
    return reports


def test_a_storage_service_that_stays_silent_ends_the_run_and_what_is_stored_is_kept(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "FIRST_STORE_WAIT_S", 0.01)
    monkeypatch.setattr(driver, "STORE_PATIENCE_S", 0.1)
    monkeypatch.setattr(committer, "COMMIT_S", 0.0)
    store, expected = stores(tmp_path, video)
    notes: list[str] = []

    def silent(*_: Any) -> None:
        raise StoreUnreachableError("It does not answer.")

    with monkeypatch.context() as patched, Obedient() as workers:
        patched.setattr(store, "note_runs", silent)
        steps = index_with_workers([str(video)], workers, FACTS, store, samples_per_second=None)
        with pytest.raises(StoreUnreachableError):
            notes.extend(note for progress in steps for note in progress.notes)
    assert notes[0] == "It does not answer. It is asked again in 0.01 s."
    assert raw_pts(store, expected.videos()[0].video_id) == expected.videos()[0].table.pts.tolist()
    with Obedient() as workers:
        run([video], workers, store)
    assert not [job for _, job in workers.given if isinstance(job, ChunkJob) and len(job.wanted)]
    assert_equal(store, expected)


def test_what_is_found_out_about_many_videos_is_stored_in_a_few_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "FIRST_COMMIT_S", 3600.0)
    monkeypatch.setattr(committer, "COMMIT_S", 3600.0)
    monkeypatch.setattr(committer, "MOST_COMMIT_S", 3600.0)
    videos = [planted(tmp_path, f"v{n}", 12, VideoSpec(), size=(64, 48 + 2 * n)).path for n in range(12)]
    store, expected = stores(tmp_path, *videos)
    with InProcessWorkers(SETUP) as workers:
        run(videos, workers, store)
    assert_equal(store, expected)
    # The last look is not done yet when the first chunks are planned, so that its run begins in a second commit.
    for name, commits in {"videos": 3, "runs": 3, "files": 1, "subtitle_sources": 2}.items():
        with store._tables.reading(name) as table:
            assert table is not None
            assert table.ask(lambda raw: raw.version) == 1 + commits


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("is_resumed", [True, False])
def test_what_an_earlier_run_may_have_lost_is_stored_at_once(
    is_resumed: bool, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committer, "FIRST_COMMIT_S", 3600.0)
    store, expected = stores(tmp_path, video)
    video_id = expected.videos()[0].video_id
    if is_resumed:
        assert [*index_video(video, MODEL, store, samples_per_second=None, coarse_only=True)]
    reported, missing = set[int](), list[int]()

    def act(worker: str, job: Job, reports: list[WorkerReport]) -> list[WorkerReport]:
        missing.append(len(reported - set(raw_pts(store, video_id))))
        reported.update(pts for each in reports if isinstance(each, Rows) for pts in each.embeddings.pts.tolist())
        return reports

    with Obedient(act) as workers:
        run([video], workers, store)
    assert len(missing) > 3
    assert (max(missing) == 0) is is_resumed
    assert_equal(store, expected)
