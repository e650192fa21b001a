"""Background tasks of this process: one queue per kind of work; every visitor can join, watch and cancel tasks."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import shutil
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

from clip_core.encoders.base import Encoder
from clip_core.encoders.hub import DownloadPlan, download, plan_download
from clip_core.encoders.hub_cache import MAIN
from clip_core.encoders.model_files import AUTO
from clip_core.errors import ClipVideoError, DownloadSizeError, JobCancelled, shown_name
from clip_core.indexing.index_video import index_video
from clip_core.library.identify import file_stamp
from clip_core.media.export_media import ExportRequest, export_media
from clip_core.media.exports_folder import clean_exports
from clip_core.media.proxies import make_proxy
from clip_core.store.store import EmbeddingStore
from clip_core.text import size_text
from clip_core.types import Progress, VideoRecord

TaskState: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
Key = TypeVar("Key", bound=Hashable)
Steps: TypeAlias = Callable[[], Generator[Progress, None, None]]
Work: TypeAlias = Callable[..., Generator[Progress, None, None]]
IndexKey: TypeAlias = tuple[str, str]
DownloadKey: TypeAlias = tuple[str, str, str]

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


@dataclass(eq=False)
class _Task(Generic[Key]):
    key: Key
    steps: Steps | None
    demand: float
    state: TaskState = "waiting"
    progress: Progress | None = None
    error: ClipVideoError | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")

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
    ) -> None:
        self._name, self._after_error, self._after_cancel = name, after_error, after_cancel
        self._at_once, self._newest_first, self._most_ended = at_once, newest_first, most_ended
        self._tasks: dict[Key, _Task[Key]] = {}
        self._running: list[_Task[Key]] = []
        self._changed = threading.Condition()

    def submit(self, key: Key, steps: Steps, viewer: str = "somebody", *, demand: float = 0.0) -> None:
        """Start a task, or join it if the same key is waiting or running.

        Args:
            key: Identifies the task.
            steps: Makes the generator that works and reports. After a cancel it is closed at its next report, unless
                that says "done".
            viewer: Who watches it from now on: an id, such as a session's.
            demand: If higher than that of the task joined, ``steps`` replaces its steps, even while it runs.
        """
        with self._changed:
            task = self._tasks.get(key)
            if task is None or not task.active or task.cancelled:
                self._tasks.pop(key, None)  # the newest is the last
                task = self._tasks[key] = _Task(key, steps, demand)
                for old in [key for key, other in self._tasks.items() if not other.active][: -self._most_ended]:
                    del self._tasks[old]
            elif demand > task.demand:
                task.steps, task.demand = steps, demand
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
            if self._at_once is not None and len(self._running) >= self._at_once:
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
        tasks = [task for task in self._tasks.values() if task.state == "waiting"]
        return tasks[::-1] if self._newest_first else tasks

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
                self._start_waiting()

    def _step_through(self, task: _Task[Key]) -> None:
        while (steps := task.steps) is not None:
            with closing(steps()) as reports:
                for progress in reports:
                    task.progress = progress
                    if task.cancelled and progress.stage != "done":
                        raise self._cancel_error()
                    if task.steps is not steps:
                        break
            with self._changed:
                if task.steps is steps:
                    self._end(task)

    def _end(self, task: _Task[Key], error: ClipVideoError | None = None) -> None:
        with self._changed:
            if task.active:
                stopped: TaskState = "cancelled" if isinstance(error, JobCancelled) else "failed"
                task.state, task.error = "done" if error is None else stopped, error
            task.steps = None  # an ended task must not keep its model or other objects in memory
            self._changed.notify_all()

    def _unexpected(self, error: Exception, what: str) -> ClipVideoError:
        return ClipVideoError(f"{what} stopped on an unexpected error ({type(error).__name__}).", self._after_error)

    def _cancel_error(self) -> JobCancelled:
        return JobCancelled(f"{self._name} was cancelled.", self._after_cancel)


class IndexQueue(TaskQueue[IndexKey]):
    """Runs ``index_video``, or ``index`` in tests, one video at a time, in the order of the requests."""

    def __init__(self, index: Callable[..., Iterator[Progress]] | None = None) -> None:
        after_error = "What was indexed is kept; the server's log says more."
        after_cancel = "What was indexed is kept; press Resume to go on."
        super().__init__("Indexing", after_error, after_cancel, at_once=1, newest_first=False, most_ended=50)
        self._index = index or index_video

    def start(
        self, path: str | os.PathLike[str], encoder: Encoder, store: EmbeddingStore, rate: float | None, viewer: str
    ) -> IndexKey:
        """Index a video, or join the task that does; a higher rate (samples/s; None: every frame) extends that."""
        key = index_key(path, encoder)

        def steps() -> Generator[Progress, None, None]:
            try:
                yield from self._index(key[0], encoder, store, samples_per_second=rate)
            except ClipVideoError:
                raise
            except Exception as error:
                _log.exception("indexing failed unexpectedly")
                raise self._unexpected(error, f"Indexing {shown_name(key[0])}") from error

        self.submit(key, steps, viewer, demand=math.inf if rate is None else rate)
        return key

    def cancel_file(self, path: str | os.PathLike[str]) -> None:
        """Cancel the indexing of a file under all models."""
        real = os.path.realpath(path)
        for key in [key for key in self._tasks.copy() if key[0] == real]:
            self.cancel(key)


def index_key(path: str | os.PathLike[str], encoder: Encoder) -> IndexKey:
    """Return the key of an indexing task: the file's real path and the model's fingerprint."""
    return os.path.realpath(path), encoder.fingerprint


class ProxyQueue(TaskQueue[str]):
    """Runs ``make_proxy``, or ``make`` in tests, one video at a time; the key is the video's id."""

    def __init__(self, make: Work | None = None) -> None:
        super().__init__("The copy to play", "Nothing of it is kept; try again.", at_once=1)
        self._make = make or make_proxy

    def start(
        self,
        path: Path,
        record: VideoRecord,
        destination: Path,
        viewer: str = "somebody",
        stamp: tuple[int, int] | None = None,
    ) -> None:
        """Make a proxy of a video, or join the task that does; ``stamp`` is the file's when it was identified.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        now = file_stamp(path)
        stamp = stamp or now
        self.submit(record.video_id, lambda: self._make(path, destination, table=record.table, stamp=stamp), viewer)


class ExportQueue(TaskQueue[str]):
    """Runs ``export_media``, or ``make`` in tests, one request at a time.

    The ``files`` of the last report are the results, kept for a day.

    Args:
        folder: Holds one folder per result; old ones are deleted now and before each export.
    """

    def __init__(self, folder: Path, make: Work | None = None) -> None:
        super().__init__("The export", "Nothing of it is kept; try again.", at_once=1)
        self._folder, self._make = folder, make or export_media
        clean_exports(folder)

    def start(
        self,
        path: Path,
        record: VideoRecord,
        request: ExportRequest,
        viewer: str = "somebody",
        stamp: tuple[int, int] | None = None,
    ) -> str:
        """Make clips, frames or a ZIP of a video, or join the task that does.

        Args:
            stamp: The file's ``file_stamp`` when it was identified; None: it was just now.

        Raises:
            VideoNotFoundError: There is no such file.
        """
        now, key = file_stamp(path), export_key(record.video_id, request)
        stamp = stamp or now
        result = self._folder / key

        def steps() -> Generator[Progress, None, None]:
            clean_exports(self._folder)
            shutil.rmtree(result, ignore_errors=True)
            done = False
            try:
                with closing(self._make(path, request, result, table=record.table, stamp=stamp)) as reports:
                    for progress in reports:
                        done = progress.stage == "done"
                        yield progress
            finally:
                if not done:
                    shutil.rmtree(result, ignore_errors=True)

        self.submit(key, steps, viewer)
        return key


def export_key(video_id: str, request: ExportRequest) -> str:
    """Return the key of an export, 32 hex digits over video and request: also the name of the result's folder."""
    return hashlib.sha256(f"{video_id} {request.digest}".encode()).hexdigest()[:32]


class DownloadQueue(TaskQueue[DownloadKey]):
    """Runs downloads of models, all at the same time. The first report comes when the hub has named the sizes."""

    def __init__(self, plan: Callable[..., DownloadPlan] = plan_download, fetch: Work = download) -> None:
        after_cancel = "What has arrived is kept; start it again to go on."
        super().__init__("The download", "What has arrived is kept; try again.", after_cancel)
        self._plan, self._fetch = plan, fetch

    def start(
        self, model_id: str, revision: str = MAIN, precision: str = AUTO, most_bytes: int | None = None
    ) -> DownloadKey:
        """Download a model, or join the task that does.

        If more than the agreed ``most_bytes`` (None: any) are missing, nothing is downloaded: ``DownloadSizeError``.
        """
        key = (model_id, revision, precision)

        def steps() -> Generator[Progress, None, None]:
            plan = self._plan(*key)
            missing, total = plan.missing_bytes, plan.total_bytes
            yield Progress(total - missing, total, stage="download")
            if most_bytes is not None and missing > most_bytes:
                what = f"The hub says: {size_text(missing)} ({plan.precision}) in {len(plan.files)} files."
                raise DownloadSizeError(what, "Agree to that size to fetch them.")
            yield from self._fetch(plan)

        self.submit(key, steps)
        return key

    def cancel(self, key: DownloadKey, *, at_once: bool = False) -> None:
        """Stop a download within about a second; what has arrived stays."""
        task = self.view(key)
        # The hub may take long to answer, and until then there is no download to stop.
        super().cancel(key, at_once=at_once or (task is not None and task.progress is None))
