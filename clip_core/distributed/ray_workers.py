"""Workers that are actors of a Ray cluster: Ray places them, restarts them, and carries jobs and reports."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Self

import numpy as np

from clip_core.distributed.jobs import Died, Failed, Finished, Job, Rows, WorkerReport
from clip_core.distributed.ray_actor import DoesJobs, JobActor, code_version
from clip_core.distributed.ray_cluster import answers, joined_cluster, share_of, what_there_is
from clip_core.distributed.workers import MOST_IN_FLIGHT, WorkerSetup
from clip_core.errors import WorkersError
from clip_core.text import printable, shorten

PLACE_S = 60.0
"""How long it may take until the first actor is placed; a cluster that grows on demand needs some of it."""
LOAD_S = 900.0
"""How long a worker may load its model when there is no other."""
GROW_S = 10.0
ASK_S, GONE_S = 2.0, 30.0
"""How often the cluster's head is asked, and how long it may not answer: after a minute Ray ends this process."""
MOST_STARTS = 3
WAITING_REPORTS = 32
"""Reports of a job that wait in the object store until the driver takes them; then its worker pauses."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Actor:
    """An actor with what was asked of it and is not answered yet.

    Attributes:
        about, begun: The answers that are awaited after a start, one after the other.
        is_ready: Whether it has loaded the model.
        streams: The number and the stream of reports of each job in hand, in order.
        starts: How often it was started in a row without getting ready.
    """

    name: str
    handle: Any
    about: Any = None
    begun: Any = None
    is_ready: bool = False
    machine: str = ""
    streams: deque[tuple[int, Any]] = field(default_factory=deque)
    starts: int = 0

    @property
    def awaited(self) -> Any:  # noqa: ANN401 - Ray's references
        """What is answered next; None: nothing."""
        return self.about or self.begun or (self.streams[0][1] if self.streams else None)


class RayWorkers:
    """See ``Workers``. An actor reserves one CPU, or on a cluster with GPUs one GPU and its part of the CPUs.

    Args:
        make_worker: Makes a worker in the actor, such as its class; WorkersError if it cannot load the model.
        setup: What each worker needs.
        address: See ``joined_cluster``.
        most: How many workers; Ray starts those for which there is no room yet when there is. None: as many as there
            is room for, also on machines that join later.
    """

    def __init__(
        self,
        make_worker: Callable[[WorkerSetup], DoesJobs],
        setup: WorkerSetup,
        address: str,
        most: int | None = None,
    ) -> None:
        self._begin_with, self._address, self._most = (make_worker, setup), address, most
        self._exit = ExitStack()
        self._actors: dict[str, _Actor] = {}
        self._made = 0
        self._last_error = WorkersError("No worker is left.", "Run the same command to go on.")

    @property
    def names(self) -> Sequence[str]:
        """See ``Workers``; only those that have loaded the model."""
        return [actor.name for actor in self._actors.values() if actor.is_ready]

    def __enter__(self) -> Self:
        """Start the actors and wait until one of them is ready.

        Raises:
            WorkersError: No worker can be started; see also ``joined_cluster``.
        """
        with self._exit:
            self._ray: ModuleType = self._exit.enter_context(joined_cluster(self._address, self._most))
            self._exit.callback(self._kill_all)
            self._share = share_of(self._ray)
            options = {"num_cpus": self._share.cpus, "num_gpus": self._share.gpus, "max_restarts": -1}
            self._kind = self._ray.remote(**options)(JobActor)
            self._head: str = self._ray.get_runtime_context().gcs_address
            self._alone_since = self._grown = self._asked = self._answered = time.monotonic()
            for _ in range(self._most or max(1, self._share.fits(self._ray.available_resources()))):
                self._add()
            while not self.names:
                self._collect(1.0)
                self._check()
            self._exit = self._exit.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def submit(self, worker: str, job: Job) -> None:
        """See ``Workers``."""
        actor = self._actors.get(worker)
        if actor is None or not actor.is_ready or len(actor.streams) >= MOST_IN_FLIGHT:
            raise ValueError(f"{worker} takes no job now.")
        options = {"num_returns": "streaming", "_generator_backpressure_num_objects": WAITING_REPORTS}
        actor.streams.append((job.number, actor.handle.reports.options(**options).remote(job)))

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        """See ``Workers``."""
        until = time.monotonic() + wait_s
        while True:
            found = self._collect(min(1.0, max(0.0, until - time.monotonic())))
            self._check()
            self._grow()
            if found or time.monotonic() >= until:
                return found

    def _collect(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        """Take the next answer of each actor that has one; wait for the first of them."""
        waiting = {actor.awaited: actor for actor in self._actors.values() if actor.awaited is not None}
        if not waiting:
            time.sleep(wait_s)
            return []
        self._ray.wait(list(waiting), num_returns=1, timeout=wait_s)
        answered, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        found = []
        for answer in answered:
            actor = waiting[answer]
            try:
                report = self._take(actor)
            except self._ray.exceptions.RayActorError as error:
                report = self._restart(actor, error)
            if report is not None:
                found.append((actor.name, report))
        return found

    def _take(self, actor: _Actor) -> WorkerReport | None:
        """Take an actor's answer; return the report if it is one.

        Raises:
            RayActorError: The actor has died.
        """
        if actor.is_ready:
            return self._next_report(actor)
        try:
            if actor.about is not None:
                about, actor.about = self._ray.get(actor.about), None
                actor.machine = about["machine"]
                self._check_version(about["code"], actor.machine)
                actor.begun = actor.handle.begin.remote(*self._begin_with)
            elif (error := self._ray.get(actor.begun)) is not None:
                raise error
            else:
                actor.begun, actor.is_ready, actor.starts = None, True, 0
        except WorkersError as error:
            self._drop(actor, error)
        except self._ray.exceptions.RayTaskError as error:
            what = f"A worker on {actor.machine} cannot load the model ({_line(error.cause)})."
            self._drop(actor, WorkersError(what, "Is it on all machines, under the same path?"))
        return None

    def _next_report(self, actor: _Actor) -> WorkerReport:
        """Take the next report of the job in hand; with its last one the worker may get another."""
        number, stream = actor.streams[0]
        try:
            report: WorkerReport = self._ray.get(next(stream))
        except self._ray.exceptions.RayTaskError as error:
            report = Failed(number, f"It failed unexpectedly ({_line(error.cause)}).")
        if isinstance(report, Finished | Failed):
            actor.streams.popleft()
        return _own(report) if isinstance(report, Rows) else report

    def _add(self) -> None:
        self._made += 1
        actor = _Actor(f"ray {self._made}", self._kind.remote())
        self._actors[actor.name] = actor
        self._begin(actor)

    def _begin(self, actor: _Actor) -> None:
        """Ask an actor about itself; Ray repeats the question until the actor is placed and lives."""
        actor.starts += 1
        actor.begun, actor.is_ready = None, False
        actor.about = actor.handle.about.options(max_task_retries=-1).remote()

    def _restart(self, actor: _Actor, error: Exception) -> Died | None:
        """Have a dead actor begin again, unless it dies each time. Return the report if the driver knew it."""
        was_ready = actor.is_ready
        actor.streams.clear()
        reason = _death(error)
        if isinstance(error, self._ray.exceptions.ActorDiedError):
            if getattr(error, "actor_init_failed", False) or "No module named" in str(error):
                what = f"A machine of the cluster cannot run this project ({reason})."
                self._drop(actor, WorkersError(what, "Install the same version on all machines, such as one image."))
                return None
            actor.handle = self._kind.remote()
        if actor.starts >= MOST_STARTS:
            what = f"A worker ended {MOST_STARTS} times before it had loaded the model ({reason})."
            self._drop(actor, WorkersError(what, "Is there enough memory for it?"))
        else:
            self._begin(actor)
        return Died(actor.name, reason) if was_ready else None

    def _drop(self, actor: _Actor, error: WorkersError) -> None:
        _log.warning("%s: %s", actor.name, error.line)
        self._last_error = error
        self._ray.kill(actor.handle)
        del self._actors[actor.name]

    def _check_version(self, version: str, machine: str) -> None:
        if version != code_version():
            what = f"{machine} has another version of this project (its code is {version}, here {code_version()})."
            raise WorkersError(what, "Install the same on all machines, such as one image.")

    def _check(self) -> None:
        """Raise WorkersError if there is no worker, and none will come."""
        now = time.monotonic()
        self._check_head(now)
        if self.names:
            self._alone_since = now
        if not self._actors:
            raise self._last_error
        is_placed = any(actor.about is None for actor in self._actors.values())
        if now - self._alone_since > (LOAD_S if is_placed else PLACE_S):
            there = what_there_is(self._ray)
            if is_placed:
                what = f"No worker has loaded the model within {LOAD_S / 60:.0f} minutes."
                raise WorkersError(what, "Is the disk that it lies on slow?")
            what = f"No worker is free: the cluster has {there}, and each worker needs {self._share}."
            raise WorkersError(what, "Wait until it is less busy, or add machines.")

    def _check_head(self, now: float) -> None:
        if now - self._asked < ASK_S:
            return
        self._asked = now
        if answers(self._head):
            self._answered = now
        elif now - self._answered > GONE_S:
            what = f"The Ray cluster at {self._head} has not answered for {GONE_S:.0f} s."
            raise WorkersError(what, "What is indexed is kept; run the same command to go on.")

    def _grow(self) -> None:
        """Use machines that have joined, if the number of workers is not given."""
        if self._most is not None or time.monotonic() - self._grown < GROW_S:
            return
        self._grown = time.monotonic()
        if all(actor.about is None for actor in self._actors.values()):
            for _ in range(self._share.fits(self._ray.available_resources())):
                self._add()

    def _kill_all(self) -> None:
        for actor in self._actors.values():
            self._ray.kill(actor.handle)
        self._actors.clear()


def _own(rows: Rows) -> Rows:
    """Copy the arrays: those of Ray lie in the object store, which they would keep full until they are committed."""
    kept = rows.embeddings
    copied = replace(kept, pts=np.array(kept.pts), times_s=np.array(kept.times_s), vectors=np.array(kept.vectors))
    return replace(rows, embeddings=copied)


def _death(error: Exception) -> str:
    """Return why an actor ended, in one line, with the machine if Ray says it."""
    said = str(error)
    missing = re.search(r"No module named '[^']+'", said)
    reason = missing[0] if missing else ""
    for known, ours in (("OOM", "out of memory"), ("node", "its machine is gone"), ("SIGKILL", "killed")):
        if not reason and known in said:
            reason = ours
    machine = re.search(r"\bip: (\S+)", said)
    return (reason or "it ended without a word") + (f", on {machine[1]}" if machine else "")


def _line(error: object) -> str:
    return shorten(printable(" ".join(f"{type(error).__name__}: {error}".split())), 90)
