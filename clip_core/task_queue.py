"""A queue of background tasks of this process: every visitor can join, watch, reorder, pause and cancel them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from clip_core.errors import ClipVideoError, JobCancelled
from clip_core.types import Progress

TaskState: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
Key = TypeVar("Key", bound=Hashable)
Steps: TypeAlias = Callable[[], Generator[Progress, None, None]]

WATCHING_S = 30.0
"""A viewer who has asked about a task within this time is watching it; a page asks every second."""
STOP_PATIENCE_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskView(Generic[Key]):
    """The state of a task at one instant.

    Attributes:
        place: 1 for the next in line, 0 when not waiting.
        progress: The last report, None before the first.
        error: Why it failed or that it was cancelled, else None.
        others: How many other viewers are watching it.
    """

    key: Key
    state: TaskState
    place: int
    progress: Progress | None
    error: ClipVideoError | None
    others: int = 0

    @property
    def active(self) -> bool:
        """Whether it is waiting or running."""
        return self.state in ("waiting", "running")


@dataclass(frozen=True, slots=True)
class QueueTotals:
    """The tasks that were submitted since the queue was last idle.

    Attributes:
        paused: Whether the queue is paused.
        total, ended, failed: How many there are, have ended, and have failed.
        share: The share of the whole work that is done, in [0, 1]; each task counts the same.
    """

    paused: bool
    total: int
    ended: int
    failed: int
    share: float


_MOVED, _ALONE, _FIRST_PASS, _REST = range(4)
"""The ranks of waiting tasks: moved to the front; asked for alone; of a batch in their first pass; their rest."""


@dataclass(eq=False)
class _Task(Generic[Key]):
    key: Key
    steps: Steps | None
    demand: float
    order: int
    first: Steps | None = None
    rank: int = _ALONE
    state: TaskState = "waiting"
    progress: Progress | None = None
    error: ClipVideoError | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def next_steps(self) -> Steps | None:
        return self.first or self.steps

    @property
    def share(self) -> float:
        return 1.0 if not self.active else 0.0 if self.progress is None else self.progress.share

    def others(self, viewer: str = "") -> int:
        """Return how many viewers other than ``viewer`` are watching the task."""
        now = time.monotonic()
        return sum(1 for other, at in self.seen.items() if other != viewer and now - at < WATCHING_S)


class TaskQueue(Generic[Key]):
    """Runs tasks, each in a thread of its own. All methods may be called from any thread.

    Args:
        name: What it does, for messages: "The download".
        after_error: The next step to suggest after an unexpected error.
        after_cancel: The next step to suggest after a cancel.
        at_once: How many tasks may run at the same time; None sets no limit.
        newest_first: Whether the newest waiting task is next, and is dropped when its turn comes if nobody has asked
            about it for ``WATCHING_S``. Otherwise the oldest is next, and none is dropped.
        most_ended: How many ended tasks are remembered.
        resumable: Whether steps that were closed midway go on when they are made again. A running task may then be put
            back in line: by ``pause``, or for one that ranks before it.
    """

    def __init__(
        self,
        name: str,
        after_error: str,
        after_cancel: str = "",
        *,
        at_once: int | None = None,
        newest_first: bool = True,
        most_ended: int = 20,
        resumable: bool = False,
    ) -> None:
        self._name, self._after_error, self._after_cancel = name, after_error, after_cancel
        self._at_once, self._newest_first, self._most_ended = at_once, newest_first, most_ended
        self._resumable, self._paused = resumable, False
        self._orders = itertools.count(1)
        self._since_idle: list[_Task[Key]] = []
        self._tasks: dict[Key, _Task[Key]] = {}
        self._running: list[_Task[Key]] = []
        self._changed = threading.Condition()

    def submit(
        self, key: Key, steps: Steps, viewer: str = "somebody", *, demand: float = 0.0, first: Steps | None = None
    ) -> None:
        """Start a task, or join it if the same key is waiting or running.

        Args:
            key: Identifies the task.
            steps: Makes the generator that works and reports. After a cancel it is closed at its next report, unless
                that says "done".
            viewer: Who watches it from now on: an id, such as a session's.
            demand: If higher than that of the task joined, ``steps`` replaces its steps, even while it runs.
            first: A first pass, for one task of a batch: the passes of a whole batch come before the ``steps`` of any
                of its tasks. Tasks of a batch come after those without a first pass.
        """
        with self._changed:
            task = self._tasks.get(key)
            if task is None or not task.active or task.cancelled:
                self._tasks.pop(key, None)  # the newest is the last
                task = self._tasks[key] = _Task(key, steps, demand, next(self._orders), first)
                task.rank = _ALONE if first is None else _FIRST_PASS
                self._since_idle = [*self._since_idle, task] if any(t.active for t in self._since_idle) else [task]
                for old in [key for key, other in self._tasks.items() if not other.active][: -self._most_ended]:
                    del self._tasks[old]
            else:
                if demand > task.demand:
                    task.steps, task.demand = steps, demand
                if first is None:
                    task.rank = min(task.rank, _ALONE)
            task.seen[viewer] = time.monotonic()
            self._start_waiting()

    def view(self, key: Key, viewer: str = "somebody") -> TaskView[Key] | None:
        """Return the state of a task, or None if there is none; ``viewer`` counts as watching it from now on."""
        with self._changed:
            task = self._tasks.get(key)
            if task is None:
                return None
            task.seen[viewer] = time.monotonic()
            place = self._waiting().index(task) + 1 if task.state == "waiting" else 0
            return TaskView(key, task.state, place, task.progress, task.error, task.others(viewer))

    def views(self) -> list[TaskView[Key]]:
        """Return the state of all tasks: the running ones, those in line, then the ended ones, the last one first.

        Nobody counts as watching because of it.
        """
        with self._changed:
            waiting = self._waiting()
            running = [task for task in self._running if task.state == "running"]
            ended = [task for task in reversed(self._tasks.values()) if not task.active]
            places = {id(task): place for place, task in enumerate(waiting, 1)}
            tasks = [*running, *waiting, *ended]
            return [TaskView(t.key, t.state, places.get(id(t), 0), t.progress, t.error) for t in tasks]

    def totals(self) -> QueueTotals:
        """Return how far the tasks are that were submitted since the queue was last idle."""
        with self._changed:
            tasks = self._since_idle
            ended, failed = sum(not t.active for t in tasks), sum(t.state == "failed" for t in tasks)
            share = sum(t.share for t in tasks) / len(tasks) if tasks else 0.0
            return QueueTotals(self._paused, len(tasks), ended, failed, share)

    @property
    def paused(self) -> bool:
        """Whether no task is started until ``resume``."""
        return self._paused

    def pause(self) -> None:
        """Start no more tasks. If they are resumable, those that run stop at their next report and are next in line."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Undo ``pause``."""
        with self._changed:
            self._paused = False
            self._start_waiting()

    def move_to_front(self, key: Key) -> None:
        """Make a waiting task the next one; do nothing if it does not wait."""
        with self._changed:
            task = self._tasks.get(key)
            if task is not None and task.state == "waiting":
                order = next(self._orders)
                task.rank, task.order = _MOVED, order if self._newest_first else -order
                self._start_waiting()

    def cancel_all(self) -> None:
        """Cancel every task, as ``cancel`` does."""
        with self._changed:
            for task in self._waiting() + self._running:
                self.cancel(task.key)

    def drop_ended(self, key: Key) -> None:
        """Forget an ended task; do nothing if it has not ended."""
        with self._changed:
            if key in self._tasks and not self._tasks[key].active:
                del self._tasks[key]

    def cancel(self, key: Key, *, at_once: bool = False) -> None:
        """Stop a task at its next report; do nothing if it is unknown or has ended.

        Args:
            key: As for ``submit``.
            at_once: Mark it as cancelled now, although its next report may take long.
        """
        with self._changed:
            task = self._tasks.get(key)
            if task is not None and task.active:
                task.cancelled = True
                if at_once or task.state == "waiting":
                    self._end(task, self._cancel_error())

    def wait(self, key: Key, most_s: float) -> bool:
        """Wait up to ``most_s`` seconds until no task with this key waits or runs; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: key not in {t.key for t in self._running + self._waiting()}, most_s)

    def stop(self, key: Key) -> None:
        """Cancel a task and wait, for at most ten seconds, until its thread has ended."""
        self.cancel(key)
        self.wait(key, STOP_PATIENCE_S)

    def _start_waiting(self) -> None:
        for task in self._waiting():
            if self._paused or (self._at_once is not None and len(self._running) >= self._at_once):
                break
            if self._newest_first and task.others() == 0:
                del self._tasks[task.key]
                continue
            task.state = "running"
            self._running.append(task)
            threading.Thread(target=self._run, args=(task,), name=self._name, daemon=True).start()
        self._changed.notify_all()

    def _waiting(self) -> list[_Task[Key]]:
        """Return the waiting tasks, the next one first."""
        sign = -1 if self._newest_first else 1
        tasks = [task for task in self._tasks.values() if task.state == "waiting"]
        return sorted(tasks, key=lambda task: (task.rank, sign * task.order))

    def _run(self, task: _Task[Key]) -> None:
        try:
            self._step_through(task)
        except ClipVideoError as error:
            self._end(task, self._cancel_error() if task.cancelled else error)
        except Exception as error:  # noqa: BLE001 - nothing above a thread catches it; the page shows it
            _log.error("%s failed unexpectedly: %s", self._name, type(error).__name__)  # the text may contain addresses
            self._end(task, self._unexpected(error, self._name))
        finally:
            with self._changed:
                self._running.remove(task)
                if task.cancelled:
                    self._end(task, self._cancel_error())
                elif task.active:  # it was put back in line
                    task.state = "waiting"
                self._start_waiting()

    def _step_through(self, task: _Task[Key]) -> None:
        """Run the steps of a task; it is still active afterwards if it is to wait in line again."""
        while (steps := task.next_steps) is not None:
            with closing(steps()) as reports:
                for progress in reports:
                    task.progress = progress
                    if task.cancelled and progress.stage != "done":
                        raise self._cancel_error()
                    if task.next_steps is not steps:
                        break
                    if progress.stage != "done" and self._gives_way(task):
                        return
            with self._changed:
                if task.first is steps:
                    task.first, task.rank = None, _REST if task.rank == _FIRST_PASS else task.rank
                    return
                if task.steps is steps:
                    self._end(task)

    def _gives_way(self, task: _Task[Key]) -> bool:
        """Return whether a running task is put back in line: the queue is paused, or another one ranks before it."""
        with self._changed:
            others = (other for other in self._tasks.values() if other.state == "waiting")
            is_behind = task.rank > _ALONE and any(other.rank < task.rank for other in others)
            return self._resumable and (self._paused or is_behind)

    def _end(self, task: _Task[Key], error: ClipVideoError | None = None) -> None:
        with self._changed:
            if task.active:
                stopped: TaskState = "cancelled" if isinstance(error, JobCancelled) else "failed"
                task.state, task.error = "done" if error is None else stopped, error
            task.first = task.steps = None  # an ended task must not keep its model or other objects in memory
            self._changed.notify_all()

    def _unexpected(self, error: Exception, what: str) -> ClipVideoError:
        return ClipVideoError(f"{what} stopped on an unexpected error ({type(error).__name__}).", self._after_error)

    def _cancel_error(self) -> JobCancelled:
        return JobCancelled(f"{self._name} was cancelled.", self._after_cancel)
