"""Runs: which videos were begun and finished under which model, as an append-only log of events, and their lock."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from clip_core.errors import NotIndexedError
from clip_core.store.errors import asked_again, guarded
from clip_core.store.tables import (
    StorePart,
    Table,
    Tables,
    columns_of,
    digest,
    of_video,
    of_videos_in_parts,
    plain_id,
    stamp,
)
from clip_core.text import unicode_text

RUNS = "runs"
COLUMNS = columns_of(
    "video string, fingerprint string, model_id string, epoch string, rate float64, finished bool, at_ns int64, "
    "frames int64, picture_bytes int64"
)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The state of one video under one model.

    Attributes:
        model_id: The model's name.
        samples_per_second: The rate of the last request; None means every frame.
        finished: Whether that request was completed.
        epoch: Identifies the run; it changes when the video is forgotten and begun again.
        at_ns: When its last event was recorded, nanoseconds since 1970.
        counts: If that event is its end: how many frames were stored then, and the bytes of the video's thumbnails.
            None while it is not finished, and if an earlier version finished it.
    """

    model_id: str
    samples_per_second: float | None
    finished: bool
    epoch: str
    at_ns: int = field(default=0, compare=False)
    counts: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RunState:
    """What an event of a run says: see ``RunRecord``."""

    model_id: str
    samples_per_second: float | None
    finished: bool

    @classmethod
    def of(cls, run: RunRecord) -> RunState:
        """Return the state of a run."""
        return cls(run.model_id, run.samples_per_second, run.finished)


def never_begun() -> NotIndexedError:
    """Return the error for a video that was never embedded under a model."""
    return NotIndexedError("This video was never indexed with this model.", "Index it first.")


class RunRows(StorePart):
    """The store's log of runs."""

    def begin(self, video_id: str, fingerprint: str, model_id: str, samples_per_second: float | None) -> None:
        """Record that a run begins; it is unfinished from now on. A rate of None means every frame."""
        self.begin_runs(fingerprint, model_id, {video_id: samples_per_second})

    def begin_runs(self, fingerprint: str, model_id: str, rates: Mapping[str, float | None]) -> None:
        """Record in one commit that the runs of some videos begin, video id → samples per second; see ``begin``."""
        states = {video_id: (RunState(model_id, rate, finished=False), None) for video_id, rate in rates.items()}
        self._note_states(fingerprint, states, self.runs_under(fingerprint, [*rates]))

    @asked_again
    def _note_states(
        self,
        fingerprint: str,
        states: Mapping[str, tuple[RunState, tuple[int, int] | None]],
        known: Mapping[str, RunRecord],
    ) -> None:
        """Append an event for each of some videos, in one commit: video id → its state and its counts, if finished.

        ``known`` are their runs as they were a moment ago.
        """
        if not states:
            return
        rows = []
        for video_id, (state, counts) in states.items():
            run = known.get(video_id)
            row = {
                "video": plain_id(video_id),
                "fingerprint": plain_id(fingerprint),
                "model_id": unicode_text(state.model_id),
                "epoch": uuid.uuid4().hex if run is None else run.epoch,
                "rate": None if state.samples_per_second is None else float(state.samples_per_second),
                "finished": state.finished,
                "at_ns": stamp(run.at_ns if run else 0),
                "frames": counts and counts[0],
                "picture_bytes": counts and counts[1],
            }
            rows.append(row)
        with self._tables.writing(RUNS, COLUMNS) as table:
            table.add_rows(*rows)

    def run(self, video_id: str, fingerprint: str, *, at_once: bool = False) -> RunRecord | None:
        """Return the state of a video under a model, or None if it was never begun.

        Args:
            video_id, fingerprint: The video and the model.
            at_once: Whether what another process did within the last ``fresh_s`` must be known.
        """
        return runs_of_all(self._tables, at_once=at_once).get(plain_id(video_id), {}).get(plain_id(fingerprint))

    def runs_under(self, fingerprint: str, videos: Collection[str] | None = None) -> dict[str, RunRecord]:
        """Return video id → state, for all videos that were begun under a model, or for those of some videos.

        Of some, the latest events are read, and only theirs.
        """
        runs = runs_of_all(self._tables) if videos is None else self._runs_of(videos)
        return {video_id: models[fingerprint] for video_id, models in runs.items() if fingerprint in models}

    @asked_again
    def _runs_of(self, videos: Collection[str]) -> Mapping[str, Mapping[str, RunRecord]]:
        with self._tables.reading(RUNS) as table:
            parts = [] if table is None else [_sorted(table, where) for where in of_videos_in_parts([*videos])]
        return _states(row for part in parts for row in part)

    def indexing(self, video_id: str, fingerprint: str) -> IndexingLock:
        """Return an advisory lock for one (video, model): ``with store.indexing(…) as lock: if lock.held: …``."""
        return IndexingLock(self._tables, video_id, fingerprint)


@asked_again
def epoch(tables: Tables, video_id: str, fingerprint: str, known: tuple[str, str] | None) -> tuple[str, str]:
    """Return the state of the log and the epoch of a run; the log is not scanned if ``known`` has the same state.

    Raises:
        NotIndexedError: The run was never begun, or was forgotten.
    """
    if known is not None and known[0] == tables.recent.get(RUNS):
        return known
    with tables.reading(RUNS) as table:
        if table is not None:
            state = table.state
            if known is not None and known[0] == state:
                return known
            run = _state(_events(table, video_id, fingerprint))
            if run is not None:
                return state, run.epoch
    raise never_begun()


def runs_of_all(tables: Tables, *, at_once: bool = False) -> Mapping[str, Mapping[str, RunRecord]]:
    """Return video id → fingerprint → run, for all stored videos."""

    def states(table: Table | None) -> Mapping[str, Mapping[str, RunRecord]]:
        return {} if table is None else _states(_sorted(table))

    return tables.answered(RUNS, "all", states, at_once=at_once)


def _events(table: Table, video_id: str, fingerprint: str) -> list[dict[str, Any]]:
    return _sorted(table, f"{of_video(video_id)} AND fingerprint = '{plain_id(fingerprint)}'")


def _sorted(table: Table, where: str | None = None) -> list[dict[str, Any]]:
    there = set(table.schema.names)  # tables of earlier versions lack the last columns
    rows: list[dict[str, Any]] = table.rows([name for name in COLUMNS if name in there], where).to_pylist()
    # The epoch breaks ties, so that all readers agree when two processes begin at the same time.
    return sorted(rows, key=lambda row: (row["at_ns"], row["epoch"]))


def _states(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, RunRecord]]:
    """Return video id → fingerprint → run, from their events in the order of time."""
    events: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for row in rows:
        events.setdefault(row["video"], {}).setdefault(row["fingerprint"], []).append(row)
    return {v: {f: s for f, past in models.items() if (s := _state(past))} for v, models in events.items()}


def _state(past: list[dict[str, Any]]) -> RunRecord | None:
    if not past:
        return None
    last = past[-1]
    counts = last.get("frames"), last.get("picture_bytes")
    noted = None if counts[0] is None or counts[1] is None or not last["finished"] else (counts[0], counts[1])
    return RunRecord(last["model_id"], last["rate"], last["finished"], past[0]["epoch"], last["at_ns"], noted)


class IndexingLock:
    """One process indexes a video, the others wait and read: a lock that is tried once, at entry, and never waits.

    It only saves duplicate work; the stored data are correct without it. The operating system releases
    it when the process ends, even after a crash. There is none on an object store, where it is always held: two
    processes may do the same work there, and the stored rows are right all the same.

    Attributes:
        held: Whether this process holds the lock.
    """

    def __init__(self, tables: Tables, video_id: str, fingerprint: str) -> None:
        self.held = False
        self._tables, self._file_name = tables, f"{digest(f'{video_id} {fingerprint}')}.lock"
        self._lock: FileLock | None = None

    def __enter__(self) -> IndexingLock:
        """Try to acquire the lock.

        Raises:
            StoreError: The folder for locks cannot be written.
        """
        self._tables.check_writable()
        if self._tables.is_folder:
            folder = Path(self._tables.location, "locks")
            with guarded(self._tables.location):
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = FileLock(folder / self._file_name)
                try:
                    self._lock.acquire(blocking=False)
                except Timeout:
                    return self
        self.held = True
        return self

    def __exit__(self, *_: object) -> None:
        """Release the lock if it is held."""
        if self._lock is not None and self.held:
            self._lock.release()
        self.held = False
