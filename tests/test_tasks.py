"""Queues of background tasks: joined, in line, watched, cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator

import pytest

import clip_core.task_queue
from clip_core.errors import JobCancelled, VideoError
from clip_core.task_queue import WATCHING_S, QueueTotals, TaskQueue, TaskView
from clip_core.types import Progress


class Work:
    """Counts to three, each step when the test lets it go; until then it says again how far it is."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.go, self.begun, self.closed = error, threading.Semaphore(0), 0, 0

    def steps(self) -> Generator[Progress, None, None]:
        self.begun += 1
        try:
            for number in (1, 2, 3):
                while not self.go.acquire(timeout=0.005):
                    yield Progress(number - 1, 3)
                yield Progress(number, 3)
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


def new_queue(at_once: int | None = None) -> TaskQueue[str]:
    return TaskQueue("The work", "Try again.", "Start it again.", at_once=at_once)


def until(queue: TaskQueue[str], key: str, right: Callable[[TaskView[str]], bool]) -> TaskView[str]:
    end = time.monotonic() + 10
    while True:
        view = queue.view(key)
        if view is not None and right(view):
            return view
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_one_is_joined_watched_and_done() -> None:
    queue, work = new_queue(), Work()
    assert queue.view("a") is None
    queue.submit("a", work.steps)
    queue.submit("a", work.steps)
    work.go.release(2)
    view = until(queue, "a", lambda view: view.progress is not None and view.progress.done == 2)
    assert view == TaskView("a", "running", 0, Progress(2, 3), None)
    assert not queue.wait("a", 0.02)
    work.go.release()
    assert queue.wait("a", 10)
    assert queue.view("a") == TaskView("a", "done", 0, Progress(3, 3), None)
    assert (work.begun, work.closed) == (1, 1)


def test_no_more_than_so_many_run_at_once_the_newest_wish_is_next_and_each_knows_its_place() -> None:
    queue = new_queue(at_once=1)
    works = {key: Work() for key in "abcd"}
    for key, work in works.items():
        queue.submit(key, work.steps)
    assert [queue.view(key).place for key in "abcd"] == [0, 3, 2, 1]
    queue.cancel("c")
    cancelled = queue.view("c")
    assert (cancelled.state, str(cancelled.error)) == ("cancelled", "The work was cancelled. Start it again.")
    works["a"].go.release(3)
    until(queue, "d", lambda view: view.state == "running")
    assert (queue.view("a").state, queue.view("b").place) == ("done", 1)
    queue.cancel("d")
    until(queue, "d", lambda view: view.state == "cancelled")
    works["b"].go.release(3)
    assert until(queue, "b", lambda view: not view.active).state == "done"
    assert [work.begun for work in works.values()] == [1, 1, 0, 1]


def test_one_that_waits_unwatched_is_dropped_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clip_core.task_queue.time, "monotonic", lambda: now)
    queue = new_queue(at_once=1)
    works = {key: Work() for key in "abc"}
    for key, work in works.items():
        queue.submit(key, work.steps, "one")
    now = WATCHING_S - 0.1
    assert queue.view("b", "two").others == 1
    now = WATCHING_S + 0.1
    assert queue.view("b", "two").others == 0
    now = 2 * WATCHING_S
    works["a"].go.release(3)  # a runs, so it goes on to its end though nobody looks
    works["b"].go.release(3)
    assert queue.wait("b", 10)
    assert queue.view("c") is None
    assert [work.begun for work in works.values()] == [1, 1, 0]
    assert queue.view("a").state == "done"


def test_who_else_watches() -> None:
    queue, work = new_queue(), Work()
    queue.submit("a", work.steps, "one")
    assert queue.view("a", "one").others == 0
    queue.submit("a", work.steps, "two")
    assert queue.view("a", "one").others == 1
    assert queue.view("a", "three").others == 2
    work.go.release(3)
    assert queue.wait("a", 10)


def test_a_cancelled_one_says_so_and_may_begin_again() -> None:
    queue, work = new_queue(), Work()
    queue.submit("a", work.steps)
    queue.cancel("a")
    view = until(queue, "a", lambda view: not view.active)
    assert (view.state, str(view.error), work.closed) == ("cancelled", "The work was cancelled. Start it again.", 1)
    queue.submit("a", work.steps)
    work.go.release(3)
    assert until(queue, "a", lambda view: not view.active).state == "done"
    queue.cancel("a")
    queue.cancel("unknown")
    assert queue.view("a").state == "done"


def test_at_once_does_not_wait_for_the_thread() -> None:
    queue, work, following = new_queue(at_once=1), Work(), Work()
    deaf = threading.Event()
    queue.submit("a", lambda: (deaf.wait(10), work.steps())[1])
    queue.submit("b", following.steps)
    queue.cancel("a", at_once=True)
    assert (queue.view("a").state, work.begun) == ("cancelled", 0)
    work.go.release(3)
    following.go.release(3)
    deaf.set()
    until(queue, "b", lambda view: view.state == "done")  # it begins when the thread of "a" has come to its end
    assert (queue.view("a").state, work.begun, work.closed) == ("cancelled", 1, 1)
    assert queue.view("a").progress.done < 3  # its first report ended it


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (VideoError("It broke.", "Mend it."), "It broke. Mend it."),
        (RuntimeError("secret"), "The work stopped on an unexpected error (RuntimeError). Try again."),
    ],
)
def test_failures_are_told_and_let_the_next_run(error: Exception, text: str, caplog: pytest.LogCaptureFixture) -> None:
    queue, work, following = new_queue(at_once=1), Work(error), Work()
    queue.submit("a", work.steps)
    queue.submit("b", following.steps)
    work.go.release(3)
    following.go.release(3)
    view = until(queue, "a", lambda view: not view.active)
    assert (view.state, str(view.error)) == ("failed", text)
    assert until(queue, "b", lambda view: not view.active).state == "done"
    assert "secret" not in caplog.text


def test_ended_ones_are_forgotten_in_the_end() -> None:
    queue, work = new_queue(), Work()
    work.go.release(3 * 25)
    for number in range(25):
        queue.submit(str(number), work.steps)
        assert queue.wait(str(number), 10)
    kept = [number for number in range(25) if queue.view(str(number)) is not None]
    assert kept == list(range(4, 25))  # twenty; the last is counted when the next one comes


def test_the_oldest_first_keeps_the_order_and_drops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = TaskQueue[str]("The work", "Try again.", at_once=1, newest_first=False, most_ended=2)
    works = {key: Work() for key in "abcd"}
    for key, work in works.items():
        queue.submit(key, work.steps)
    assert [queue.view(key).place for key in "abcd"] == [0, 1, 2, 3]
    monkeypatch.setattr(clip_core.task_queue, "WATCHING_S", 0.0)  # nobody has looked within that time
    for work in works.values():
        work.go.release(3)
    assert all(queue.wait(key, 10) for key in "abcd")
    assert [queue.view(key).state for key in "abcd"] == ["done"] * 4
    queue.submit("e", works["a"].steps)
    assert [key for key in "abcd" if queue.view(key) is not None] == ["c", "d"]
    queue.stop("e")
    assert queue.view("e").state == "cancelled"


def test_a_cancel_that_comes_with_the_last_report_changes_nothing() -> None:
    queue = new_queue()

    def steps() -> Generator[Progress, None, None]:
        queue.cancel("a")  # the press comes as the work is already whole
        yield Progress(1, 1, stage="done")

    queue.submit("a", steps)
    assert queue.wait("a", 10)
    assert (queue.view("a").state, queue.view("a").error) == ("done", None)


def test_whatever_ends_a_cancelled_one_it_counts_as_cancelled() -> None:
    queue, work = new_queue(), Work(VideoError("It broke.", "Mend it."))

    def steps() -> Generator[Progress, None, None]:
        queue.cancel("a")
        raise VideoError("The file is gone.")
        yield

    queue.submit("a", steps)
    assert queue.wait("a", 10)
    assert isinstance(queue.view("a").error, JobCancelled)
    queue.submit("a", work.steps)
    work.go.release(3)
    assert queue.wait("a", 10)
    assert queue.view("a").state == "failed"


def test_no_thread_is_left() -> None:
    queue, work = new_queue(), Work()
    queue.submit("a", work.steps)
    assert "The work" in {thread.name for thread in threading.enumerate()}
    queue.stop("a")
    end = time.monotonic() + 10
    while "The work" in {thread.name for thread in threading.enumerate()}:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert work.closed == 1


def batch_queue(*names: str, first: bool = True) -> tuple[TaskQueue[str], dict[str, Work], list[str]]:
    """A resumable queue of tasks, each with two passes or one, and the names of the passes as they begin."""
    queue = TaskQueue[str]("The work", "Try again.", at_once=1, newest_first=False, resumable=True)
    begun: list[str] = []
    works = {name + end: Work() for name in names for end in ("1", "2")}

    def steps(name: str) -> Callable[[], Generator[Progress, None, None]]:
        def run() -> Generator[Progress, None, None]:
            begun.append(name)
            yield from works[name].steps()

        return run

    for name in names:
        queue.submit(name, steps(name + "2"), first=steps(name + "1") if first else None)
    return queue, works, begun


def test_all_first_passes_of_a_batch_come_before_the_rest_of_any_and_one_asked_for_alone_before_both() -> None:
    queue, works, begun = batch_queue("a", "b", "c")
    alone = Work()
    works["a1"].go.release(2)
    until(queue, "a", lambda view: view.progress is not None and view.progress.done == 2)
    queue.submit("x", alone.steps)
    until(queue, "x", lambda view: view.state == "running")  # what runs gives way at its next report
    assert [view.key for view in queue.views()] == ["x", "a", "b", "c"]
    for work in (alone, *works.values()):
        work.go.release(6)
    assert all(queue.wait(key, 10) for key in "abcx")
    assert begun == ["a1", "a1", "b1", "c1", "a2", "b2", "c2"]  # a goes on where it was, as steps that resume do
    totals = queue.totals()
    assert (totals.total, totals.ended, totals.failed, totals.share) == (4, 4, 0, 1.0)
    assert {view.key: view.state for view in queue.views()} == dict.fromkeys("abcx", "done")


def test_a_paused_queue_puts_its_task_back_in_line_and_goes_on_after_it() -> None:
    queue, works, begun = batch_queue("a", "b", first=False)
    works["a2"].go.release(1)
    until(queue, "a", lambda view: view.progress is not None and view.progress.done == 1)
    queue.pause()
    view = until(queue, "a", lambda view: view.state == "waiting")
    assert (view.place, view.progress, works["a2"].closed) == (1, Progress(1, 3), 1)
    assert queue.totals() == QueueTotals(True, 2, 0, 0, pytest.approx(1 / 6))
    queue.submit("c", works["b1"].steps)
    assert [(view.key, view.place) for view in queue.views()] == [("a", 1), ("b", 2), ("c", 3)]
    queue.cancel("b")
    queue.resume()
    for work in works.values():
        work.go.release(6)
    assert all(queue.wait(key, 10) for key in "abc")
    assert begun == ["a2", "a2"]
    assert [queue.view(key).state for key in "abc"] == ["done", "cancelled", "done"]


def test_one_that_cannot_be_resumed_runs_to_its_end_while_the_queue_is_paused() -> None:
    queue, work, following = new_queue(at_once=1), Work(), Work()
    queue.submit("a", work.steps)
    queue.pause()
    queue.submit("b", following.steps)
    work.go.release(3)
    assert queue.wait("a", 10)
    assert (queue.view("a").state, queue.view("b").state, work.begun) == ("done", "waiting", 1)
    queue.cancel_all()
    assert (queue.view("a").state, queue.view("b").state, queue.paused) == ("done", "cancelled", True)
    queue.drop_ended("b")
    assert [view.key for view in queue.views()] == ["a"]


def test_moved_to_the_front_it_is_next_and_ends_wholly_first() -> None:
    queue, works, begun = batch_queue("a", "b", "c")
    queue.pause()
    until(queue, "a", lambda view: view.state == "waiting")
    queue.move_to_front("b")
    queue.move_to_front("c")
    queue.move_to_front("unknown")
    assert [(view.key, view.place) for view in queue.views()] == [("c", 1), ("b", 2), ("a", 3)]
    begun.clear()
    queue.resume()
    for work in works.values():
        work.go.release(6)
    assert all(queue.wait(key, 10) for key in "abc")
    assert begun == ["c1", "c2", "b1", "b2", "a1", "a2"]


def test_cancelled_while_it_is_put_back_in_line_it_does_not_run_again() -> None:
    queue, works, begun = batch_queue("a", "b")
    queue.cancel_all()
    assert queue.wait("a", 10)
    assert queue.wait("b", 10)
    for work in works.values():
        work.go.release(6)
    queue.submit("a", works["a2"].steps)
    assert queue.wait("a", 10)
    assert begun == ["a1"]
    assert (queue.totals().total, queue.view("b").state) == (1, "cancelled")
