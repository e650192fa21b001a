"""One video while it is in work: what is known of it, and which jobs it still needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from clip_core.addresses import is_address
from clip_core.distributed.jobs import ChunkJob, Finished, Looked, VideoSource
from clip_core.distributed.plan import chunk_samples, confirmed_table, plan_chunks
from clip_core.indexing.begin_run import BegunRun
from clip_core.library.buckets import find_object
from clip_core.library.identify import file_stamp, known_video
from clip_core.store.runs import IndexingLock
from clip_core.store.store import EmbeddingStore
from clip_core.types import Ints, TimeTable, VideoRecord
from clip_core.video.sampling import coarse_pts, sample_pts


class VideoInWork:
    """A video of which something is to be done.

    Attributes:
        location, source: The video.
        video_id: Its id; "" until it was looked at.
        is_fetched: Whether workers read a copy of it.
        claim: What its file says, until its run begins.
        table: Its times, from when its chunks are planned: of many videos they take gigabytes.
        open_jobs: How many of its chunks are not done.
        rounds: How often all of its chunks were done.
        seen: What the chunks have seen.
        wanted, stored: How many frames are to be stored, and are stored.
        copies: Locations of files with the same bytes, which need no work of their own.
        is_resumed: Whether an earlier run knew it.
        samples_per_second, warnings: See ``BegunRun``.
    """

    def __init__(self, location: str, source: VideoSource, *, is_resumed: bool = False) -> None:
        self.location, self.source, self.is_resumed = location, source, is_resumed
        self.is_fetched = is_address(location)
        self.video_id = ""
        self.open_jobs = self.rounds = self.wanted = self.stored = 0
        self.seen: list[Finished] = []
        self.copies: list[str] = []
        self.has_parts = self.is_locked = False
        self.samples_per_second: float | None = None
        self.warnings: tuple[str, ...] = ()
        self._lock: IndexingLock | None = None
        self._record: VideoRecord | None = None
        self.claim: VideoRecord | None = None
        self.table: TimeTable | None = None

    def found(self, looked: Looked, rate: float | None) -> None:
        """Take over what a worker found out about it; ``rate`` as for ``planned_jobs``."""
        self.video_id, self.source, self.has_parts = looked.record.video_id, looked.source, looked.has_parts
        self.claim, self.wanted = looked.record, len(_wanted(looked.record.table, rate))

    def begin(self, begun: BegunRun) -> None:
        """Take over how its run began."""
        self.claim, self.is_resumed = None, self.is_resumed or not begun.is_new
        self.samples_per_second, self.warnings = begun.samples_per_second, begun.warnings

    def plan_from(self, record: VideoRecord) -> None:
        """Take over what the store knows of it."""
        self.table, self._record = record.table, record

    def lock(self, lock: IndexingLock) -> None:
        """Let other processes know that this one indexes it, unless one of them does already."""
        self._lock = lock
        self.is_locked = lock.__enter__().held

    def release(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.__exit__()
            self._lock = None

    def finished_record(self) -> VideoRecord:
        """Return its record with the times that were seen."""
        if self._record is None or self.table is None:
            raise ValueError(f"{self.location} was not looked at.")
        unreadable = [part.unreadable_after_s for part in self.seen if part.unreadable_after_s is not None]
        known = self._record.unreadable_after_s if self._record.table.confirmed else None
        return replace(self._record, table=self.table, unreadable_after_s=unreadable[-1] if unreadable else known)


def known_source(location: str, store: EmbeddingStore) -> tuple[VideoSource, VideoRecord | None]:
    """Return a video as it is now, and its record if the store knows it in this state.

    Raises:
        VideoError: There is no such file or object.
    """
    stamp = find_object(location).stamp if is_address(location) else file_stamp(Path(location))
    known = known_video(location, store, stamp)
    return VideoSource(location, stamp), known


def planned_jobs(
    video: VideoInWork, stored: Ints, rate: float | None, number: Callable[[], int], videos: int, workers: int
) -> list[ChunkJob]:
    """Return the chunks that a video needs.

    Args:
        video: It was looked at.
        stored: int64 (n,), the pts that are stored or have arrived.
        rate: Samples per second; None means every frame.
        number: Returns the number of a new job.
        videos, workers: How many videos are in work, and how many workers there are.
    """
    table = video.table
    if table is None:
        raise ValueError(f"{video.location} was not looked at.")
    wanted = _wanted(table, rate) if video.rounds == 0 else sample_pts(table, rate)
    video.wanted, video.stored = len(wanted), len(np.intersect1d(wanted, stored))
    samples = chunk_samples(len(wanted), videos, workers)
    chunks = plan_chunks(table, wanted, stored, has_parts=video.has_parts, samples=samples)
    return [
        ChunkJob(
            number(),
            video.source,
            video.video_id,
            table,
            chunk.wanted,
            chunk.first_pts,
            chunk.last_pts,
            has_parts=video.has_parts,
        )
        for chunk in chunks
    ]


def _wanted(table: TimeTable, rate: float | None) -> Ints:
    return np.union1d(sample_pts(table, rate), coarse_pts(table))


def table_of(video: VideoInWork) -> TimeTable:
    """Return the times of a video when all of its chunks are done."""
    if video.table is None:
        raise ValueError(f"{video.location} was not looked at.")
    return confirmed_table(video.table, video.seen)


def what_is_missing(table: TimeTable, stored: Ints, rate: float | None) -> Ints:
    """Return the pts of samples that are not stored, int64 (n,), rising."""
    return np.setdiff1d(sample_pts(table, rate), stored)
