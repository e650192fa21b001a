"""Which worker has which job, which jobs wait to be given, and how often each was tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clip_core.distributed.jobs import Job, LookJob
from clip_core.types import Ints

MOST_TRIES = 3


@dataclass(eq=False)
class GivenJob:
    """A job of a video.

    Attributes:
        location: The video.
        job: What a worker is to do.
        prefers: The worker that has the video at hand; "" if none has.
        tries: How often it failed, or its worker ended before anything of it arrived.
        refused: The workers that failed at it.
        is_repeated: Whether it was given before.
    """

    location: str
    job: Job
    prefers: str = ""
    tries: int = 0
    refused: set[str] = field(default_factory=set)
    is_repeated: bool = False

    def repeated(self, stored: Ints) -> GivenJob:
        """Return the job without the frames that are stored or have arrived, int64 (n,)."""
        if isinstance(self.job, LookJob):
            self.job = replace(self.job, stored=stored)
        else:
            self.job = replace(self.job, wanted=np.setdiff1d(self.job.wanted, stored))
        self.prefers, self.is_repeated = "", True
        return self


class GivenJobs:
    """The jobs that workers have, and those that wait."""

    def __init__(self) -> None:
        self._waiting: deque[GivenJob] = deque()
        self._of: dict[str, dict[int, GivenJob]] = {}
        self._last = 0

    def number(self) -> int:
        """Return the number for a new job."""
        self._last += 1
        return self._last

    @property
    def in_flight(self) -> int:
        """How many jobs workers have."""
        return sum(map(len, self._of.values()))

    def count(self, worker: str) -> int:
        """Return how many jobs a worker has."""
        return len(self._of.get(worker, ()))

    def doing(self, worker: str) -> str:
        """Return the location of the video that a worker works on; "" if it has no job."""
        return next((given.location for given in self._of.get(worker, {}).values()), "")

    def wait(self, given: GivenJob, *, first: bool = False) -> None:
        """Let a job wait to be given, before all others if it is ``first``."""
        (self._waiting.appendleft if first else self._waiting.append)(given)

    def next_waiting(self, worker: str, workers: Sequence[str], *, only_own: bool = False) -> GivenJob | None:
        """Take the next job for a worker, if possible of the video that it has at hand.

        Args:
            worker: Its name.
            workers: The names of all. A job that one failed at goes to others, unless all of them failed at it.
            only_own: Take only what is tried again, or what prefers this worker.
        """
        fit = [g for g in self._waiting if worker not in g.refused or g.refused.issuperset(workers)]
        at_hand = self.doing(worker)
        own = [g for g in fit if g.prefers == worker or g.location == at_hand or g.is_repeated]
        chosen = next(iter(own), None) or (None if only_own else next((g for g in fit if not g.prefers), None))
        chosen = chosen or (None if only_own else next(iter(fit), None))
        if chosen is not None:
            self._waiting.remove(chosen)
        return chosen

    def give(self, worker: str, given: GivenJob) -> None:
        """Note that a worker has a job."""
        self._of.setdefault(worker, {})[given.job.number] = given

    def of(self, worker: str, number: int) -> GivenJob | None:
        """Return a job that a worker has; None if it was dropped, or another one has it now."""
        return self._of.get(worker, {}).get(number)

    def done(self, worker: str, number: int) -> None:
        """Note that a worker has ended a job."""
        self._of.get(worker, {}).pop(number, None)

    def all_of(self, worker: str) -> tuple[GivenJob | None, list[GivenJob]]:
        """Return all jobs of a worker: the one that it works on, if any, and those that it has not begun."""
        jobs = list(self._of.get(worker, {}).values())
        return (jobs[0] if jobs else None), jobs[1:]

    def clear(self, worker: str) -> None:
        """Note that a worker has no jobs any more."""
        self._of.pop(worker, None)

    def fails(self, given: GivenJob, worker: str) -> bool:
        """Note that a worker failed at a job; return whether another try is left."""
        given.tries += 1
        given.refused.add(worker)
        return given.tries < MOST_TRIES

    def drop(self, location: str) -> None:
        """Drop the waiting jobs of a video; what workers still report of it is not asked for any more."""
        self._waiting = deque(given for given in self._waiting if given.location != location)
