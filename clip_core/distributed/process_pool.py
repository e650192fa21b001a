"""Workers that are processes of this machine. One that dies is replaced; all end with the process that started them."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Self, TypeAlias

from clip_core.distributed.jobs import Died, Job, WorkerReport
from clip_core.distributed.worker import JobWorker
from clip_core.distributed.workers import MOST_IN_FLIGHT, WorkerSetup
from clip_core.encoders.model_files import cores
from clip_core.errors import WorkersError

MOST_WAITING = 4
"""So many reports of each worker wait here for the driver. A report has at most 64 frames, with pictures about 1 MB."""
MOST_DEATHS_AT_START = 3
END_S = 5.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SPAWN = multiprocessing.get_context("spawn")
_Message: TypeAlias = "WorkerReport | _Ready | WorkersError"


class _Ready:
    """What a worker says first, when its model is loaded."""


class ProcessPool:
    """See ``Workers``.

    Args:
        setup: Sent to each process.
        count: How many processes, at least 1.
        threads: How many threads each uses for its model; None: the cores of this machine shared out.
    """

    def __init__(self, setup: WorkerSetup, count: int, threads: int | None = None) -> None:
        self._setup, self._threads = setup, threads or max(1, cores() // count)
        self._reports: queue.Queue[tuple[_Process, _Message]] = queue.Queue(MOST_WAITING * count)
        self._processes: dict[str, _Process] = {f"worker {number + 1}": _Process() for number in range(count)}
        self._deaths_at_start = 0
        for name in self._processes:
            self._start(name)

    @property
    def names(self) -> Sequence[str]:
        """See ``Workers``: those that have loaded their model."""
        return [name for name, process in self._processes.items() if process.is_ready]

    @property
    def pids(self) -> dict[str, int]:
        """Name → process id."""
        return {name: process.pid for name, process in self._processes.items()}

    def submit(self, worker: str, job: Job) -> None:
        """See ``Workers``."""
        with suppress(OSError):  # it has just died, and is told so by its last report
            self._processes[worker].jobs.send(job)

    def reports(self, wait_s: float) -> list[tuple[str, WorkerReport]]:
        """See ``Workers``."""
        found: list[tuple[str, WorkerReport]] = []
        with suppress(queue.Empty):
            process, message = self._reports.get(timeout=wait_s)
            while True:
                found += self._taken(process, message)
                process, message = self._reports.get_nowait()
        return found

    def _taken(self, process: _Process, message: _Message) -> list[tuple[str, WorkerReport]]:
        if isinstance(message, WorkersError):
            raise message
        if isinstance(message, _Ready):
            process.is_ready, self._deaths_at_start = True, 0
            return []
        if isinstance(message, Died):
            self._deaths_at_start += not process.is_ready
            if self._deaths_at_start >= MOST_DEATHS_AT_START:
                what = f"Workers end as soon as they start: {message.reason}."
                raise WorkersError(what, "Use fewer workers: each needs memory for the model.")
            self._start(process.name)
        return [(process.name, message)]

    def _start(self, name: str) -> None:
        process = self._processes[name] = _Process(name)
        process.start(self._setup, self._threads, self._reports)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.join()


class _Process:
    """One process, and the thread that reads what it says."""

    def __init__(self, name: str = "") -> None:
        self.name, self.is_ready, self._ends = name, False, False

    def start(self, setup: WorkerSetup, threads: int, reports: queue.Queue[tuple[_Process, _Message]]) -> None:
        self.jobs, other = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_run, args=(other, setup), name=self.name, daemon=True)
        try:
            with _started_quietly(threads):
                self._process.start()
        except OSError as error:
            what = f"No process can be started for {self.name}: {error.strerror}."
            raise WorkersError(what, "Use fewer workers.") from error
        other.close()  # so that the end of the process ends the connection
        self._reader = threading.Thread(target=self._read, args=(reports,), name=f"read {self.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def _read(self, reports: queue.Queue[tuple[_Process, _Message]]) -> None:
        message: _Message = _Ready()
        while not isinstance(message, Died):
            try:
                message = self.jobs.recv()
            except (EOFError, OSError):
                self._process.join()
                message = Died(self.name, _how_it_ended(self._process.exitcode or 0))
            while not self._ends:
                with suppress(queue.Full):
                    reports.put((self, message), timeout=0.5)
                    break

    def kill(self) -> None:
        self._ends = True
        self._process.kill()

    def join(self) -> None:
        self._process.join(END_S)
        self._reader.join(END_S)
        self.jobs.close()


@contextmanager
def _started_quietly(threads: int) -> Iterator[None]:
    """Let a process that is started in the block use so many threads, and not hear Ctrl-C: this process ends it."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    killed = " (by the system if it lacks memory)" if -code == signal.SIGKILL else ""
    return f"killed by signal {-code}{killed}"


def _run(connection: Connection, setup: WorkerSetup) -> None:
    """Work in the child until the parent closes the connection or ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    jobs: queue.Queue[Job] = queue.Queue(MOST_IN_FLIGHT + 1)
    threading.Thread(target=_receive, args=(connection, jobs), daemon=True).start()
    try:
        worker = JobWorker(setup)
    except WorkersError as error:
        connection.send(WorkersError(error.what, error.next_step))
        return
    connection.send(_Ready())
    while True:
        for report in worker.reports(jobs.get()):
            connection.send(report)


def _receive(connection: Connection, jobs: queue.Queue[Job]) -> None:
    """Take jobs at once, so that the driver never waits for the one in hand."""
    with suppress(EOFError, OSError):
        while True:
            jobs.put(connection.recv())
    os._exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
