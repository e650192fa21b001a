"""One video while it is in work: what is known of it, and which jobs it still needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clip_core.addresses import is_address
from clip_core.distributed.jobs import ChunkJob, Finished, Looked, VideoSource, no_pts
from clip_core.distributed.plan import chunk_samples, confirmed_table, plan_chunks
from clip_core.distributed.workers import ModelFacts
from clip_core.errors import ClipVideoError, StoreUnreachableError, VideoError
from clip_core.indexing.begin_run import BegunRun
from clip_core.indexing.index_video import already_done
from clip_core.library.identify import placed, source_stamp
from clip_core.store.runs import IndexingLock
from clip_core.store.store import EmbeddingStore
from clip_core.types import Ints, Progress, TimeTable, VideoRecord
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


@dataclass(frozen=True, slots=True, eq=False)
class KnownSource:
    """What is known of a video before anybody opens it.

    Attributes:
        source: The video as it is now.
        record: Its record if the store knows it in this state.
        stored: int64 (n,), the pts of its stored frames.
        finished: See ``already_done``; None if something is to be done.
    """

    source: VideoSource
    record: VideoRecord | None
    stored: Ints
    finished: Progress | None


def known_sources(
    locations: Sequence[str], model: ModelFacts, rate: float | None, store: EmbeddingStore
) -> dict[str, KnownSource | ClipVideoError]:
    """Return location → what is known of the video, with two queries for all; or why it cannot be indexed.

    Args:
        locations: The videos.
        model, rate: What is asked for; None means every frame.
        store: Where they may be known.

    Raises:
        StoreUnreachableError: The storage service does not answer.
    """
    found: dict[str, KnownSource | ClipVideoError] = {}
    sources: dict[str, VideoSource] = {}
    for location in locations:
        try:
            sources[location] = VideoSource(location, source_stamp(location))
        except VideoError as error:
            found[location] = error
    ids = {s.location: store.known_id(s.location, *s.stamp) for s in sources.values() if s.stamp is not None}
    known = [video_id for video_id in dict.fromkeys(ids.values()) if video_id is not None]
    try:
        records, stored = _stored(known, model.fingerprint, store)
        for location, source in sources.items():
            record = records.get(ids[location] or "")
            record = None if record is None else placed(record, location)
            pts = no_pts() if record is None else stored[record.video_id]
            finished = already_done(record, (model.id, model.fingerprint), store, rate, stored=pts)
            found[location] = KnownSource(source, record, pts, finished)
    except StoreUnreachableError:
        raise
    except ClipVideoError as error:  # such as a damaged record of one of them
        if len(locations) == 1:
            return {locations[0]: error}
        return {key: own for one in locations for key, own in known_sources([one], model, rate, store).items()}
    return found


def _stored(
    video_ids: Sequence[str], fingerprint: str, store: EmbeddingStore
) -> tuple[dict[str, VideoRecord], dict[str, Ints]]:
    if not video_ids:
        return {}, {}
    return store.records_of(video_ids), store.stored_pts_of(fingerprint, video_ids)


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
