"""One board of indexing jobs for the whole process: one runs, the others wait, every viewer may watch."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from clip_core.encoders.base import Encoder
from clip_core.errors import ClipVideoError, JobCancelled, shown_name
from clip_core.pipeline.index_video import index_video
from clip_core.store.store import EmbeddingStore
from clip_core.values import Progress
from clip_core.video.sampling import is_denser

JobKey: TypeAlias = tuple[str, str]
State: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
Index: TypeAlias = Callable[[str, Encoder, EmbeddingStore, float | None], Iterator[Progress]]

WATCHING_S = 30.0
"""Who asked about a job within this time is watching it; a page asks every second."""
MOST_ENDED = 50

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobView:
    """What a page may know of a job: a value, taken at one instant.

    Attributes:
        key: (real path, model fingerprint).
        state: "waiting", "running", "done", "failed" or "cancelled".
        place: 1 for the next in the queue, 0 when not waiting.
        progress: The last report, None before the first.
        error: Why it failed or that it was cancelled, else None.
        others: How many other viewers watch it.
    """

    key: JobKey
    state: State
    place: int
    progress: Progress | None
    error: ClipVideoError | None
    others: int

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")


@dataclass
class _Job:
    key: JobKey
    encoder: Encoder | None
    store: EmbeddingStore
    rate: float | None
    state: State = "waiting"
    progress: Progress | None = None
    error: ClipVideoError | None = None
    cancelled: bool = False
    seen: dict[str, float] = field(default_factory=dict)


def job_key(path: str | os.PathLike[str], encoder: Encoder) -> JobKey:
    """What makes two requests the same job: the file and the model."""
    return os.path.realpath(path), encoder.fingerprint


class JobBoard:
    """Runs ``index_video`` in one background thread. All methods may be called from any thread.

    Args:
        index: What runs; for tests.
    """

    def __init__(self, index: Index | None = None) -> None:
        self._index: Index = index or _index
        self._jobs: dict[JobKey, _Job] = {}
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None

    def submit(
        self, path: str | os.PathLike[str], encoder: Encoder, store: EmbeddingStore, rate: float | None, viewer: str
    ) -> JobKey:
        """Ask for a video to be indexed; who asks for what already waits or runs joins it.

        Args:
            path: The video file.
            encoder, store: As for ``index_video``.
            rate: Samples per second, None for every frame. A higher one extends a running job.
            viewer: Who asks, such as a session's id.
        """
        key = job_key(path, encoder)
        with self._changed:
            job = self._jobs.get(key)
            if job is None or job.state not in ("waiting", "running") or job.cancelled:
                self._jobs.pop(key, None)  # a new job goes to the end of the queue
                job = self._jobs[key] = _Job(key, encoder, store, rate)
                self._drop_old()
            elif is_denser(rate, job.rate):
                job.rate = rate
            job.seen[viewer] = time.monotonic()
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="indexing", daemon=True)
                self._worker.start()
            self._changed.notify_all()
        return key

    def view(self, key: JobKey, viewer: str) -> JobView | None:
        """How a job stands, None if there is none. Asking makes ``viewer`` one of its watchers."""
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                return None
            now = time.monotonic()
            job.seen[viewer] = now
            others = sum(1 for who, at in job.seen.items() if who != viewer and now - at < WATCHING_S)
            queue = [other.key for other in self._jobs.values() if other.state == "waiting"]
            place = queue.index(key) + 1 if job.state == "waiting" else 0
            return JobView(key, job.state, place, job.progress, job.error, others)

    def cancel(self, key: JobKey) -> None:
        """Stop a job after the batch in hand; what was committed stays. Unknown or ended: nothing happens."""
        with self._changed:
            job = self._jobs.get(key)
            if job is not None and job.state in ("waiting", "running"):
                job.cancelled = True
                if job.state == "waiting":
                    _end_cancelled(job)

    def cancel_file(self, path: str | os.PathLike[str]) -> None:
        """Stop the jobs of a file under all models."""
        real = os.path.realpath(path)
        for key in [key for key in self._jobs.copy() if key[0] == real]:
            self.cancel(key)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next() is not None)
                job = self._next()
                assert job is not None  # noqa: S101 - wait_for has just seen it
                job.state = "running"
            self._run(job)

    def _next(self) -> _Job | None:
        return next((job for job in self._jobs.values() if job.state == "waiting"), None)

    def _run(self, job: _Job) -> None:
        """Index, and start again (which goes on where it was) each time the rate was raised meanwhile."""
        encoder, job.encoder = job.encoder, None  # an ended job on the board must not keep a model in memory
        assert encoder is not None  # noqa: S101 - it is run once
        try:
            while True:
                rate = job.rate
                for progress in self._index(job.key[0], encoder, job.store, rate):
                    job.progress = progress
                    if job.cancelled or job.rate != rate:
                        break
                with self._changed:
                    if job.cancelled:
                        _end_cancelled(job)
                        return
                    if job.rate == rate:
                        job.state = "done"
                        return
        except ClipVideoError as error:
            if job.cancelled:  # such as by forgetting the video
                _end_cancelled(job)
            else:
                self._fail(job, error)
        except Exception as error:  # noqa: BLE001 - a worker thread has nobody above it: the page shows it
            _log.exception("indexing failed unexpectedly")
            name = shown_name(Path(job.key[0]))
            what = f"Indexing {name} stopped on an unexpected error ({type(error).__name__})."
            self._fail(job, ClipVideoError(what, "What was indexed is kept; the server's log says more."))

    def _fail(self, job: _Job, error: ClipVideoError) -> None:
        with self._changed:
            job.error, job.state = error, "failed"

    def _drop_old(self) -> None:
        ended = [key for key, job in self._jobs.items() if job.state not in ("waiting", "running")]
        for key in ended[:-MOST_ENDED]:
            del self._jobs[key]


def _index(path: str, encoder: Encoder, store: EmbeddingStore, rate: float | None) -> Iterator[Progress]:
    return index_video(path, encoder, store, samples_per_second=rate)


def _end_cancelled(job: _Job) -> None:
    job.state, job.encoder = "cancelled", None
    job.error = JobCancelled("Indexing was cancelled.", "What was indexed is kept; press Resume to go on.")
