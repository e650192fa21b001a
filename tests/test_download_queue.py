"""The queue of downloads: one thread for each model, joined, watched, cancelled."""

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.encoders import transfer
from clip_core.encoders.hub import DownloadPlan
from clip_core.encoders.hub_cache import find_cached
from clip_core.encoders.transfer import PlannedFile
from clip_core.errors import DownloadError, DownloadSizeError, JobCancelled
from clip_core.task_queue import TaskQueue, TaskView
from clip_core.tasks import DownloadKey, DownloadQueue
from clip_core.types import Progress
from tests.support.hub_server import HubServer, use_hub
from tests.support.model_maker import make_clip

MODEL = "who/toy-clip"
KEY = (MODEL, "main", "auto")
PLAN = DownloadPlan(MODEL, "main", "0" * 40, "int8", ())


def progress(done: int) -> Progress:
    return Progress(done, 2, seconds_left=2.0 - done, stage="download", note="f", bytes_per_second=1.0)


class Script:
    """Stands in for plan_download and download: each step waits until the test lets it go."""

    def __init__(self, error: Exception | None = None, *, plans: bool = True) -> None:
        self.error = error
        self.begun = 0
        self.may_plan, self.go = threading.Event(), threading.Semaphore(0)
        if plans:
            self.may_plan.set()

    def plan(self, *key: str) -> DownloadPlan:
        assert self.may_plan.wait(10)
        return PLAN

    def fetch(self, plan: DownloadPlan) -> Generator[Progress, None, None]:
        self.begun += 1
        for done in range(3):
            while not self.go.acquire(timeout=0.01):
                yield progress(max(0, done - 1))
            yield progress(done)
        if self.error is not None:
            raise self.error


def until(queue: DownloadQueue, right: Callable[[TaskView[DownloadKey]], bool]) -> TaskView[DownloadKey]:
    end = time.monotonic() + 10
    while True:
        view = queue.view(KEY)
        if view is not None and right(view):
            return view
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_a_second_start_joins_and_the_end_is_seen() -> None:
    script = Script()
    queue = DownloadQueue(script.plan, script.fetch)
    assert queue.view(KEY) is None
    assert queue.start(MODEL) == queue.start(MODEL, "main", "auto") == KEY
    script.go.release()
    view = until(queue, lambda view: view.progress is not None)
    assert (view.state, view.active, view.error) == ("running", True, None)
    script.go.release(2)
    view = until(queue, lambda view: not view.active)
    assert (view.state, view.progress, script.begun) == ("done", progress(2), 1)


def test_a_failure_is_kept_and_a_new_start_begins_again() -> None:
    script = Script(DownloadError("It broke.", "Mend it."))
    queue = DownloadQueue(script.plan, script.fetch)
    queue.start(MODEL)
    script.go.release(3)
    view = until(queue, lambda view: not view.active)
    assert (view.state, str(view.error)) == ("failed", "It broke. Mend it.")
    script.error = None
    queue.start(MODEL)
    script.go.release(3)
    assert until(queue, lambda view: not view.active).state == "done"
    assert script.begun == 2


def test_an_unexpected_error_tells_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(RuntimeError("https://cdn/x?X-Amz-Signature=SIGNED"))
    queue = DownloadQueue(script.plan, script.fetch)
    queue.start(MODEL)
    script.go.release(3)
    view = until(queue, lambda view: not view.active)
    assert str(view.error) == (
        "The download stopped on an unexpected error (RuntimeError). What has arrived is kept; try again."
    )
    assert "SIGNED" not in caplog.text


def test_cancelling() -> None:
    script = Script()
    queue = DownloadQueue(script.plan, script.fetch)
    queue.cancel(KEY)
    queue.start(MODEL)
    script.go.release()
    until(queue, lambda view: view.progress is not None)
    queue.cancel(KEY)
    view = until(queue, lambda view: not view.active)
    assert view.state == "cancelled"
    assert isinstance(view.error, JobCancelled)
    assert "What has arrived is kept; start it again" in str(view.error)


def test_cancelling_before_the_hub_answers_does_not_wait_for_it() -> None:
    script = Script(plans=False)
    queue = DownloadQueue(script.plan, script.fetch)
    queue.start(MODEL)
    queue.cancel(KEY)
    view = queue.view(KEY)
    assert view is not None
    assert view.state == "cancelled"
    queue.start(MODEL)
    script.may_plan.set()
    script.go.release(3)
    assert until(queue, lambda view: not view.active).state == "done"
    assert script.begun == 1


def test_a_real_download_cancelled_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_WAIT_S", 0.01)
    with HubServer() as hub:
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        repository = hub.add(MODEL, make_clip(tmp_path / "model"))
        hub.bytes_per_second = 20_000
        queue = DownloadQueue()
        queue.start(MODEL)
        vision = len(repository.files["onnx/vision_model.onnx"])
        until(queue, lambda view: view.progress is not None and view.progress.note == "onnx/vision_model.onnx")
        time.sleep(0.7)
        queue.cancel(KEY)
        assert until(queue, lambda view: not view.active).state == "cancelled"
        assert 0 < hub.sent("onnx/vision_model.onnx") < vision  # it was cut, not waited for
        hub.bytes_per_second = 0
        queue.start(MODEL)
        view = until(queue, lambda view: not view.active)
        assert (view.state, view.error) == ("done", None)
        assert view.progress is not None
        assert view.progress.done == view.progress.total
        assert hub.fetched("onnx/vision_model.onnx")[-1].range
        assert hub.fetched("onnx/vision_model.onnx")[-1].sent < vision
        assert find_cached(MODEL) is not None


def test_a_cancel_while_the_hub_answers_ends_it() -> None:
    queue = DownloadQueue(lambda *_: (queue.cancel(KEY), PLAN)[1], Script().fetch)
    queue.start(MODEL)
    assert until(queue, lambda view: not view.active).state == "cancelled"


def test_a_cancel_right_after_the_plan_ends_it() -> None:
    def plan(*_: object) -> DownloadPlan:
        TaskQueue.cancel(queue, KEY)  # as if the plan stood there already when the press comes
        return PLAN

    script = Script()
    queue = DownloadQueue(plan, script.fetch)
    queue.start(MODEL)
    view = until(queue, lambda view: not view.active)
    assert (view.state, isinstance(view.error, JobCancelled), script.begun) == ("cancelled", True, 0)


def test_more_than_was_agreed_to_is_not_fetched() -> None:
    file = PlannedFile("onnx/vision_model.onnx", 5_000, "0" * 64, cached=False)
    plan, script = replace(PLAN, files=(file,)), Script()
    queue = DownloadQueue(lambda *_: plan, script.fetch)
    queue.start(MODEL, most_bytes=4_999)
    view = until(queue, lambda view: not view.active)
    assert (view.state, isinstance(view.error, DownloadSizeError), script.begun) == ("failed", True, 0)
    assert view.error.what == "The hub says: 5 kB (int8) in 1 files."
    assert (view.progress.done, view.progress.total) == (0, 5_000)
    queue.start(MODEL, most_bytes=5_000)
    script.go.release(3)
    assert until(queue, lambda view: not view.active).state == "done"
