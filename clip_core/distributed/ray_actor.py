"""What runs in an actor of a Ray cluster: it names its versions, loads the model, and does jobs."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

from clip_core.distributed.jobs import Job, WorkerReport
from clip_core.distributed.workers import WorkerSetup
from clip_core.errors import WorkersError


@cache
def code_version() -> str:
    """Return 8 hex digits of a digest of the project's code: two checkouts of one version may differ."""
    folder, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


class DoesJobs(Protocol):
    """A worker in its own process; its model is loaded."""

    def reports(self, job: Job) -> Iterator[WorkerReport]:
        """Do a job; the last report is ``Finished`` or ``Failed``."""
        ...


class JobActor:
    """A worker on some machine of a cluster. After Ray has restarted it, ``begin`` must be called again."""

    def __init__(self) -> None:
        self._worker: DoesJobs | None = None

    def about(self) -> dict[str, str]:
        """Return the machine and the version of its code: plain values, since another version has other types."""
        return {"machine": platform.node(), "code": code_version()}

    def begin(self, make_worker: Callable[[WorkerSetup], DoesJobs], setup: WorkerSetup) -> WorkersError | None:
        """Load the model; return why that is not possible."""
        try:
            self._worker = make_worker(setup)
        except WorkersError as error:
            return error
        return None

    def reports(self, job: Job) -> Iterator[WorkerReport]:
        """Do a job: see ``DoesJobs``."""
        if self._worker is None:
            raise RuntimeError("the model is not loaded")
        yield from self._worker.reports(job)
