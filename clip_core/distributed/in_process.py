"""Workers that are this process: their jobs are done while the driver waits for reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Self

from clip_core.distributed.jobs import Job, WorkerReport
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import MOST_IN_FLIGHT, WorkerSetup


class InProcessWorkers:
    """See ``Workers``: one worker, in the thread that asks for reports. It cannot die without the driver.

    Raises:
        WorkersError: The model cannot be loaded.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self._worker = JobWorker(setup)
        self._waiting: deque[Job] = deque()
        self._running: Iterator[WorkerReport] | None = None

    @property
    def names(self) -> Sequence[str]:
        """See ``Workers``."""
        return ("worker 1",)

    def submit(self, worker: str, job: Job) -> None:
        """See ``Workers``."""
        if worker not in self.names or len(self._waiting) >= MOST_IN_FLIGHT:
            raise ValueError(f"{worker} takes no job now.")
        self._waiting.append(job)

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:  # noqa: ARG002 - it works meanwhile
        """See ``Workers``; return the next report of the job in hand."""
        while self._running is not None or self._waiting:
            if self._running is None:
                self._running = self._worker.reports(self._waiting.popleft())
            report = next(self._running, None)
            if report is not None:
                return [("worker 1", report)]
            self._running = None
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._running = None
        self._worker.__exit__()
