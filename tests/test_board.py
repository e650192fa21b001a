"""The board of background work: joined, queued, watched, cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator

import pytest

import clip_core.board
from clip_core.board import MOST_ENDED, WATCHING_S, Board, TaskView
from clip_core.errors import JobCancelled, VideoError


class Work:
    """Counts to three, each step when the test lets it go; stops when it is cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.go, self.begun, self.closed = error, threading.Semaphore(0), 0, 0

    def steps(self, cancelled: Callable[[], bool]) -> Generator[int, None, None]:
        self.begun += 1
        try:
            for number in (1, 2, 3):
                while not self.go.acquire(timeout=0.005):
                    if cancelled():
                        raise JobCancelled("It was cancelled.", "Start it again.")
                yield number
            if self.error is not None:
                raise self.error
        finally:
            self.closed += 1


def until(board: Board[str, int], key: str, right: Callable[[TaskView[str, int]], bool]) -> TaskView[str, int]:
    end = time.monotonic() + 10
    while True:
        view = board.view(key)
        if view is not None and right(view):
            return view
        assert time.monotonic() < end, view
        time.sleep(0.005)


def test_one_is_joined_watched_and_done() -> None:
    board, work = Board[str, int]("The work", "Try again."), Work()
    assert board.view("a") is None
    assert board.start("a", work.steps)
    assert not board.start("a", work.steps)
    work.go.release(2)
    assert until(board, "a", lambda view: view.report == 2) == TaskView("a", "running", 0, 2, None)
    assert not board.wait("a", 0.02)
    work.go.release()
    assert board.wait("a", 10)
    assert board.view("a") == TaskView("a", "done", 0, 3, None)
    assert (work.begun, work.closed) == (1, 1)


def test_no_more_than_so_many_run_at_once_the_newest_wish_is_next_and_each_knows_its_place() -> None:
    board = Board[str, int]("The work", "Try again.", at_once=1)
    works = {key: Work() for key in "abcd"}
    for key, work in works.items():
        board.start(key, work.steps)
    assert [board.view(key).place for key in "abcd"] == [0, 3, 2, 1]
    board.cancel("c")
    cancelled = board.view("c")
    assert (cancelled.state, str(cancelled.error)) == ("cancelled", "The work was cancelled.")
    works["a"].go.release(3)
    until(board, "d", lambda view: view.state == "running")
    assert (board.view("a").state, board.view("b").place) == ("done", 1)
    board.cancel("d")
    until(board, "d", lambda view: view.state == "cancelled")
    works["b"].go.release(3)
    assert until(board, "b", lambda view: not view.active).state == "done"
    assert [work.begun for work in works.values()] == [1, 1, 0, 1]


def test_one_that_waits_unwatched_is_dropped_when_its_turn_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(clip_core.board.time, "monotonic", lambda: now)
    board = Board[str, int]("The work", "Try again.", at_once=1)
    works = {key: Work() for key in "abc"}
    for key, work in works.items():
        board.start(key, work.steps, "one")
    now = WATCHING_S - 0.1
    assert board.view("b", "two").others == 1
    now = WATCHING_S + 0.1
    assert board.view("b", "two").others == 0
    now = 2 * WATCHING_S
    works["a"].go.release(3)  # a runs, so it goes on to its end though nobody looks
    works["b"].go.release(3)
    assert board.wait("b", 10)
    assert board.view("c") is None
    assert [work.begun for work in works.values()] == [1, 1, 0]
    assert board.view("a").state == "done"


def test_who_else_watches() -> None:
    board, work = Board[str, int]("The work", "Try again."), Work()
    board.start("a", work.steps, "one")
    assert board.view("a", "one").others == 0
    board.start("a", work.steps, "two")
    assert board.view("a", "one").others == 1
    assert board.view("a", "three").others == 2
    work.go.release(3)
    assert board.wait("a", 10)


def test_a_cancelled_one_says_so_and_may_begin_again() -> None:
    board, work = Board[str, int]("The work", "Try again."), Work()
    board.start("a", work.steps)
    board.cancel("a")
    view = until(board, "a", lambda view: not view.active)
    assert (view.state, str(view.error), work.closed) == ("cancelled", "It was cancelled. Start it again.", 1)
    board.start("a", work.steps)
    work.go.release(3)
    assert until(board, "a", lambda view: not view.active).state == "done"
    board.cancel("a")
    board.cancel("unknown")
    assert board.view("a").state == "done"


def test_at_once_does_not_wait_for_the_thread() -> None:
    board, work, following = Board[str, int]("The work", "Try again.", at_once=1), Work(), Work()
    deaf = threading.Event()
    board.start("a", lambda cancelled: (deaf.wait(10), work.steps(lambda: False))[1])
    board.start("b", following.steps)
    board.cancel("a", at_once=True)
    assert (board.view("a").state, work.begun) == ("cancelled", 0)
    work.go.release(3)
    following.go.release(3)
    deaf.set()
    until(board, "b", lambda view: view.state == "done")  # it begins when the thread of "a" has come to its end
    assert (board.view("a").state, board.view("a").report, work.closed) == ("cancelled", 3, 1)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (VideoError("It broke.", "Mend it."), "It broke. Mend it."),
        (RuntimeError("secret"), "The work stopped on an unexpected error (RuntimeError). Try again."),
    ],
)
def test_failures_are_told_and_let_the_next_run(error: Exception, text: str, caplog: pytest.LogCaptureFixture) -> None:
    board, work, following = Board[str, int]("The work", "Try again.", at_once=1), Work(error), Work()
    board.start("a", work.steps)
    board.start("b", following.steps)
    work.go.release(3)
    following.go.release(3)
    view = until(board, "a", lambda view: not view.active)
    assert (view.state, str(view.error)) == ("failed", text)
    assert until(board, "b", lambda view: not view.active).state == "done"
    assert "secret" not in caplog.text


def test_ended_ones_are_forgotten_in_the_end() -> None:
    board, work = Board[str, int]("The work", "Try again."), Work()
    work.go.release(3 * (MOST_ENDED + 5))
    for number in range(MOST_ENDED + 5):
        board.start(str(number), work.steps)
        assert board.wait(str(number), 10)
    kept = [number for number in range(MOST_ENDED + 5) if board.view(str(number)) is not None]
    assert kept == list(range(4, MOST_ENDED + 5))  # the last is counted when the next one comes
