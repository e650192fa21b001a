"""The board of downloads: one thread for each model, joined, watched, cancelled."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.encoders import transfer
from clip_core.encoders.downloads import DownloadBoard, DownloadView
from clip_core.encoders.hub import DownloadPlan, DownloadProgress, PlannedFile, find_cached
from clip_core.errors import DownloadError, JobCancelled
from tests.hub_server import HubServer, use_hub
from tests.model_maker import make_clip

MODEL = "who/toy-clip"
KEY = (MODEL, "main", "auto")
PLAN = DownloadPlan(MODEL, "main", "0" * 40, "int8", ())


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

    def fetch(self, plan: DownloadPlan, cancelled: Callable[[], bool]) -> Iterator[DownloadProgress]:
        self.begun += 1
        for done in range(3):
            while not self.go.acquire(timeout=0.01):
                if cancelled():
                    raise JobCancelled("The download was cancelled.", "Start it again.")
            yield DownloadProgress(done, 2, "f", 1.0, 2.0 - done)
        if self.error is not None:
            raise self.error


def until(board: DownloadBoard, right: Callable[[DownloadView], bool]) -> DownloadView:
    end = time.monotonic() + 10
    while True:
        view = board.view(KEY)
        if view is not None and right(view):
            return view
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_a_second_start_joins_and_the_end_is_seen() -> None:
    script = Script()
    board = DownloadBoard(script.plan, script.fetch)
    assert board.view(KEY) is None
    assert board.start(MODEL) == board.start(MODEL, "main", "auto") == KEY
    script.go.release()
    view = until(board, lambda view: view.progress is not None)
    assert (view.state, view.active, view.plan, view.error) == ("running", True, PLAN, None)
    script.go.release(2)
    view = until(board, lambda view: not view.active)
    assert (view.state, view.progress, script.begun) == ("done", DownloadProgress(2, 2, "f", 1.0, 0.0), 1)


def test_a_failure_is_kept_and_a_new_start_begins_again() -> None:
    script = Script(DownloadError("It broke.", "Mend it."))
    board = DownloadBoard(script.plan, script.fetch)
    board.start(MODEL)
    script.go.release(3)
    view = until(board, lambda view: not view.active)
    assert (view.state, str(view.error)) == ("failed", "It broke. Mend it.")
    script.error = None
    board.start(MODEL)
    script.go.release(3)
    assert until(board, lambda view: not view.active).state == "done"
    assert script.begun == 2


def test_an_unexpected_error_tells_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    script = Script(RuntimeError("https://cdn/x?X-Amz-Signature=SIGNED"))
    board = DownloadBoard(script.plan, script.fetch)
    board.start(MODEL)
    script.go.release(3)
    view = until(board, lambda view: not view.active)
    assert str(view.error) == (
        "The download stopped on an unexpected error (RuntimeError). What has arrived is kept; try again."
    )
    assert "SIGNED" not in caplog.text


def test_cancelling() -> None:
    script = Script()
    board = DownloadBoard(script.plan, script.fetch)
    board.cancel(KEY)
    board.start(MODEL)
    script.go.release()
    until(board, lambda view: view.progress is not None)
    board.cancel(KEY)
    view = until(board, lambda view: not view.active)
    assert view.state == "cancelled"
    assert isinstance(view.error, JobCancelled)


def test_cancelling_before_the_hub_answers_does_not_wait_for_it() -> None:
    script = Script(plans=False)
    board = DownloadBoard(script.plan, script.fetch)
    board.start(MODEL)
    board.cancel(KEY)
    view = board.view(KEY)
    assert view is not None
    assert view.state == "cancelled"
    board.start(MODEL)
    script.may_plan.set()
    script.go.release(3)
    assert until(board, lambda view: not view.active).state == "done"
    assert script.begun == 1


def test_a_real_download_cancelled_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_WAIT_S", 0.01)
    with HubServer() as hub:
        use_hub(hub.url, tmp_path / "cache", monkeypatch)
        repository = hub.add(MODEL, make_clip(tmp_path / "model"))
        hub.bytes_per_second = 20_000
        board = DownloadBoard()
        board.start(MODEL)
        vision = len(repository.files["onnx/vision_model.onnx"])
        until(board, lambda view: view.progress is not None and view.progress.file == "onnx/vision_model.onnx")
        time.sleep(0.7)
        board.cancel(KEY)
        assert until(board, lambda view: not view.active).state == "cancelled"
        assert 0 < hub.sent("onnx/vision_model.onnx") < vision  # it was cut, not waited for
        hub.bytes_per_second = 0
        board.start(MODEL)
        view = until(board, lambda view: not view.active)
        assert (view.state, view.error) == ("done", None)
        assert view.progress is not None
        assert view.progress.done_bytes == view.progress.total_bytes
        assert hub.fetched("onnx/vision_model.onnx")[-1].range
        assert hub.fetched("onnx/vision_model.onnx")[-1].sent < vision
        assert find_cached(MODEL) is not None


def test_a_cancel_while_the_hub_answers_ends_it() -> None:
    board = DownloadBoard(lambda *_: (board.cancel(KEY), PLAN)[1], Script().fetch)
    board.start(MODEL)
    assert until(board, lambda view: not view.active).state == "cancelled"


def test_a_cancel_right_after_the_plan_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(DownloadBoard):
        def cancel_now(self, *_: object) -> DownloadPlan:
            job = self._jobs[KEY]
            job.plan = PLAN  # as if it stood there already when the press comes
            self.cancel(KEY)
            return PLAN

    board = Late(fetch=Script().fetch)
    monkeypatch.setattr(board, "_plan", board.cancel_now)
    board.start(MODEL)
    view = until(board, lambda view: not view.active)
    assert (view.state, isinstance(view.error, JobCancelled)) == ("cancelled", True)


def test_more_than_was_agreed_to_is_not_fetched() -> None:
    file = PlannedFile("onnx/vision_model.onnx", 5_000, "0" * 64, cached=False)
    plan, script = replace(PLAN, files=(file,)), Script()
    board = DownloadBoard(lambda *_: plan, script.fetch)
    board.start(MODEL, most_bytes=4_999)
    view = until(board, lambda view: not view.active)
    assert (view.state, view.plan, view.error, script.begun) == ("planned", plan, None, 0)
    board.start(MODEL, most_bytes=5_000)
    script.go.release(3)
    assert until(board, lambda view: not view.active).state == "done"
