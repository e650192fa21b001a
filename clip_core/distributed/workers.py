"""What every way to run workers offers to the driver. One contract test runs over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from clip_core.distributed.jobs import Job, WorkerReport
from clip_core.encoders.base import Encoder

MOST_IN_FLIGHT = 2
"""Jobs of a worker: one that it works on and one that waits, so that it is never idle."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker needs once, when it starts.

    Attributes:
        make_encoder: Loads the model; must be picklable, since it is called in the worker's process.
        fingerprint: That of the driver's model. A worker whose model has another one must not take jobs.
        scratch: The folder for videos fetched from object stores; None: a temporary one of the worker.
    """

    make_encoder: Callable[[], Encoder]
    fingerprint: str
    scratch: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the driver needs of the model, which it does not hold itself; see ``Encoder``."""

    id: str
    fingerprint: str
    logit_scale: float


class Workers(Protocol):
    """Some workers that take jobs and report. Used by one thread.

    A worker that dies is replaced under the same name. Its jobs are not repeated here: the driver, which is told by
    ``Died``, gives what is missing to others. Leaving the ``with`` block ends all workers.

    """

    @property
    def names(self) -> Sequence[str]:
        """The names of the workers that take jobs; they may change between calls."""
        ...

    def submit(self, worker: str, job: Job) -> None:
        """Give a job to a worker, which does its jobs in this order; at most ``MOST_IN_FLIGHT`` at a time."""
        ...

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        """Return (worker, report) pairs in the order of each worker; after ``wait_s`` without one, an empty list.

        Raises:
            WorkersError: No worker can be started, such as when the model is not there or the cluster is gone.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...
