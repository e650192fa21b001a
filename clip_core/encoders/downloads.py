"""One board of downloads for the whole process: each model once, every viewer may watch or cancel."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from clip_core.encoders.hub import DownloadPlan, DownloadProgress, download, plan_download
from clip_core.encoders.hub_cache import MAIN
from clip_core.encoders.precision import AUTO
from clip_core.errors import ClipVideoError, DownloadError, JobCancelled

DownloadKey: TypeAlias = tuple[str, str, str]
State: TypeAlias = Literal["running", "planned", "done", "failed", "cancelled"]
Plan: TypeAlias = Callable[[str, str, str], DownloadPlan]
Download: TypeAlias = Callable[[DownloadPlan, Callable[[], bool]], Iterator[DownloadProgress]]

MOST_ENDED = 20

_log = logging.getLogger(__name__)


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
    state: State = "running"
    plan: DownloadPlan | None = None
    progress: DownloadProgress | None = None
    error: ClipVideoError | None = None
    cancelled: bool = False


class DownloadBoard:
    """Runs downloads, each in a thread of its own. All methods may be called from any thread.

    Args:
        plan, fetch: What runs; for tests.
    """

    def __init__(self, plan: Plan = plan_download, fetch: Download = download) -> None:
        self._plan, self._fetch = plan, fetch
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
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.state != "running" or job.cancelled:
                self._jobs.pop(key, None)
                job = self._jobs[key] = _Job(key, most_bytes)
                self._drop_old()
                threading.Thread(target=self._run, args=(job,), name="download board", daemon=True).start()
        return key

    def view(self, key: DownloadKey) -> DownloadView | None:
        """How a download stands, None if there is none."""
        with self._lock:
            job = self._jobs.get(key)
            return None if job is None else DownloadView(key, job.state, job.plan, job.progress, job.error)

    def cancel(self, key: DownloadKey) -> None:
        """Stop a download within about a second; what has arrived stays. Unknown or ended: nothing happens."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and job.state == "running":
                job.cancelled = True
                if job.plan is None:  # the hub may take long to answer, and nothing is to be stopped yet
                    job.state, job.error = "cancelled", JobCancelled("The download was cancelled.")

    def _run(self, job: _Job) -> None:
        try:
            plan = self._plan(*job.key)
            with self._lock:
                job.plan = plan
            if job.cancelled:
                self._end(job, "cancelled", JobCancelled("The download was cancelled."))
                return
            if job.most_bytes is not None and plan.missing_bytes > job.most_bytes:
                self._end(job, "planned", None)
                return
            for progress in self._fetch(plan, lambda: job.cancelled):
                job.progress = progress
            self._end(job, "done", None)
        except JobCancelled as error:
            self._end(job, "cancelled", error)
        except ClipVideoError as error:
            self._end(job, "failed", error)
        except Exception as error:  # noqa: BLE001 - a worker thread has nobody above it: the page shows it
            _log.error("a download failed unexpectedly: %s", type(error).__name__)  # no more: texts hold addresses
            what = f"The download stopped on an unexpected error ({type(error).__name__})."
            self._end(job, "failed", DownloadError(what, "What has arrived is kept; try again."))

    def _end(self, job: _Job, state: State, error: ClipVideoError | None) -> None:
        with self._lock:
            if job.state == "running":
                job.error, job.state = error, state

    def _drop_old(self) -> None:
        ended = [key for key, job in self._jobs.items() if job.state != "running"]
        for key in ended[:-MOST_ENDED]:
            del self._jobs[key]
