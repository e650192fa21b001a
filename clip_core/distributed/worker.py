"""What a worker does, whatever runs it: take a job, read the video, ask the model, and report."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np

from clip_core.addresses import is_address
from clip_core.distributed.bucket_jobs import on_a_file
from clip_core.distributed.jobs import (
    ChunkJob,
    Failed,
    Finished,
    Job,
    Looked,
    LookJob,
    Rows,
    VideoSource,
    WorkerReport,
    no_pts,
)
from clip_core.distributed.workers import WorkerSetup
from clip_core.errors import (
    ClipVideoError,
    EncoderError,
    VideoChangedError,
    VideoDecodeError,
    VideoNotFoundError,
    WorkersError,
)
from clip_core.indexing.embed_frames import Pace, embed_frames
from clip_core.indexing.thumbnails import DrawnThumbnails
from clip_core.library.fetched import Scratch, own_scratch
from clip_core.library.identify import noting, record_of
from clip_core.types import Frame, FrameEmbeddings, TimeTable
from clip_core.video import Video, open_video
from clip_core.video.base import SeenFrames
from clip_core.video.decode_ahead import DecodeAhead, room_for
from clip_core.video.sampling import coarse_pts
from clip_core.video.watched import Watched

_log = logging.getLogger(__name__)


class JobWorker:
    """Does jobs one after another with one model; the video of the last job stays open for the next.

    Raises:
        WorkersError: The model cannot be loaded here, or is another one than the driver's.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        try:
            self._encoder = setup.make_encoder()
        except EncoderError as error:
            raise WorkersError(f"A worker cannot load the model. {error.what}", error.next_step) from error
        if self._encoder.fingerprint != setup.fingerprint:
            what = f"A worker has another model under the name {self._encoder.id} than this process."
            raise WorkersError(what, "Copy the same model, and install the same version, on all machines.")
        self._pace = Pace.of(self._encoder)
        self._video: Video | None = None
        self._opened: VideoSource | None = None
        self._scratch_folder, self._ends = setup.scratch, ExitStack()
        self._scratch: Scratch | None = None

    def reports(self, job: Job) -> Iterator[WorkerReport]:
        """Do a job. The last report is ``Finished`` or ``Failed``; closing the iterator stops it."""
        try:
            if is_address(job.source.location):
                yield from on_a_file(job, self._own_scratch(), self._of_file)
            else:
                yield from self._of_file(job)
        except ClipVideoError as error:
            self.close()
            yield _failed(job, error)
        except Exception as error:  # noqa: BLE001 - a third-party encoder may raise anything; the driver is told
            _log.exception("a job failed unexpectedly")
            self.close()
            yield Failed(job.number, f"It failed unexpectedly ({type(error).__name__}: {error})."[:200])

    def _of_file(self, job: Job) -> Iterator[WorkerReport]:
        return self._look(job) if isinstance(job, LookJob) else self._embed_chunk(job)

    def _own_scratch(self) -> Scratch:
        """Return the folder of fetched videos, which is made for the first of them and deleted at the end."""
        if self._scratch is None:
            self._scratch = self._ends.enter_context(own_scratch(self._scratch_folder))
        return self._scratch

    def close(self) -> None:
        """Release the video."""
        if self._video is not None:
            self._video.close()
        self._video = self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._ends.close()

    def _look(self, job: LookJob) -> Iterator[WorkerReport]:
        video = self._open(job.source, None)
        with video.watched.telling():
            table = video.table
            same = job.known is not None and job.source.stamp == video.watched.stamp
            video_id = job.known.video_id if job.known is not None and same else _hashed(video.watched)
            video.watched.check()
            source = VideoSource(job.source.location, video.watched.stamp)
            self._opened = source
            yield Looked(job.number, source, record_of(video, video_id, None), video.has_parts)
            missing = np.setdiff1d(coarse_pts(table), job.stored)
            yield from self._rows(job, video_id, video, video.keyframes(missing.tolist()))
            video.watched.check_frames()
            yield Finished(job.number, no_pts(), table.end_s)

    def _embed_chunk(self, job: ChunkJob) -> Iterator[WorkerReport]:
        video = self._open(job.source, job.table)
        with video.watched.telling():
            if job.source.stamp is None and _hashed(video.watched) != job.video_id:
                raise VideoChangedError(f"{video.info.name} is another video than when it was planned.")
            if not _same_times(video.table, job.table):
                what = f"{video.info.name} has other times here than when it was planned."
                raise VideoDecodeError(what, "Install the same version of PyAV on all machines.")
            seen = SeenFrames()
            yield from self._rows(job, job.video_id, video, _frames(video, job, seen))
            video.watched.check()
            yield _finished(video, job, seen)

    def _rows(self, job: Job, video_id: str, video: Video, frames: Iterator[Frame]) -> Iterator[Rows]:
        """Embed frames and report them after each call of the model, also if a later one fails."""
        batches, drawn, info = list[FrameEmbeddings](), DrawnThumbnails(), video.info

        def finished() -> Iterator[Rows]:
            if batches:
                video.watched.check_frames()
            while batches:
                embeddings = batches.pop(0)
                yield Rows(job.number, video_id, embeddings, drawn.take(embeddings.pts))

        room = room_for(info.width, info.height, 2 * self._pace.most)
        with DecodeAhead(drawn.beside(frames), room) as ahead:
            try:
                for _ in embed_frames(ahead, self._encoder, self._pace, batches.append, commit_s=0.0):
                    yield from finished()
            except Exception:
                yield from finished()
                raise

    def _open(self, source: VideoSource, table: TimeTable | None) -> Video:
        """Open a video, or go on with the last one if that is it.

        Raises:
            VideoChangedError: It is not in the state that was planned.
        """
        confirmed = table if table is not None and table.confirmed else None
        video = self._video
        is_open = video is not None and self._opened == source and video.watched.change() is None
        if video is None or not is_open or video.table.confirmed != (confirmed is not None):
            self.close()
            video = self._video = open_video(Path(source.location), table=confirmed)
            self._opened = source
        if table is not None and source.stamp not in (None, video.watched.stamp):
            raise VideoChangedError(f"{video.info.name} was changed while it was indexed.", "Index it again.")
        return video


def _frames(video: Video, job: ChunkJob, seen: SeenFrames) -> Iterator[Frame]:
    wanted, is_whole = job.wanted.tolist(), job.last_pts is None and job.first_pts <= job.table.pts[0]
    if job.table.confirmed and job.has_parts:
        return video.frames_at(wanted)
    return video.frames(wanted) if is_whole else video.part(wanted, job.first_pts, job.last_pts, seen)


def _finished(video: Video, job: ChunkJob, seen: SeenFrames) -> Finished:
    """Say what was seen: of a whole pass the video's table tells it."""
    if seen.pts:
        base, start = job.table.time_base, job.table.start_pts
        table = seen.table(base, start, video.info.header_fps, confirmed=False)
    else:
        table = video.table
    left_out = video.left_out_frames
    return Finished(job.number, table.pts, table.end_s, video.unreadable_after_s, left_out, table.key_pts)


def _same_times(table: TimeTable, planned: TimeTable) -> bool:
    one, other = ((t.time_base, t.start_pts, t.joins) for t in (table, planned))
    return one == other and np.array_equal(table.pts, planned.pts)


def _hashed(watched: Watched) -> str:
    """Return the id of an open file; stop as soon as it changes, such as one that is being recorded."""
    steps = noting(watched.hashing(), watched.stamp[0])
    while True:
        try:
            next(steps)
        except StopIteration as hashed:
            return str(hashed.value)
        watched.check_frames()


def _failed(job: Job, error: ClipVideoError) -> Failed:
    change = error.kind if isinstance(error, VideoChangedError) else None
    return Failed(job.number, error.line, isinstance(error, VideoNotFoundError), change)
