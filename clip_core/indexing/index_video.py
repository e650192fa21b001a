"""Embed the sampled frames of a video and store the vectors: first coarsely over its whole length, then in order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from clip_core.encoders.base import Encoder
from clip_core.errors import ChangeKind, NotIndexedError, VideoChangedError
from clip_core.indexing.begin_run import begin_runs
from clip_core.indexing.embed_frames import (
    COMMIT_FRAMES,
    COMMIT_S,
    REMOTE_COMMIT_FRAMES,
    REMOTE_COMMIT_S,
    Pace,
    Wait,
    embed_frames,
)
from clip_core.indexing.stretches import build_stretches, stored_bank
from clip_core.indexing.thumbnails import Thumbnails
from clip_core.library.identify import identify, is_there, known_video, noting, record_of, reindex_error
from clip_core.library.subtitles import refresh_subtitles
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted
from clip_core.types import Frame, FrameEmbeddings, Ints, Progress, Stage, TimeTable, VideoRecord
from clip_core.video import Video, open_video
from clip_core.video.decode_ahead import DecodeAhead, room_for
from clip_core.video.recorded import recorded_in
from clip_core.video.sampling import coarse_pts, is_denser, sample_pts
from clip_core.video.watched import HAPPENED

LOOK_AGAIN_S = 0.5
GIVE_UP_WAITING_S = 30.0
"""A process that holds the lock but stores nothing for this long is considered stuck."""
FEW_FRAMES = 5
"""Some files repeat a frame or two; if this many are left out, part of the video is missing and the user is warned."""
TIDY_COMMITS = 256
"""Each commit adds a small file, and many files slow down reading: join them after this many commits."""
PREPARED_AT = 1.5
"""While a video is indexed, it is prepared for searching again whenever its samples have grown by this factor."""
MOST_FRUITLESS = 3
"""A file that changes more often than this without a commit in between is given up."""
_AFTER_CHANGE: dict[ChangeKind, str] = {
    "gone": "Put it back and index it again to go on.",
    "folder": "Put it back and index it again to go on.",
    "replaced": "Index it again for the new file.",
    "shorter": "Index it again, or put the whole file back first.",
    "longer": "If it is still being recorded or copied, index it again when that is done.",
    "changed": "Index it again.",
}
_NOT_YET = ("gone", "folder", "longer")
"""After these changes, opening the file again at once does not help."""


def index_video(
    path: str | os.PathLike[str],
    encoder: Encoder,
    store: EmbeddingStore,
    *,
    samples_per_second: float | None = 2.0,
    on_known: Callable[[], None] | None = None,
    coarse_only: bool = False,
) -> Iterator[Progress]:
    """Embed the samples of a video that the store lacks, and report after each committed batch.

    The keyframes nearest to 64 evenly spread times come first, so that a curve over the whole length is available
    early; then every sample in order. Closing the iterator cancels: no thread is left running, and what was committed
    stays. Calling again resumes; a denser rate embeds only what is missing.

    Args:
        path: The video file, or the pattern of a sequence of images.
        samples_per_second: Sample k is the first frame at or after k / rate seconds; None, or a rate above the frame
            rate, means every frame.
        on_known: Called when the record of the video is stored, before anything is embedded.
        coarse_only: Stop after the keyframes. Of many videos, all are searchable early if each gets this pass before
            any gets its others. The run stays unfinished; calling again without it goes on.

    Yields:
        Progress: ``done`` counts the stored frames of this request and never falls; ``total`` may be
        corrected when frames differ from what the packets claimed; in the last report the two are equal, unless only
        the coarse pass was asked for.

    Raises:
        VideoError: The file is missing, is not a video, or cannot be decoded (at the first ``next``).
        VideoChangedError: The file was changed, replaced or deleted meanwhile. What was embedded before is kept, and
            is of the file as it was; of a file that grew, it is only kept if it was known before.
        EncoderError: The model failed; what was embedded before is kept.
        StoreError: The embeddings cannot be written.
        ValueError: The rate is not a finite number above 0.
    """
    on_known = on_known or (lambda: None)
    record = known_video(path, store) if is_there(path) else None
    model = (encoder.id, encoder.fingerprint)
    finished = already_done(record, model, store, samples_per_second, coarse_only=coarse_only)
    if finished is not None:
        on_known()
        yield from _read_subtitles(path, store, finished)
        yield finished
        return
    file = Path(path)
    for tries_left in reversed(range(MOST_FRUITLESS)):
        with open_video(file) as video:
            run = _Run(video, encoder, store, samples_per_second, coarse_only=coarse_only)
            try:
                with video.watched.telling():
                    yield from run.identify(file)
                    on_known()
                    yield from _read_subtitles(path, store, Progress(0, run.total))
                    yield from run.embed()
            except VideoChangedError as error:
                if run.is_begun or tries_left == 0 or error.kind in _NOT_YET:
                    raise run.stopped_by(error) from error
            else:
                return


def _read_subtitles(path: str | os.PathLike[str], store: EmbeddingStore, now: Progress) -> Iterator[Progress]:
    """Read the subtitles of a video whose record is stored; report the notes on it with the counts of ``now``."""
    record = known_video(path, store)
    if record is not None:
        for note in refresh_subtitles(path, record, store):
            yield replace(now, stage="identifying", note=note)


def already_done(
    record: VideoRecord | None,
    model: tuple[str, str],
    store: EmbeddingStore,
    rate: float | None,
    *,
    coarse_only: bool = False,
    stored: Ints | None = None,
) -> Progress | None:
    """Return the only report if the store holds every sample and the file was once read to its end, else None.

    Of a coarse pass alone, return it if the store holds the keyframes. ``record`` is what is known of the file,
    ``model`` the id and the fingerprint of the model, and ``stored`` the pts of the stored frames, if they are known.
    """
    model_id, fingerprint = model
    state = None if record is None else store.run(record.video_id, fingerprint)
    if record is None or state is None or reindex_error(record, store) is not None:
        return None
    if record.recorded_s is None and (recorded_s := recorded_in(Path(record.path))) is not None:
        store.remember_video(replace(record, recorded_s=recorded_s))
    stored = store.stored_pts(record.video_id, fingerprint) if stored is None else stored
    coarse = coarse_pts(record.table)
    if coarse_only and len(np.setdiff1d(coarse, stored)) == 0:
        return Progress(len(coarse), len(coarse), seconds_left=0.0)
    wanted = np.union1d(sample_pts(record.table, rate), np.intersect1d(coarse, stored))
    if not record.table.confirmed or len(np.setdiff1d(wanted, stored)):
        return None
    if not state.finished or is_denser(rate, state.samples_per_second):
        store.begin(record.video_id, fingerprint, model_id, rate)
        store.finish(record.video_id, fingerprint, rate)
    return Progress(len(wanted), len(wanted), seconds_left=0.0, stage="done", warnings=warnings_of(record, len(wanted)))


def warnings_of(record: VideoRecord, samples: int) -> tuple[str, ...]:
    """Return what the user should know of a video that could not be read to its end."""
    if record.unreadable_after_s is None:
        return ()
    return (f"Unreadable after {clock(record.unreadable_after_s)}. The first {samples} samples are kept.",)


def left_out_warnings(frames: int, container: str | None) -> tuple[str, ...]:
    """Return what the user should know if so many frames of a video were left out."""
    images = container == "images"
    if frames < (1 if images else FEW_FRAMES):
        return ()
    if images:
        count = "1 picture cannot be read and is" if frames == 1 else f"{frames} pictures cannot be read and are"
        return (f"{count} left out.",)
    return (f"{frames} frames are left out: the file's clock jumps back, and they repeat earlier times.",)


class _Run:
    """One index request for an open video."""

    def __init__(
        self, video: Video, encoder: Encoder, store: EmbeddingStore, rate: float | None, *, coarse_only: bool = False
    ) -> None:
        self._video, self._encoder, self._store, self._rate = video, encoder, store, rate
        self._coarse_only = coarse_only
        self._id, self._noted = "", rate
        self._is_new = False
        self._said: tuple[str, ...] = ()
        self._stored = self._coarse = self._wanted = np.empty(0, np.int64)
        self._embedded = self._searchable = 0
        self._commits = 0
        self._began = time.monotonic()
        self._pace = Pace.of(encoder)

    @property
    def is_begun(self) -> bool:
        """Whether it is known which video it is; before that, nothing is stored."""
        return bool(self._id)

    @property
    def total(self) -> int:
        return len(self._wanted)

    def _ask(self, table: TimeTable) -> None:
        self._coarse = coarse_pts(table)
        self._wanted = np.union1d(sample_pts(table, self._rate), self._coarse)

    def identify(self, file: Path) -> Iterator[Progress]:
        """Find out which video it is, and record that it is being embedded."""
        self._ask(self._video.table)
        video_id = yield from self._noted_progress(identify(file, self._store, self._video.watched))
        self._begin(video_id)

    def _noted_progress(self, identity: Generator[str, None, str]) -> Generator[Progress, None, str]:
        """Report the notes of hashing a file; stop as soon as it changes, such as one that is being recorded."""
        while True:
            try:
                note = next(identity)
            except StopIteration as hashed:
                return str(hashed.value)
            yield Progress(self._done, self.total, stage="identifying", note=note)
            self._video.watched.check_frames()

    def _begin(self, video_id: str) -> None:
        """Record in the store that this video is being embedded, and what is known about it."""
        self._ask(self._video.table)
        self._video.watched.check()
        self._id = video_id
        claim = record_of(self._video, video_id, None)
        (run,) = begin_runs([claim], self._encoder.id, self._encoder.fingerprint, self._rate, self._store)
        self._is_new, self._noted = self._is_new or run.is_new, run.samples_per_second
        self._said = run.warnings or self._said
        if run.record.table.confirmed:
            self._video.trust(run.record.table)
            self._ask(run.record.table)
        self._look()

    def embed(self) -> Iterator[Progress]:
        """Embed what is missing; while another process indexes the same video, report its progress instead."""
        heard = time.monotonic()
        while time.monotonic() - heard < GIVE_UP_WAITING_S:
            with self._store.indexing(self._id, self._encoder.fingerprint) as lock:
                if lock.held:
                    yield from self._trusted_passes()
                    return
            before = self._done
            self._look()
            heard = time.monotonic() if self._done > before else heard
            yield self._progress("waiting")
            time.sleep(LOOK_AGAIN_S)
        yield from self._trusted_passes()

    def _trusted_passes(self) -> Iterator[Progress]:
        """Run the passes; begin them again if the file changed and yet has the same bytes, such as after a touch."""
        again, fruitless = False, 0
        while True:
            commits = self._commits
            try:
                with self._video.watched.telling():
                    if again:
                        self._begin(self._id)
                    yield from self._passes()
            except VideoChangedError:
                fruitless = 0 if self._commits > commits else fruitless + 1
                if fruitless > MOST_FRUITLESS or not (yield from self._has_same_bytes()):
                    raise
                again = True
            else:
                return

    def _has_same_bytes(self) -> Generator[Progress, None, bool]:
        """Hash the file that is at the path now, if it can be the same, and store its id, whatever it is."""
        watched, path = self._video.watched, self._video.info.path
        if not self._video.renew():
            return False
        now_id = yield from self._noted_progress(noting(watched.hashing(), watched.stamp[0]))
        if watched.change() is not None:
            return False
        self._store.remember_id(path, *watched.stamp, now_id)
        return now_id == self._id

    def stopped_by(self, error: VideoChangedError) -> VideoChangedError:
        """Return an error that says what is kept; rows of a video that can never come back are deleted."""
        kept = "Nothing of it is kept."
        rows = len(self._store.stored_pts(self._id, self._encoder.fingerprint)) if self._id else 0
        if self._is_new and (rows == 0 or error.kind == "longer"):
            self._store.forget(self._id)
        elif rows:
            kept = f"Kept: {counted(rows, 'sample')} of it as it was."
        what = f"{error.subject} {HAPPENED[error.kind]} while it was indexed. {kept}"
        return VideoChangedError(what, _AFTER_CHANGE[error.kind])

    def _passes(self) -> Iterator[Progress]:
        """Embed the keyframes, then all samples in order; repeat once if frame times differ from the packets' times.

        The first run decodes the whole video, which confirms the times; later ones only what is missing.
        """
        self._look()
        self._thumbnails = Thumbnails(self._id, self._store)
        self._began = time.monotonic()
        keys = np.setdiff1d(self._coarse, self._stored)
        yield from self._embed("coarse", self._video.keyframes(keys.tolist()))
        if self._coarse_only:
            yield replace(self._progress("coarse"), warnings=self._said)
            return
        video = self._video
        for decode in (video.frames_at if video.table.confirmed else video.frames, video.frames):
            missing = np.setdiff1d(self._wanted, self._stored)
            if self._video.table.confirmed and len(missing) == 0:
                break
            yield from self._embed("dense", decode(missing.tolist()))
            stored = np.intersect1d(self._wanted, self._stored)
            self._wanted = np.union1d(sample_pts(self._video.table, self._rate), stored)
        self._wanted = np.intersect1d(self._wanted, self._stored)
        yield self._finish()

    def _embed(self, stage: Stage, frames: Iterator[Frame]) -> Iterator[Progress]:
        info = self._video.info
        room = room_for(info.width, info.height, 2 * self._pace.most)
        with DecodeAhead(self._thumbnails.beside(frames), room) as ahead:
            for step in embed_frames(ahead, self._encoder, self._pace, self._commit, *self._commit_after()):
                if isinstance(step, Wait):
                    yield replace(self._progress("waiting"), note=step.note, seconds_left=step.left_s)
                else:
                    self._embedded += step
                    yield self._progress(stage)

    def _commit_after(self) -> tuple[float, int]:
        """Return after how many seconds and frames a batch is committed."""
        return (REMOTE_COMMIT_S, REMOTE_COMMIT_FRAMES) if self._store.is_remote else (COMMIT_S, COMMIT_FRAMES)

    def _commit(self, batch: FrameEmbeddings) -> None:
        self._video.watched.check_frames()
        self._check_not_forgotten()
        self._store.append(self._id, self._encoder.fingerprint, batch)
        self._thumbnails.commit(batch.pts)
        self._check_not_forgotten()
        self._stored = np.union1d(self._stored, batch.pts)
        self._commits += 1
        if len(self._stored) > PREPARED_AT * self._searchable:
            self._prepare_search()
        if self._commits % TIDY_COMMITS == 0:
            self._store.optimize(self._encoder.fingerprint)

    def _prepare_search(self) -> None:
        """Build the stretches of what is stored; no model is asked, so they may lack levels for the time being."""
        fingerprint = self._encoder.fingerprint
        bank = stored_bank(self._store, fingerprint, self._encoder.logit_scale)
        build_stretches([self._id], fingerprint, self._store, bank)
        self._searchable = len(self._stored)

    def _check_not_forgotten(self) -> None:
        """Stop if the video was forgotten meanwhile, by any process: rows stored after that would never be read."""
        if self._store.run(self._id, self._encoder.fingerprint, at_once=True) is None:
            self._store.discard(self._id, self._encoder.fingerprint)  # the batch committed at the same moment
            raise NotIndexedError("This video was forgotten while it was indexed.", "Index it again to have it back.")

    def _look(self) -> None:
        self._stored = self._store.stored_pts(self._id, self._encoder.fingerprint)

    @property
    def _done(self) -> int:
        return len(np.intersect1d(self._wanted, self._stored))

    def _progress(self, stage: Stage) -> Progress:
        took_s = time.monotonic() - self._began
        rate = self._embedded / took_s if self._embedded else 0.0
        done = self._done
        left_s = (self.total - done) / rate if rate else None
        return Progress(done, self.total, rate, left_s, stage)

    def _finish(self) -> Progress:
        self._video.watched.check()
        self._check_not_forgotten()
        record = record_of(self._video, self._id, self._store.video(self._id))
        self._store.remember_video(record)
        self._store.finish(self._id, self._encoder.fingerprint, self._noted)
        if not self._store.stretches_are_current(self._id, self._encoder.fingerprint):
            self._prepare_search()
        self._store.optimize(self._encoder.fingerprint)
        warnings = (
            self._said
            + warnings_of(record, self.total)
            + left_out_warnings(self._video.left_out_frames, self._video.info.container)
        )
        return replace(self._progress("done"), seconds_left=0.0, warnings=warnings)
