"""One board of downloads for the whole process: each model once, every viewer may watch or cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clip_core.board import Board
from clip_core.encoders.hub import DownloadPlan, DownloadProgress, download, plan_download
from clip_core.encoders.hub_cache import MAIN
from clip_core.encoders.precision import AUTO
from clip_core.errors import ClipVideoError, JobCancelled

DownloadKey: TypeAlias = tuple[str, str, str]
State: TypeAlias = Literal["running", "planned", "done", "failed", "cancelled"]
Plan: TypeAlias = Callable[[str, str, str], DownloadPlan]
Download: TypeAlias = Callable[[DownloadPlan, Callable[[], bool]], Iterator[DownloadProgress]]


@dataclass(frozen=True, slots=True)
class DownloadView:
    """What a page may know of a download: a value, taken at one instant.

    Attributes:
        key: (model id, revision, precision), as asked for.
        state: "running", "planned" (it is more than was agreed to, and nothing was fetched), "done", "failed" or
            "cancelled".
        plan: What is fetched; None until the hub has answered.
        progress: The last report, None before the first.
        error: Why it failed or that it was cancelled, else None.
    """

    key: DownloadKey
    state: State
    plan: DownloadPlan | None
    progress: DownloadProgress | None
    error: ClipVideoError | None

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self.state == "running"


@dataclass
class _Job:
    key: DownloadKey
    most_bytes: int | None
    plan: DownloadPlan | None = None
    too_much: bool = False


class DownloadBoard:
    """Runs downloads, each in a thread of its own. All methods may be called from any thread.

    Args:
        plan, fetch: What runs; for tests.
    """

    def __init__(self, plan: Plan = plan_download, fetch: Download = download) -> None:
        self._plan, self._fetch = plan, fetch
        self._board = Board[DownloadKey, DownloadProgress]("The download", "What has arrived is kept; try again.")
        self._jobs: dict[DownloadKey, _Job] = {}
        self._lock = threading.Lock()

    def start(
        self, model_id: str, revision: str = MAIN, precision: str = AUTO, most_bytes: int | None = None
    ) -> DownloadKey:
        """Begin a download; who asks for one that runs joins it.

        Args:
            model_id, revision, precision: As for ``plan_download``.
            most_bytes: What was agreed to: if it turns out to be more, nothing is fetched. None agrees to all.
        """
        key = (model_id, revision, precision)
        job = _Job(key, most_bytes)
        with self._lock:
            joined = self._jobs.get(key)
            self._jobs[key] = job
            if not self._board.start(key, lambda cancelled: self._steps(job, cancelled)) and joined is not None:
                self._jobs[key] = joined
            self._jobs = {known: job for known, job in self._jobs.items() if self._board.view(known) is not None}
        return key

    def view(self, key: DownloadKey) -> DownloadView | None:
        """How a download stands, None if there is none."""
        with self._lock:
            job, task = self._jobs.get(key), self._board.view(key)
            if job is None or task is None:
                return None
            state: State = "running" if task.state == "waiting" else task.state  # none waits: there is no limit
            state = "planned" if job.too_much and state == "done" else state
            return DownloadView(key, state, job.plan, task.report, task.error)

    def cancel(self, key: DownloadKey) -> None:
        """Stop a download within about a second; what has arrived stays. Unknown or ended: nothing happens."""
        with self._lock:
            job = self._jobs.get(key)
        # The hub may take long to answer, and until then nothing is to be stopped.
        self._board.cancel(key, at_once=job is not None and job.plan is None)

    def _steps(self, job: _Job, cancelled: Callable[[], bool]) -> Generator[DownloadProgress, None, None]:
        job.plan = plan = self._plan(*job.key)
        if cancelled():
            raise JobCancelled("The download was cancelled.")
        job.too_much = job.most_bytes is not None and plan.missing_bytes > job.most_bytes
        if not job.too_much:
            yield from self._fetch(plan, cancelled)
