"""Get from a path to the video's id, without hashing a file twice, and to its record in the store."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator
from dataclasses import fields, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

from clip_core.addresses import is_address, parts_of
from clip_core.errors import (
    NotIndexedError,
    StoreError,
    VideoChangedError,
    VideoError,
    VideoNotFoundError,
    shown_name,
)
from clip_core.library.buckets import find_object
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import size_text
from clip_core.types import VideoHeader, VideoRecord
from clip_core.video import open_video
from clip_core.video.base import Video
from clip_core.video.sequence import parse_sequence
from clip_core.video.watched import Watched

_log = logging.getLogger(__name__)
SILENT_S = 0.5
_NANOSECOND = Fraction(1, 1_000_000_000)


def is_there(path: str | os.PathLike[str]) -> bool:
    """Return whether a file, or at least one picture of a sequence, lies at ``path``."""
    try:
        sequence = parse_sequence(path)
        return os.path.isfile(path) if sequence is None else bool(sequence.files)  # noqa: PTH113 - Path's raises
    except VideoError:
        return False


def file_stamp(path: Path) -> tuple[int, int]:
    """Return two integers that reveal a changed file: its size in bytes and its modification time in nanoseconds.

    For a sequence of images the second is a digest of its rate and of each picture's name, size and time.

    Raises:
        VideoNotFoundError: There is no such file.
    """
    sequence = parse_sequence(path)
    if sequence is not None:
        return sequence.stamp()
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise VideoNotFoundError(f"There is no file {shown_name(path)}.", "Check the path.") from error
    return status.st_size, status.st_mtime_ns


def source_stamp(path: str | os.PathLike[str]) -> tuple[int, int | str]:
    """Return the ``file_stamp`` of a file, or the stamp of an object, for which its store is asked.

    Raises:
        VideoError: There is none, or the store does not answer or refuses.
    """
    return find_object(os.fspath(path)).stamp if is_address(path) else file_stamp(Path(path))


def stamp_if_there(path: Path) -> tuple[int, int] | None:
    """Return the ``file_stamp`` of a file; None if it is gone, such as one that has vanished since it was listed."""
    try:
        return file_stamp(path)
    except VideoError:
        return None


def known_video(
    path: str | os.PathLike[str], store: EmbeddingStore, stamp: tuple[int, int | str] | None = None
) -> VideoRecord | None:
    """Return the record of the file or object at ``path`` in its present state, or None if the store does not know it.

    The record has the path and the name of this file: the store may have those of a copy, or those before it was
    renamed.

    ``stamp`` is its ``source_stamp``, if the caller has just taken it.

    Raises:
        VideoNotFoundError: There is no such file.
    """
    video_id = store.known_id(path, *(stamp or source_stamp(path)))
    record = None if video_id is None else store.video(video_id)
    return None if record is None else placed(record, path)


def known_or_renamed(path: Path, store: EmbeddingStore) -> VideoRecord | None:
    """Return the record of the file at ``path`` as ``known_video`` does, or by its content if it is new there.

    Raises:
        VideoError: There is no such file, or it is not a video.
    """
    record = known_video(path, store)
    if record is not None:
        return record
    with open_video(path) as video:  # a file that is not a video need not be read to its end
        for _ in identify(path, store, video.watched):
            pass
    return known_video(path, store)


def placed(record: VideoRecord, path: str | os.PathLike[str]) -> VideoRecord:
    """Return a record with the path and the name that its file has now; an upload keeps the name of the user's file."""
    if is_address(path):
        address = os.fspath(path)
        return replace(record, path=address, name=parts_of(address)[2].rpartition("/")[2])
    file, sequence = Path(path).absolute(), parse_sequence(path)
    current = file.name if sequence is None else sequence.name
    return replace(record, path=str(file), name=record.name if file.stem == record.video_id else current)


def stamp_of(path: Path, video_id: str, store: EmbeddingStore, stamp: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return the ``file_stamp`` of a file that is still the video with this id.

    ``stamp`` is the ``file_stamp`` of the file, if the caller has just taken it.

    Raises:
        VideoNotFoundError: There is no such file.
        VideoChangedError: The store does not know it in its present state, or as another video.
    """
    now = stamp or file_stamp(path)
    if store.known_id(path, *now) != video_id:
        raise VideoChangedError(f"{shown_name(path)} was changed since it was indexed.", "Open it again.")
    return now


def known_stamp(record: VideoRecord, store: EmbeddingStore) -> tuple[int, int]:
    """Return the ``file_stamp`` of a video's file; one that no file has if the file is gone or another one now.

    What takes a stamp then says so; unlike ``stamp_of``, for several videos of which some may be gone.
    """
    try:
        return stamp_of(Path(record.path), record.video_id, store)
    except VideoError:
        return (-1, -1)


def reindex_error(record: VideoRecord | VideoSummary, store: EmbeddingStore) -> NotIndexedError | None:
    """Return an error that asks to index a video again, or None if its stored frames can be used.

    The pictures of some videos were read in another way by earlier versions, so their vectors are of other pictures.
    Their records do not say so; the file does, if it is still there.

    Earlier versions read videos with OpenCV if PyAV was missing. OpenCV does not report a stream's time base, so frames
    were stored with nanoseconds from the first frame as pts, and only the first frame counted as a keyframe. A short
    video whose own time base is a nanosecond looks the same in the store; in that case the file is checked.
    """
    if record.reading is None and (now := _reading_now(record, store)):
        return NotIndexedError(
            f"{shown_name(record.name)} was indexed by an earlier version, which read its pictures in another way. "
            f"They are read so now: {now}.",
            "Index it again; what was judged by hand is kept.",
        )
    if (record.time_base if isinstance(record, VideoSummary) else record.table.time_base) != _NANOSECOND:
        return None
    whole = store.video(record.video_id) if isinstance(record, VideoSummary) else record
    if whole is None or whole.table.key_pts.any() or _time_base_of(record.path) == _NANOSECOND:
        return None
    what = "was indexed without PyAV by an earlier version, and its frames are not found any more."
    return NotIndexedError(f"{shown_name(record.name)} {what}", "Index it again; what was judged by hand is kept.")


def _reading_now(record: VideoRecord | VideoSummary, store: EmbeddingStore) -> str:
    """Return how the file of an earlier version's record is read now; "" if it is gone, changed or unreadable.

    A "" that was read from the file is stored.
    """
    try:
        stamp = file_stamp(Path(record.path))
        if store.known_id(record.path, *stamp) != record.video_id:
            return ""
        reading = _reading_of(record.path, stamp)
    except (VideoError, OSError):
        return ""
    whole = None if reading else store.video(record.video_id)
    if whole is not None:
        try:
            store.remember_video(replace(whole, reading=""))
        except StoreError as error:  # it may be read-only
            _log.info("The reading of %s is not stored: %s", record.name, error.line)
    return reading


@lru_cache(maxsize=10_000)
def _reading_of(path: str, stamp: tuple[int, int]) -> str:  # noqa: ARG001 - part of the key
    """Return a file's ``Video.reading``, for which all its packets may have to be read."""
    with open_video(path) as video:
        return video.reading


def _time_base_of(path: str) -> Fraction | None:
    """Return the time base of a file's video stream, or None if the file is missing or cannot be read."""
    if parse_sequence(path) is not None or not is_there(path):
        return None
    try:
        from clip_core.video.containers import open_container, video_stream

        with open_container(Path(path)) as container:
            return video_stream(container, Path(path)).time_base
    except (ImportError, VideoError, OSError):
        return None


def identify(path: Path, store: EmbeddingStore, watched: Watched) -> Generator[str, None, str]:
    """Look up the id of an open file in the store; if it is not there, hash the file and store the id.

    ``watched`` is the file that was opened; by now, another one may lie at ``path``.

    Yields:
        A note on the progress of hashing, every half second.

    Returns:
        The video_id.
    """
    known = store.known_id(path, *watched.stamp)
    if known is not None:
        return known
    video_id = yield from noting(watched.hashing(), watched.stamp[0])
    if watched.change() is None:  # else it changed while it was hashed, and the id is wrong
        store.remember_id(path, *watched.stamp, video_id)
    return video_id


def noting(steps: Generator[int, None, str], size: int) -> Generator[str, None, str]:
    """Run ``hashing`` over ``size`` bytes; yield a note on its progress every half second, and return the id."""
    spoken = time.monotonic()
    while True:
        try:
            read = next(steps)
        except StopIteration as finished:
            return str(finished.value)
        if time.monotonic() - spoken > SILENT_S:
            spoken = time.monotonic()
            yield f"Reading the file: {size_text(read)} of {size_text(size)}"


def record_of(video: Video, video_id: str, known: VideoRecord | None) -> VideoRecord:
    """Return what is known about an open video, for the store.

    The file of an upload, and the copy of an object in a bucket, is named by its id; its record keeps the name of the
    user's file, and the object's address.
    """
    info = video.info
    is_renamed = known is not None and info.path.stem == video_id
    name = known.name if known is not None and is_renamed else info.name
    address = known.path if known is not None and is_renamed and is_address(known.path) else None
    unreadable = video.unreadable_after_s
    if unreadable is None and known is not None and known.table.confirmed:
        unreadable = known.unreadable_after_s
    return VideoRecord(
        video_id=video_id,
        path=address or str(info.path.absolute()),
        name=name,
        **{header.name: getattr(info, header.name) for header in fields(VideoHeader)},
        table=video.table,
        unreadable_after_s=unreadable,
        added_s=time.time() if known is None else known.added_s,
        reading=video.reading,
    )
