"""Actors of a real Ray, which is started once, on this machine; scripts/test runs these tests alone."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from clip_core.distributed import ray_workers
from clip_core.distributed.jobs import Died, Failed, Finished, Looked, LookJob, Rows, VideoSource, WorkerReport, no_pts
from clip_core.distributed.ray_cluster import joined_cluster
from clip_core.distributed.ray_workers import RayWorkers
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import WorkerSetup
from clip_core.encoders.base import Encoder
from clip_core.errors import EncoderError, WorkersError
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import PlantedVideo, VideoSpec, planted

ROOT = Path(__file__).parents[2]
FINGERPRINT = FakeEncoder().fingerprint
LONG_S = 60.0

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    """The address of a Ray with two CPUs, which this process has joined."""
    with joined_cluster("local", 2) as ray:
        yield ray.get_runtime_context().gcs_address


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> PlantedVideo:
    return planted(tmp_path_factory.mktemp("videos"), "ten", 300, VideoSpec(options={"g": "10"}))


def setup(make: Callable[[], Encoder] = FakeEncoder, fingerprint: str = FINGERPRINT) -> WorkerSetup:
    return WorkerSetup(make, fingerprint)


def look(number: int, video: PlantedVideo) -> LookJob:
    return LookJob(number, VideoSource(str(video.path)), None, no_pts())


def collect(
    workers: RayWorkers, until: Callable[[WorkerReport], bool], worker: str | None = None
) -> list[WorkerReport]:
    """Return what is reported until a report is the last one wanted."""
    found: list[WorkerReport] = []
    ends = time.monotonic() + LONG_S
    while not found or not until(found[-1]):
        assert time.monotonic() < ends, found
        for name, report in workers.reports(1.0):
            assert worker in (None, name)
            found.append(report)
            if until(report):
                break
    return found


def test_an_actor_does_its_jobs_in_order_and_takes_two_at_most(ray_address: str, video: PlantedVideo) -> None:
    with RayWorkers(JobWorker, setup(), ray_address, 1) as workers:
        (name,) = workers.names
        workers.submit(name, look(1, video))
        workers.submit(name, LookJob(2, VideoSource("/no/such.mp4"), None, no_pts()))
        with pytest.raises(ValueError, match="takes no job now"):
            workers.submit(name, look(3, video))
        found = collect(workers, lambda report: isinstance(report, Failed), name)
        assert [report.number for report in found if not isinstance(report, Died)] == [1] * (len(found) - 1) + [2]
        assert isinstance(found[0], Looked)
        assert isinstance(found[-2], Finished)
        rows = [report for report in found if isinstance(report, Rows)]
        embedded = np.concatenate([part.embeddings.pts for part in rows])
        assert sorted(embedded.tolist()) == found[0].record.table.key_pts.tolist()
        assert all(part.embeddings.vectors.flags.writeable for part in rows)  # its own memory, not the object store's
        assert set(embedded.tolist()) == {pts for part in rows for pts in part.thumbnails}
        assert found[-1].is_final
        assert workers.reports(0.0) == []
        for number in (3, 4):
            workers.submit(name, look(number, video))
        collect(workers, lambda report: isinstance(report, Finished), name)
        workers.submit(name, look(5, video))  # the report that ends a job makes room for another at once
        collect(workers, lambda report: isinstance(report, Finished) and report.number == 5, name)


class NamesItsProcess(FakeEncoder):
    """An encoder that writes the process it is in to a file and then takes its time."""

    def __init__(self, file: str) -> None:
        super().__init__(delay_s=0.05)
        Path(file).write_text(str(os.getpid()))


def test_an_actor_that_is_killed_is_told_and_replaced_under_its_name(
    ray_address: str, video: PlantedVideo, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    with RayWorkers(JobWorker, setup(partial(NamesItsProcess, str(file))), ray_address, 1) as workers:
        (name,) = workers.names
        killed = int(file.read_text())
        workers.submit(name, look(1, video))
        workers.submit(name, look(2, video))
        collect(workers, lambda report: isinstance(report, Looked))
        os.kill(killed, 9)
        found = collect(workers, lambda report: isinstance(report, Died))
        assert [report for report in found if isinstance(report, Finished)] == []
        assert found[-1].worker == name
        ends = time.monotonic() + LONG_S
        while not workers.names:
            assert workers.reports(1.0) == []
            assert time.monotonic() < ends
        assert list(workers.names) == [name]
        assert int(file.read_text()) != killed
        workers.submit(name, look(3, video))
        found = collect(workers, lambda report: isinstance(report, Finished))
        assert {report.number for report in found} == {3}  # what the dead one had in hand is not repeated here


def lacks_the_model() -> Encoder:
    raise EncoderError("There is no model here.", "Copy it.")


def stumbles() -> Encoder:
    raise RuntimeError("out of fuel")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (setup(lacks_the_model), "There is no model here. Copy it."),
        (setup(stumbles), "cannot load the model (RuntimeError: out of fuel)"),
        (setup(fingerprint="another"), "has another model"),
    ],
)
def test_a_worker_without_the_drivers_model_takes_no_jobs(ray_address: str, given: WorkerSetup, said: str) -> None:
    with pytest.raises(WorkersError) as caught, RayWorkers(JobWorker, given, ray_address, 1):
        pass
    assert said in str(caught.value)


def test_a_worker_with_other_code_takes_no_jobs(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "code_version", lambda: "0" * 8)
    with pytest.raises(WorkersError, match=r"another version of this project .*, here 00000000"):
        RayWorkers(JobWorker, setup(), ray_address, 1).__enter__()


def test_without_a_free_cpu_it_says_what_there_is(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RayWorkers(JobWorker, setup(), ray_address, 2) as all_of_them:
        while len(all_of_them.names) < 2:
            assert all_of_them.reports(1.0) == []
        monkeypatch.setattr(ray_workers, "PLACE_S", 0.0)
        with pytest.raises(WorkersError, match=r"the cluster has 2 CPU \(0 free\), and each worker needs 1 CPU\."):
            RayWorkers(JobWorker, setup(), ray_address, 1).__enter__()


def test_a_wrong_token_is_named(ray_address: str) -> None:
    code = (
        "import sys\nfrom clip_core.distributed.ray_cluster import joined_cluster\n"
        "try:\n    joined_cluster(sys.argv[1]).__enter__()\nexcept Exception as error:\n    print(error)"
    )
    environment = os.environ | {"RAY_AUTH_TOKEN": "0" * 64}
    done = subprocess.run(
        [sys.executable, "-c", code, ray_address], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert "RAY_AUTH_TOKEN is missing or wrong" in done.stdout
    assert done.stderr == ""
