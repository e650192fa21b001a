"""One board of background work for the whole process: each piece once, every viewer may watch or cancel."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from clip_core.errors import ClipVideoError, JobCancelled

State: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
Key = TypeVar("Key", bound=Hashable)
Report = TypeVar("Report")
Steps: TypeAlias = Callable[[Callable[[], bool]], Generator[Report, None, None]]

WATCHING_S = 30.0
"""Who asked about a task within this time is watching it; a page asks every second."""
MOST_ENDED = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskView(Generic[Key, Report]):
    """What a page may know of a task: a value, taken at one instant.

    Attributes:
        key: What tells it from others.
        state: "waiting", "running", "done", "failed" or "cancelled".
        place: 1 for the next in the queue, 0 when not waiting.
        report: The last one, None before the first.
        error: Why it failed or that it was cancelled, else None.
        others: How many other viewers watch it.
    """

    key: Key
    state: State
    place: int
    report: Report | None
    error: ClipVideoError | None
    others: int = 0

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


@dataclass
class _Task(Generic[Key, Report]):
    key: Key
    steps: Steps[Report] | None
    state: State = "waiting"
    report: Report | None = None
    error: ClipVideoError | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)

    def others(self, viewer: str = "") -> int:
        """How many watch it besides a viewer."""
        now = time.monotonic()
        return sum(1 for who, at in self.seen.items() if who != viewer and now - at < WATCHING_S)


class Board(Generic[Key, Report]):
    """Runs generators, each in a thread of its own. All methods may be called from any thread.

    Args:
        what: What it does, for messages: "The download".
        keeps: What becomes of the work when it stops on an unexpected error: the next step to tell.
        at_once: How many run at the same time. Of the others the newest is next: somebody has just asked for it. One
            that nobody has looked at for half a minute is dropped when its turn comes. None sets no limit.
    """

    def __init__(self, what: str, keeps: str, at_once: int | None = None) -> None:
        self._what, self._keeps, self._at_once = what, keeps, at_once
        self._tasks: dict[Key, _Task[Key, Report]] = {}
        self._threads = 0
        self._changed = threading.Condition()

    def start(self, key: Key, steps: Steps[Report], viewer: str = "somebody") -> bool:
        """Begin a task; who asks for one that waits or runs joins it.

        Args:
            key: What tells it from others.
            steps: Called in the thread with a function that says whether to stop; what it yields are the
                reports. It looks at that function often, and stops by raising ``JobCancelled``.
            viewer: Who asks, such as a session's id.

        Returns:
            Whether it is a new one.
        """
        with self._changed:
            task = self._tasks.get(key)
            if task is not None and task.state in ("waiting", "running") and not task.cancelled:
                task.seen[viewer] = time.monotonic()
                return False
            self._tasks.pop(key, None)  # the newest is the last
            self._tasks[key] = _Task(key, steps, seen={viewer: time.monotonic()})
            self._drop_old()
            self._fill()
            return True

    def view(self, key: Key, viewer: str = "somebody") -> TaskView[Key, Report] | None:
        """How a task stands, None if there is none. Asking makes ``viewer`` one of its watchers."""
        with self._changed:
            task = self._tasks.get(key)
            if task is None:
                return None
            task.seen[viewer] = time.monotonic()
            place = self._waiting().index(task) + 1 if task.state == "waiting" else 0
            return TaskView(key, task.state, place, task.report, task.error, task.others(viewer))

    def cancel(self, key: Key, *, at_once: bool = False) -> None:
        """Stop a task when it next looks; unknown or ended: nothing happens.

        Args:
            key: Which.
            at_once: Count it as ended from now on, although its thread may not look for long.
        """
        with self._changed:
            task = self._tasks.get(key)
            if task is None or task.state not in ("waiting", "running"):
                return
            task.cancelled = True
            if at_once or task.state == "waiting":
                self._end(task, "cancelled", JobCancelled(f"{self._what} was cancelled."))

    def wait(self, key: Key, timeout_s: float) -> bool:
        """Wait until a task has ended or is unknown; return whether it has."""
        with self._changed:
            return self._changed.wait_for(
                lambda: key not in self._tasks or self._tasks[key].state not in ("waiting", "running"), timeout_s
            )

    def _fill(self) -> None:
        """Give waiting tasks their threads."""
        for task in self._waiting():
            if self._at_once is not None and self._threads >= self._at_once:
                return
            if task.others() == 0:
                del self._tasks[task.key]
                self._changed.notify_all()
                continue
            task.state, self._threads = "running", self._threads + 1
            threading.Thread(target=self._run, args=(task,), name=self._what, daemon=True).start()

    def _waiting(self) -> list[_Task[Key, Report]]:
        """The next first."""
        return [task for task in reversed(self._tasks.values()) if task.state == "waiting"]

    def _run(self, task: _Task[Key, Report]) -> None:
        try:
            self._step_through(task)
        finally:
            with self._changed:
                self._threads -= 1
                self._fill()

    def _step_through(self, task: _Task[Key, Report]) -> None:
        steps, task.steps = task.steps, None  # an ended task on the board must not keep what it worked on
        assert steps is not None  # noqa: S101 - it is run once
        try:
            with closing(steps(lambda: task.cancelled)) as reports:
                for report in reports:
                    task.report = report
            self._end(task, "done", None)
        except JobCancelled as error:
            self._end(task, "cancelled", error)
        except ClipVideoError as error:
            self._end(task, "failed", error)
        except Exception as error:  # noqa: BLE001 - a worker thread has nobody above it: the page shows it
            _log.error("%s failed unexpectedly: %s", self._what, type(error).__name__)  # no more: texts hold addresses
            what = f"{self._what} stopped on an unexpected error ({type(error).__name__})."
            self._end(task, "failed", ClipVideoError(what, self._keeps))

    def _end(self, task: _Task[Key, Report], state: State, error: ClipVideoError | None) -> None:
        with self._changed:
            if task.state in ("waiting", "running"):
                task.error, task.state = error, state
            self._changed.notify_all()

    def _drop_old(self) -> None:
        ended = [key for key, task in self._tasks.items() if task.state not in ("waiting", "running")]
        for key in ended[:-MOST_ENDED]:
            del self._tasks[key]
