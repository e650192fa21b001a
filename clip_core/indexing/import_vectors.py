"""Take over vectors that were computed elsewhere, and hand over those that are stored."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from clip_core.encoders.base import Encoder
from clip_core.errors import NotIndexedError, VectorsFileError, shown_name
from clip_core.export.vectors_file import VectorsAbout, VectorsFile
from clip_core.indexing.stretches import build_stretches, stored_bank
from clip_core.library.identify import identify, record_of, reindex_error
from clip_core.library.subtitles import refresh_subtitles
from clip_core.store.runs import never_begun
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted, short_id
from clip_core.types import Floats, FrameEmbeddings, Ints, Progress, TimeTable, VideoRecord
from clip_core.video import Video, open_video
from clip_core.video.sampling import is_denser

_T = TypeVar("_T")
Notes: TypeAlias = tuple[str, ...]
BATCH = 4096
"""Rows in one commit: of 512 numbers, 4 MB."""
_REPORT_EVERY = 250
_ROUNDING_S = 1e-6
_LEAST_LENGTH, _MOST_OFF = 1e-6, 1e-2
"""A shorter vector has no direction; one that is off by more than half precision explains was not of unit length."""
_CHECK = "Check which file belongs to which video, or export it again."


def stored_vectors(record: VideoRecord, encoder: Encoder, store: EmbeddingStore) -> VectorsFile:
    """Return the stored vectors of a video, sorted by time, and what a file says of them.

    Raises:
        NotIndexedError: Nothing of the video is stored under this model, or it must be indexed again.
    """
    if (error := reindex_error(record, store)) is not None:
        raise error
    run = store.run(record.video_id, encoder.fingerprint)
    if run is None:
        raise never_begun()
    frames, _ = store.read(record.video_id, encoder.fingerprint)
    if not len(frames):
        raise never_begun()
    about = VectorsAbout(
        record.video_id, record.name, encoder.id, encoder.fingerprint, record.table.time_base,
        run.samples_per_second, run.finished,
    )  # fmt: skip
    return VectorsFile(frames.vectors, frames.times_s, frames.pts, about)


def import_vectors(
    path: str | os.PathLike[str], file: VectorsFile, encoder: Encoder, store: EmbeddingStore
) -> Iterator[Progress]:
    """Store vectors from a file as those of a video's frames; what is stored already stays.

    All rows are checked before the first is stored. If it is not known for sure yet when each frame is shown, the video
    is decoded once. Closing the iterator cancels; what was committed stays, and calling again goes on.

    Args:
        path: The video.
        file: Vectors with the pts of their frames, or with times: then the nearest frame is meant.
        encoder: The model that made them: its texts are compared with them.
        store: Where they go.

    Yields:
        Progress: ``done`` counts the rows that are stored. The last report has warnings about what was changed.

    Raises:
        VectorsFileError: The vectors are not of this model or this video, or a row cannot be used; nothing is stored.
        VideoError: The file is missing or is not a video.
        StoreError: The vectors cannot be stored.
    """
    store.check_writable()
    notes = _model_notes(file, encoder)
    vectors, more = unit_vectors(file.vectors)
    with open_video(Path(path)) as video:
        video_id = yield from _reported(identify(Path(path), store, video.watched), len(file))
        if file.about.video_id not in ("", video_id):
            other = short_id(file.about.video_id)
            raise VectorsFileError(
                f"The vectors are of another video, {other}; this one is {short_id(video_id)}.", _CHECK
            )
        record = yield from _confirmed(video, video_id, store, len(file))
        pts = frames_of(file, record.table)
        video.watched.check()
    store.remember_video(record)
    yield from _reported(refresh_subtitles(path, record, store), len(file))
    frames = FrameEmbeddings(pts, record.table.seconds(pts), vectors)
    with store.indexing(video_id, encoder.fingerprint) as lock:
        if not lock.held:
            raise VectorsFileError("The video is being indexed right now.", "Try again when that is done.")
        yield from _stored(frames, _Rate.of(file.about, frames, record), record, encoder, store, (*notes, *more))


def _reported(notes: Generator[str, None, _T], total: int) -> Generator[Progress, None, _T]:
    """Report notes of something that takes a while; return what it returns."""
    while True:
        try:
            note = next(notes)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        yield Progress(0, total, stage="identifying", note=note)


def _model_notes(file: VectorsFile, encoder: Encoder) -> tuple[str, ...]:
    """Refuse vectors of another model; say so if the file does not name its model."""
    about, dim = file.about, file.vectors.shape[1]
    said = about.fingerprint or about.model
    if said and said != (encoder.fingerprint if about.fingerprint else encoder.id):
        named = f"{shown_name(about.model or 'another model')} ({about.fingerprint[:12] or 'no fingerprint'})"
        what = f"The vectors are of {named}, not of {shown_name(encoder.id)} ({encoder.fingerprint[:12]})."
        raise VectorsFileError(what, "Name the model that made them with --model.")
    if dim != encoder.dim:
        what = f"The vectors have {dim:,} numbers, and those of {shown_name(encoder.id)} have {encoder.dim:,}."
        raise VectorsFileError(what, "Name the model that made them with --model.")
    return () if said else (f"The file does not name its model; it is taken to be {shown_name(encoder.id)}.",)


def unit_vectors(vectors: Floats) -> tuple[Floats, tuple[str, ...]]:
    """Return vectors, float32 (n, dim), at unit length, and a sentence if they were not.

    Raises:
        VectorsFileError: Some are not finite, or zero; how many, and the first.
    """
    _refuse_rows(np.asarray(~np.isfinite(vectors).all(axis=1)), "hold what is no number (NaN or infinity)")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    _refuse_rows(np.asarray(lengths < _LEAST_LENGTH), "are zero vectors, which point nowhere")
    off = int(np.count_nonzero(np.abs(lengths - 1) > _MOST_OFF))
    unit = (vectors / lengths[:, None]).astype(np.float32)
    changed = f"{counted(off, 'vector')} brought to unit length ({lengths.min():.3g} to {lengths.max():.3g} before)."
    return unit, (changed,) if off else ()


def frames_of(file: VectorsFile, table: TimeTable) -> Ints:
    """Return the pts of the frames that the rows of a file are of: int64 (n,), rising.

    Raises:
        VectorsFileError: Rows run back, are of one frame, or of none; how many, and the first.
    """
    half_s = _half_frame_s(table)
    if file.times_s is not None:
        _refuse_rows(~np.isfinite(file.times_s), "have no time (NaN or infinity)")
        _refuse_rows(np.diff(file.times_s, prepend=-np.inf) < 0, "go back in time")
    pts = _nearest(file, table, half_s) if file.pts is None else _known(file, table)
    _refuse_rows(np.diff(pts, prepend=pts[0] - 1) < 0, "go back in time")
    _refuse_rows(np.diff(pts, prepend=pts[0] - 1) == 0, "are of the same frame as the row before")
    if file.times_s is not None:
        apart_s = np.abs(file.times_s - table.seconds(pts))
        _refuse_rows(apart_s > half_s, "have a time that is not that of a frame (over half a frame away)")
    return pts


def _half_frame_s(table: TimeTable) -> float:
    steps_s = np.diff(table.times_s)
    return (float(np.median(steps_s)) if len(steps_s) else max(table.end_s, 0.0)) / 2 + _ROUNDING_S


def _nearest(file: VectorsFile, table: TimeTable, half_s: float) -> Ints:
    """Return the frames that are nearest to the times of a file."""
    assert file.times_s is not None  # noqa: S101 - a file has times or pts
    times_s = table.times_s
    after = np.clip(np.searchsorted(times_s, file.times_s), 1, max(1, len(times_s) - 1))
    before = after - 1
    after = np.minimum(after, len(times_s) - 1)
    is_before = file.times_s - times_s[before] <= times_s[after] - file.times_s
    nearest = np.where(is_before, before, after)
    _refuse_rows(np.abs(times_s[nearest] - file.times_s) > half_s, "have a time at which the video has no frame")
    return np.asarray(table.pts[nearest])


def _known(file: VectorsFile, table: TimeTable) -> Ints:
    """Return the pts of a file in the time base of the video."""
    assert file.pts is not None  # noqa: S101 - a file has times or pts
    base = file.about.time_base
    if base not in (None, table.time_base):
        what = f"The pts count in {base} s, and those of the video in {table.time_base} s."
        raise VectorsFileError(what, "Write the file with the times only: then the nearest frames are taken.")
    _refuse_rows(~np.isin(file.pts, table.pts), "have pts that no frame of the video has")
    return file.pts


def _refuse_rows(wrong: NDArray[np.bool_], what: str) -> None:
    if wrong.any():
        count, first = int(np.count_nonzero(wrong)), int(np.argmax(wrong))
        raise VectorsFileError(f"Rows {what}: {count:,} of {len(wrong):,}, the first is row {first + 1:,}.", _CHECK)


def _confirmed(
    video: Video, video_id: str, store: EmbeddingStore, total: int
) -> Generator[Progress, None, VideoRecord]:
    """Return the record of a video with a confirmed table of times; decode the video if there is none."""
    known = store.video(video_id)
    if known is not None and (error := reindex_error(known, store)) is not None:
        raise error
    if known is not None and known.table.confirmed:
        return known
    for frame in video.frames(video.table.pts[::_REPORT_EVERY].tolist()):
        note = f"Finding out when each frame is shown: {clock(frame.time_s, 0)} of {clock(video.table.end_s, 0)}"
        yield Progress(0, total, stage="identifying", note=note)
    return record_of(video, video_id, known)


@dataclass(frozen=True, slots=True)
class _Rate:
    """What the record of the run says: samples per second (None: every frame), and whether all of them are there."""

    samples_per_second: float | None
    finished: bool

    @classmethod
    def of(cls, about: VectorsAbout, frames: FrameEmbeddings, record: VideoRecord) -> _Rate:
        """Return what the file says, else what its times tell: finished, if they reach from the start to the end."""
        if about.finished is not None:
            return cls(about.samples_per_second, about.finished)
        if len(frames) == len(record.table):
            return cls(None, True)
        step_s = float(np.median(np.diff(frames.times_s))) if len(frames) > 1 else record.table.end_s
        gaps_s = np.diff(frames.times_s, prepend=0.0, append=record.table.end_s)
        return cls(about.samples_per_second or float(f"{1 / step_s:.3g}"), bool(gaps_s.max() <= 2 * step_s))


def _stored(
    frames: FrameEmbeddings, rate: _Rate, record: VideoRecord, encoder: Encoder, store: EmbeddingStore, notes: Notes
) -> Iterator[Progress]:
    """Commit the frames that are not stored yet, and record the run."""
    video_id, fingerprint = record.video_id, encoder.fingerprint
    past = store.run(video_id, fingerprint)
    if (
        past is not None
        and past.finished
        and (not rate.finished or is_denser(past.samples_per_second, rate.samples_per_second))
    ):
        rate = _Rate(past.samples_per_second, True)
    store.begin(video_id, fingerprint, encoder.id, rate.samples_per_second)
    new = np.flatnonzero(~np.isin(frames.pts, store.stored_pts(video_id, fingerprint)))
    there = len(frames) - len(new)
    for first in range(0, len(new), BATCH):
        rows = new[first : first + BATCH]
        batch = FrameEmbeddings(frames.pts[rows], frames.times_s[rows], frames.vectors[rows])
        store.append(video_id, fingerprint, batch)
        _check_not_forgotten(video_id, fingerprint, store)
        yield Progress(there + first + len(rows), len(frames), stage="dense")
    if rate.finished:
        store.finish(video_id, fingerprint, rate.samples_per_second)
    build_stretches([video_id], fingerprint, store, stored_bank(store, fingerprint, encoder.logit_scale))
    store.optimize(fingerprint)
    kept = (f"{counted(there, 'frame')} stored before, and kept as they were.",) if there else ()
    yield Progress(len(frames), len(frames), seconds_left=0.0, stage="done", warnings=(*notes, *kept))


def _check_not_forgotten(video_id: str, fingerprint: str, store: EmbeddingStore) -> None:
    """Stop if the video was forgotten meanwhile, by any process: rows stored after that would never be read."""
    if store.run(video_id, fingerprint) is None:
        store.discard(video_id, fingerprint)
        raise NotIndexedError("This video was forgotten while vectors were stored.", "Import them again.")
