"""Fetch videos from buckets into a bounded folder here. A video is fetched whole: its id is that of all its bytes."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from clip_core.config import Config
from clip_core.errors import VideoError, shown_name
from clip_core.files import PartFile, is_full, lock_folder, reason_of, sweep, unique_part
from clip_core.library.buckets import BucketObject, changed_error, find_object, open_bucket, shown_address, telling
from clip_core.library.identify import file_stamp, placed, record_of
from clip_core.library.videos import copy_name, fetched_path
from clip_core.store.store import EmbeddingStore
from clip_core.store.videos import VideoSummary
from clip_core.text import size_text
from clip_core.types import Progress, VideoRecord
from clip_core.video import open_video
from clip_core.video.identity import hash_file

if TYPE_CHECKING:
    from obstore import GetOptions

PART_BYTES = 8 * 1024 * 1024
"""An object is read in such parts, each of them again if it breaks off or takes 30 seconds."""
_TRIES = 3
_PREFIX = "clip-video-fetched-"
SCRATCH_FOLDER = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")
"""The names of scratch folders."""


@dataclass(frozen=True, slots=True)
class FetchedVideo:
    """The copy of an object.

    Attributes:
        path: The copy, named by the video's id.
        video_id: SHA-256 of its bytes.
        source: The object in the state that was fetched.
    """

    path: Path
    video_id: str
    source: BucketObject


class Scratch:
    """A folder of fetched videos. Together they take at most half of the space that the disk would have without them.

    To make room, those that were used least recently are deleted. May be used by several threads; of several processes,
    each should have its own (``own_scratch``).

    Args:
        folder: Created when it is needed.
        on_complete: Called with each complete file, the path that it gets then, and its id; if it raises, nothing of it
            is kept.
    """

    def __init__(self, folder: Path, on_complete: Callable[[Path, Path, str], None] = lambda *_: None) -> None:
        self.folder, self._on_complete = folder, on_complete
        self._copies: dict[BucketObject, FetchedVideo] = {}
        self._used: dict[Path, int] = {}
        self._held = Counter[Path]()
        self._lock = threading.Lock()

    def fetching(self, address: str, stamp: tuple[int, int | str] | None = None) -> Generator[int, None, FetchedVideo]:
        """Fetch an object, unless its copy is here; closing the generator stops it, and nothing of it is kept.

        Args:
            address: The object.
            stamp: Its ``BucketObject.stamp`` when it was looked at; None: any.

        Yields:
            The number of bytes that have arrived.

        Raises:
            VideoNotFoundError: There is no such object.
            VideoChangedError: It has another stamp now, or changed while it was read.
            VideoError: It is empty, there is no room for it, or the store does not answer or refuses.
        """
        found = find_object(address)
        if stamp is not None and found.stamp != tuple(stamp):
            raise changed_error(address)
        with self._lock:
            copy = self._copies.get(found)
        if copy is not None and copy.path.is_file():
            return copy
        if not found.size_bytes:
            raise VideoError(f"{shown_address(address)} is empty: it has 0 bytes.", "Upload it again.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._make_room(found)
            copy = yield from self._fetch(found)
        except OSError as error:
            raise self._no_place(found, error) from error
        with self._lock:
            self._copies[found] = copy
        return copy

    def _fetch(self, found: BucketObject) -> Generator[int, None, FetchedVideo]:
        with PartFile(unique_part(self.folder)) as part:
            with part.path.open("wb") as out:
                video_id = yield from _copying(found, out)
            target = self.folder / copy_name(video_id, found.address)
            self._on_complete(part.path, target, video_id)
            part.keep(target)
        return FetchedVideo(target, video_id, found)

    @contextmanager
    def holding(self, path: Path) -> Iterator[None]:
        """Keep a copy during the block."""
        with self._lock:
            self._held[path] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[path] -= 1
                self._used[path] = max(self._used.values(), default=0) + 1

    def _make_room(self, found: BucketObject) -> None:
        """Delete old copies until the object fits.

        Raises:
            VideoError: It does not fit.
        """
        with self._lock:
            copies = _files_in(self.folder)
            own = sum(status.st_size for status in copies.values())
            most = (shutil.disk_usage(self.folder).free + own) // 2
            old = sorted(copies, key=lambda path: (self._used.get(path, 0), copies[path].st_atime_ns))
            for path in old:
                if found.size_bytes > most or own + found.size_bytes <= most:
                    break
                if not self._held[path] and not path.name.startswith("."):
                    path.unlink(missing_ok=True)
                    own -= copies[path].st_size
        if own + found.size_bytes > most:
            what = f"There is no room for {shown_address(found.address)}: it has {size_text(found.size_bytes)}"
            what += f", and {size_text(max(0, most - own))} may be used in {self.folder}."
            raise VideoError(what, "Free some space there.")

    def _no_place(self, found: BucketObject, error: OSError) -> VideoError:
        reason = "the disk is full" if is_full(error) else reason_of(error)
        what = f"{shown_address(found.address)} cannot be kept in {self.folder}: {reason}."
        return VideoError(what, "Free some space, or check that folder.")


def _files_in(folder: Path) -> dict[Path, os.stat_result]:
    found = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process has deleted it just now
            found[path] = path.stat()
    return found


def _copying(found: BucketObject, out: IO[bytes]) -> Generator[int, None, str]:
    """Copy an object to a file in parts; yield the number of bytes so far, and return their SHA-256."""
    digest, done = hashlib.sha256(), 0
    while done < found.size_bytes:
        end = min(done + PART_BYTES, found.size_bytes)
        part = _part(found, done, end)
        if len(part) != end - done:
            raise changed_error(found.address)
        out.write(part)
        digest.update(part)
        done = end
        yield done
    if not found.has_etag and find_object(found.address) != found:
        raise changed_error(found.address)
    return digest.hexdigest()


def _part(found: BucketObject, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of an object; of one that has changed, the store gives none."""
    bucket, key = open_bucket(found.address)
    options: GetOptions = {"range": (start, end)}
    if found.has_etag:
        options["if_match"] = found.etag
    tries = 0
    while True:
        tries += 1
        try:
            with telling(found.address):
                return bytes(bucket.get(key, options=options).bytes())
        except VideoError as error:
            if tries == _TRIES or type(error) is not VideoError:
                raise


@contextmanager
def own_scratch(folder: str | Path | None = None) -> Iterator[Scratch]:
    """Make a scratch folder of this process alone within ``folder`` (None: the system's), and delete it at the end.

    Those of processes that were killed an hour ago or earlier are deleted, too.

    Raises:
        VideoError: It cannot be made.
    """
    place = Path(tempfile.gettempdir() if folder is None else folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        sweep(place, SCRATCH_FOLDER)
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        lock = lock_folder(made)
    except OSError as error:
        raise VideoError(f"No video can be fetched to {place}: {reason_of(error)}.", "Check that folder.") from error
    try:
        yield Scratch(made)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if lock is not None:
            os.close(lock)


@contextmanager
def fetched(address: str, scratch: Scratch, stamp: tuple[int, int | str] | None = None) -> Iterator[FetchedVideo]:
    """Fetch an object unless its copy is there; it stays at least until the block ends. See ``Scratch.fetching``."""
    steps = scratch.fetching(address, stamp)
    while True:
        try:
            next(steps)
        except StopIteration as arrived:
            copy: FetchedVideo = arrived.value
            break
    with scratch.holding(copy.path):
        yield copy


@contextmanager
def naming_source(copy: FetchedVideo) -> Iterator[None]:
    """Make errors within the block name the object, in place of the copy, which is named by its hash."""
    try:
        yield
    except VideoError as error:
        name = shown_name(copy.path)
        if name not in error.what:
            raise
        named = type(error)(error.what.replace(name, shown_address(copy.source.address)), error.next_step)
        vars(named).update(vars(error), what=named.what)
        raise named from error


def fetching_noted(found: BucketObject, scratch: Scratch) -> Generator[Progress, None, FetchedVideo]:
    """Fetch an object in this state as ``Scratch.fetching`` does, and report how much has arrived, in bytes."""
    total = found.size_bytes
    note = f"Fetching it from the bucket: {{}} of {size_text(total)}"
    with closing(scratch.fetching(found.address, found.stamp)) as steps:
        yield Progress(0, total, stage="identifying", note=note.format(size_text(0)))
        while True:
            try:
                done = next(steps)
            except StopIteration as arrived:
                return arrived.value  # type: ignore[no-any-return]
            yield Progress(done, total, stage="identifying", note=note.format(size_text(done)))


def remember_fetched(copy: FetchedVideo, store: EmbeddingStore) -> None:
    """Store the record of a fetched video, with its address as its path, and the id of object and copy.

    Raises:
        VideoError: It is not a video.
        StoreError: The store cannot be written.
    """
    known = store.video(copy.video_id)
    if known is None:
        with open_video(copy.path, video_id=copy.video_id) as video:
            known = record_of(video, copy.video_id, None)
    store.remember_video(placed(known, copy.source.address))
    store.remember_id(copy.source.address, *copy.source.stamp, copy.video_id)
    store.remember_id(copy.path, *file_stamp(copy.path), copy.video_id)


def _holds(target: Path, video_id: str, store: EmbeddingStore) -> bool:
    """Return whether a copy is there, and is what its name says; the store remembers it then."""
    if not target.is_file():
        return False
    stamp = file_stamp(target)
    if store.known_id(target, *stamp) == video_id:
        return True
    if hash_file(target) != video_id:
        return False
    store.remember_id(target, *stamp, video_id)
    return True


def fetch_copy(
    record: VideoRecord | VideoSummary, config: Config, store: EmbeddingStore
) -> Generator[Progress, None, None]:
    """Fetch a stored video that lies in a bucket to ``fetched_path``; closing the generator stops it.

    Yields:
        Progress in bytes; "done" at the end.

    Raises:
        VideoChangedError: The object is another video now.
        VideoError: It cannot be fetched.
        StoreError: The store cannot be read or written.
    """
    target = fetched_path(record, config)
    sweep(target.parent)

    def check_in(part: Path, path: Path, video_id: str) -> None:
        if video_id != record.video_id:
            raise changed_error(record.path)
        store.remember_id(path, *file_stamp(part), video_id)  # before the page sees it, and hashes it

    if not _holds(target, record.video_id, store):
        found = find_object(record.path)
        if store.known_id(record.path, *found.stamp) not in (None, record.video_id):
            raise changed_error(record.path)
        yield from fetching_noted(found, Scratch(target.parent, check_in))
    yield Progress(record.size_bytes, record.size_bytes, stage="done")
