"""The board of jobs: one runs, the others wait; viewers join, extend and cancel."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.errors import EncoderError
from clip_core.jobs import JobBoard, JobView, job_key
from clip_core.values import Progress
from tests import video_maker
from tests.fakes import FakeEncoder


class Script:
    """Stands in for index_video: each step waits until the test lets it go."""

    def __init__(self, steps: int = 3, error: Exception | None = None) -> None:
        self.steps, self.error = steps, error
        self.started: list[tuple[str, float | None]] = []
        self.closed = 0
        self.go = threading.Semaphore(0)

    def __call__(self, path: str, encoder: object, store: object, rate: float | None) -> Iterator[Progress]:
        self.started.append((Path(path).name, rate))
        try:
            for step in range(self.steps):
                self.go.acquire()
                yield Progress(step + 1, self.steps)
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path)


def seen(board: JobBoard, name: str, encoder: FakeEncoder, who: str = "me") -> JobView:
    view = board.view(job_key(name, encoder), who)
    assert view is not None
    return view


def test_one_runs_and_the_others_show_their_place(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    board = JobBoard(script)
    for name in ("a", "b", "c"):
        board.submit(name, encoder, store, 1.0, "me")
    until(lambda: seen(board, "a", encoder).state == "running")
    assert [(seen(board, n, encoder).state, seen(board, n, encoder).place) for n in "bc"] == [
        ("waiting", 1),
        ("waiting", 2),
    ]
    script.go.release(9)
    until(lambda: seen(board, "c", encoder).state == "done")
    assert [name for name, _ in script.started] == ["a", "b", "c"]
    progress = seen(board, "c", encoder).progress
    assert progress is not None
    assert (progress.done, progress.total) == (3, 3)


def test_a_second_viewer_joins(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    board = JobBoard(script)
    board.submit("a", encoder, store, 1.0, "me")
    until(lambda: seen(board, "a", encoder).state == "running")
    assert seen(board, "a", encoder).others == 0
    board.submit("a", encoder, store, 1.0, "you")
    assert seen(board, "a", encoder, "you").others == 1
    script.go.release(3)
    until(lambda: seen(board, "a", encoder).state == "done")
    assert len(script.started) == 1


def test_a_higher_rate_extends_the_running_job_and_a_lower_one_does_not(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script()
    board = JobBoard(script)
    board.submit("a", encoder, store, 2.0, "me")
    until(lambda: seen(board, "a", encoder).state == "running")
    board.submit("a", encoder, store, 1.0, "you")
    board.submit("a", encoder, store, None, "you")
    script.go.release(4)
    until(lambda: seen(board, "a", encoder).state == "done")
    assert script.started == [("a", 2.0), ("a", None)]
    assert script.closed == 2


def test_cancel_stops_after_the_batch_in_hand_and_resume_starts_again(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script(steps=100)
    board = JobBoard(script)
    key = board.submit("a", encoder, store, 1.0, "me")
    until(lambda: seen(board, "a", encoder).state == "running")
    board.cancel(key)
    script.go.release()
    until(lambda: seen(board, "a", encoder).state == "cancelled")
    assert script.closed == 1
    assert "kept" in str(seen(board, "a", encoder).error)
    script.go.release(100)
    board.submit("a", encoder, store, 1.0, "me")
    until(lambda: seen(board, "a", encoder).state == "done")
    assert len(script.started) == 2


def test_a_waiting_job_is_cancelled_at_once(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    board = JobBoard(script)
    board.submit("a", encoder, store, 1.0, "me")
    board.cancel(board.submit("b", encoder, store, 1.0, "me"))
    assert seen(board, "b", encoder).state == "cancelled"
    script.go.release(3)
    until(lambda: seen(board, "a", encoder).state == "done")
    assert [name for name, _ in script.started] == ["a"]


def test_a_job_asked_for_again_while_it_is_being_cancelled_runs_again(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script()
    board = JobBoard(script)
    board.cancel(board.submit("a", encoder, store, 1.0, "me"))
    board.submit("a", encoder, store, 1.0, "me")
    script.go.release(9)
    until(lambda: seen(board, "a", encoder).state == "done")


def test_an_error_reaches_the_viewer_and_the_next_job_runs(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script(steps=1, error=EncoderError("The model broke.", "Mend it."))
    board = JobBoard(script)
    board.submit("a", encoder, store, 1.0, "me")
    board.submit("b", encoder, store, 1.0, "me")
    script.go.release(2)
    until(lambda: seen(board, "b", encoder).state == "failed")
    assert str(seen(board, "a", encoder).error) == "The model broke. Mend it."


def test_an_unexpected_error_is_told_without_its_text(
    encoder: FakeEncoder, store: EmbeddingStore, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(steps=1, error=ZeroDivisionError("secret"))
    board = JobBoard(script)
    board.submit("video.mp4", encoder, store, 1.0, "me")
    script.go.release()
    until(lambda: seen(board, "video.mp4", encoder).state == "failed")
    assert "video.mp4 stopped on an unexpected error (ZeroDivisionError)" in str(
        seen(board, "video.mp4", encoder).error
    )
    assert "secret" not in str(seen(board, "video.mp4", encoder).error)
    assert "indexing failed unexpectedly" in caplog.text


def test_cancelling_a_file_stops_all_its_models(store: EmbeddingStore) -> None:
    script = Script()
    board = JobBoard(script)
    one, other = FakeEncoder(name="one"), FakeEncoder(name="other")
    board.submit("x", one, store, 1.0, "me")
    board.submit("a", one, store, 1.0, "me")
    board.submit("a", other, store, 1.0, "me")
    board.cancel_file("a")
    assert [seen(board, "a", model).state for model in (one, other)] == ["cancelled", "cancelled"]
    script.go.release(3)
    until(lambda: seen(board, "x", one).state == "done")


def test_nobody_asked_for_it(encoder: FakeEncoder) -> None:
    assert JobBoard(Script()).view(("nothing", encoder.fingerprint), "me") is None


def test_the_real_thing(encoder: FakeEncoder, store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 60, video_maker.Recipe())
    board = JobBoard()
    key = board.submit(video.path, encoder, store, None, "me")
    until(lambda: (view := board.view(key, "me")) is not None and not view.active)
    view = board.view(key, "me")
    assert view is not None
    assert (view.state, encoder.pictures) == ("done", 60)


def test_a_video_that_is_forgotten_while_it_is_indexed_ends_as_cancelled(store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 200, video_maker.Recipe())
    encoder, board = FakeEncoder(delay_s=0.02), JobBoard()
    key = board.submit(video.path, encoder, store, None, "me")
    until(lambda: (view := board.view(key, "me")) is not None and view.progress is not None)
    board.cancel_file(video.path)
    (record,) = store.videos()
    store.forget(record.video_id)
    until(lambda: (view := board.view(key, "me")) is not None and not view.active)
    assert seen(board, str(video.path), encoder).state == "cancelled"
    assert len(store.stored_pts(record.video_id, encoder.fingerprint)) == 0
    assert store.videos() == []


def test_an_ended_job_keeps_no_model_in_memory(tmp_path: Path) -> None:
    board = JobBoard(lambda *_: iter([Progress(1, 1, stage="done")]))
    gone: list[int] = []
    for number in range(3):
        encoder = FakeEncoder(name=str(number))
        weakref.finalize(encoder, gone.append, number)
        key = board.submit(tmp_path / "v.mp4", encoder, EmbeddingStore(tmp_path / "e"), 2.0, "me")
        until(lambda key=key: not board.view(key, "me").active)
        del encoder
    until(lambda: gc.collect() >= 0 and sorted(gone) == [0, 1, 2])
