"""The queue of indexing: one runs, the others wait; viewers join, extend and cancel."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.errors import EncoderError
from clip_core.task_queue import TaskView
from clip_core.tasks import IndexKey, IndexQueue, index_key
from clip_core.types import Progress
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


class Script:
    """Stands in for index_video: each step waits until the test lets it go."""

    def __init__(self, steps: int = 3, error: Exception | None = None) -> None:
        self.steps, self.error = steps, error
        self.started: list[tuple[str, float | None]] = []
        self.closed = 0
        self.go = threading.Semaphore(0)

    def __call__(
        self, path: str, encoder: object, store: object, *, samples_per_second: float | None
    ) -> Iterator[Progress]:
        self.started.append((Path(path).name, samples_per_second))
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


def seen(queue: IndexQueue, name: str, encoder: FakeEncoder, who: str = "me") -> TaskView[IndexKey]:
    view = queue.view(index_key(name, encoder), who)
    assert view is not None
    return view


def test_one_runs_and_the_others_show_their_place(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    queue = IndexQueue(script)
    for name in ("a", "b", "c"):
        queue.start(name, encoder, store, 1.0, "me")
    until(lambda: seen(queue, "a", encoder).state == "running")
    assert [(seen(queue, n, encoder).state, seen(queue, n, encoder).place) for n in "bc"] == [
        ("waiting", 1),
        ("waiting", 2),
    ]
    script.go.release(9)
    until(lambda: seen(queue, "c", encoder).state == "done")
    assert [name for name, _ in script.started] == ["a", "b", "c"]
    progress = seen(queue, "c", encoder).progress
    assert progress is not None
    assert (progress.done, progress.total) == (3, 3)


def test_a_second_viewer_joins(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    queue = IndexQueue(script)
    queue.start("a", encoder, store, 1.0, "me")
    until(lambda: seen(queue, "a", encoder).state == "running")
    assert seen(queue, "a", encoder).others == 0
    queue.start("a", encoder, store, 1.0, "you")
    assert seen(queue, "a", encoder, "you").others == 1
    script.go.release(3)
    until(lambda: seen(queue, "a", encoder).state == "done")
    assert len(script.started) == 1


def test_a_higher_rate_extends_the_running_job_and_a_lower_one_does_not(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script()
    queue = IndexQueue(script)
    queue.start("a", encoder, store, 2.0, "me")
    until(lambda: seen(queue, "a", encoder).state == "running")
    queue.start("a", encoder, store, 1.0, "you")
    queue.start("a", encoder, store, None, "you")
    script.go.release(4)
    until(lambda: seen(queue, "a", encoder).state == "done")
    assert script.started == [("a", 2.0), ("a", None)]
    assert script.closed == 2


def test_cancel_stops_after_the_batch_in_hand_and_resume_starts_again(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script(steps=100)
    queue = IndexQueue(script)
    key = queue.start("a", encoder, store, 1.0, "me")
    until(lambda: seen(queue, "a", encoder).state == "running")
    queue.cancel(key)
    script.go.release()
    until(lambda: seen(queue, "a", encoder).state == "cancelled")
    assert script.closed == 1
    assert "kept" in str(seen(queue, "a", encoder).error)
    script.go.release(100)
    queue.start("a", encoder, store, 1.0, "me")
    until(lambda: seen(queue, "a", encoder).state == "done")
    assert len(script.started) == 2


def test_a_waiting_job_is_cancelled_at_once(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script()
    queue = IndexQueue(script)
    queue.start("a", encoder, store, 1.0, "me")
    queue.cancel(queue.start("b", encoder, store, 1.0, "me"))
    assert seen(queue, "b", encoder).state == "cancelled"
    script.go.release(3)
    until(lambda: seen(queue, "a", encoder).state == "done")
    assert [name for name, _ in script.started] == ["a"]


def test_a_job_asked_for_again_while_it_is_being_cancelled_runs_again(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    script = Script()
    queue = IndexQueue(script)
    queue.cancel(queue.start("a", encoder, store, 1.0, "me"))
    queue.start("a", encoder, store, 1.0, "me")
    script.go.release(9)
    until(lambda: seen(queue, "a", encoder).state == "done")


def test_an_error_reaches_the_viewer_and_the_next_job_runs(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    script = Script(steps=1, error=EncoderError("The model broke.", "Mend it."))
    queue = IndexQueue(script)
    queue.start("a", encoder, store, 1.0, "me")
    queue.start("b", encoder, store, 1.0, "me")
    script.go.release(2)
    until(lambda: seen(queue, "b", encoder).state == "failed")
    assert str(seen(queue, "a", encoder).error) == "The model broke. Mend it."


def test_an_unexpected_error_is_told_without_its_text(
    encoder: FakeEncoder, store: EmbeddingStore, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(steps=1, error=ZeroDivisionError("secret"))
    queue = IndexQueue(script)
    queue.start("video.mp4", encoder, store, 1.0, "me")
    script.go.release()
    until(lambda: seen(queue, "video.mp4", encoder).state == "failed")
    assert "video.mp4 stopped on an unexpected error (ZeroDivisionError)" in str(
        seen(queue, "video.mp4", encoder).error
    )
    assert "secret" not in str(seen(queue, "video.mp4", encoder).error)
    assert "indexing failed unexpectedly" in caplog.text


def test_cancelling_a_file_stops_all_its_models(store: EmbeddingStore) -> None:
    script = Script()
    queue = IndexQueue(script)
    one, other = FakeEncoder(name="one"), FakeEncoder(name="other")
    queue.start("x", one, store, 1.0, "me")
    queue.start("a", one, store, 1.0, "me")
    queue.start("a", other, store, 1.0, "me")
    queue.cancel_file("a")
    assert [seen(queue, "a", model).state for model in (one, other)] == ["cancelled", "cancelled"]
    script.go.release(3)
    until(lambda: seen(queue, "x", one).state == "done")


def test_nobody_asked_for_it(encoder: FakeEncoder) -> None:
    assert IndexQueue(Script()).view(("nothing", encoder.fingerprint), "me") is None


def test_the_real_thing(encoder: FakeEncoder, store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 60, video_maker.VideoSpec())
    queue = IndexQueue()
    key = queue.start(video.path, encoder, store, None, "me")
    until(lambda: (view := queue.view(key, "me")) is not None and not view.active)
    view = queue.view(key, "me")
    assert view is not None
    assert (view.state, encoder.pictures) == ("done", 60)


def test_a_video_that_is_forgotten_while_it_is_indexed_ends_as_cancelled(store: EmbeddingStore, tmp_path: Path) -> None:
    video = video_maker.planted(tmp_path, "v", 200, video_maker.VideoSpec())
    encoder, queue = FakeEncoder(delay_s=0.02), IndexQueue()
    key = queue.start(video.path, encoder, store, None, "me")
    until(lambda: (view := queue.view(key, "me")) is not None and view.progress is not None)
    queue.cancel_file(video.path)
    (record,) = store.videos()
    store.forget(record.video_id)
    until(lambda: (view := queue.view(key, "me")) is not None and not view.active)
    assert seen(queue, str(video.path), encoder).state == "cancelled"
    assert len(store.stored_pts(record.video_id, encoder.fingerprint)) == 0
    assert store.videos() == []


def test_an_ended_job_keeps_no_model_in_memory(tmp_path: Path) -> None:
    queue = IndexQueue(lambda *_, **__: iter([Progress(1, 1, stage="done")]))
    gone: list[int] = []
    for number in range(3):
        encoder = FakeEncoder(name=str(number))
        weakref.finalize(encoder, gone.append, number)
        key = queue.start(tmp_path / "v.mp4", encoder, EmbeddingStore(tmp_path / "e"), 2.0, "me")
        until(lambda key=key: not queue.view(key, "me").active)
        del encoder
    until(lambda: gc.collect() >= 0 and sorted(gone) == [0, 1, 2])
