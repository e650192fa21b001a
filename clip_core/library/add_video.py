"""Add a video by upload, or by a path within the video folders."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from clip_core.config import Config
from clip_core.errors import StoreError, StoreFullError, VideoError, VideoNotFoundError, shown_name
from clip_core.files import PartFile, lacking_room
from clip_core.library.folders import EXTENSIONS, folder_keys
from clip_core.library.identify import file_stamp, is_there, record_of, reindex_error
from clip_core.library.videos import is_allowed, is_below, own_folders, videos_in
from clip_core.store.store import EmbeddingStore
from clip_core.text import size_text
from clip_core.video import open_video
from clip_core.video.identity import BLOCK_BYTES, hash_file
from clip_core.video.opening import upload_extension
from clip_core.video.sequence import parse_sequence, with_rate

SPARE_BYTES = 256 * 1024 * 1024
UPLOAD_PART = re.compile(r"\.upload-[a-z0-9_]{8}\.part")
"""The names of uploads that are being copied."""


def add_upload(
    stream: BinaryIO,
    size_bytes: int,
    name: str,
    folder: Path,
    store: EmbeddingStore,
    on_bytes: Callable[[int], None] | None = None,
) -> Path:
    """Copy an upload to ``<folder>/<video_id>.<extension of its container>`` and store its name.

    The path contains nothing of the user's file name. An existing copy is not replaced; a file that is not a
    video is deleted.

    Args:
        stream: The ``size_bytes`` bytes, positioned at the start.
        name: The user's name for the file, for display only.
        folder: Created if it is missing.
        on_bytes: Called with the number of bytes copied so far.

    Raises:
        StoreFullError: The disk has no room for the file.
        StoreError: The folder cannot be written.
        VideoError: The file is not a readable video.
        ReadOnlyError: The store is read-only; nothing is copied.
    """
    store.check_writable()
    _need_room(folder, size_bytes, name)
    try:
        handle, temporary = tempfile.mkstemp(prefix=".upload-", suffix=".part", dir=folder)
    except OSError as error:
        raise _no_place(folder, error) from error
    os.close(handle)
    with PartFile(Path(temporary)) as part:
        try:
            return _keep(part, _copy(stream, part.path, name, on_bytes), name, store)
        except VideoError as error:  # it names the temporary file, which means nothing to the user
            what = error.what.replace(shown_name(part.path), shown_name(name))
            raise type(error)(what, error.next_step) from error


def _keep(part: PartFile, video_id: str, name: str, store: EmbeddingStore) -> Path:
    known = store.video(video_id)
    # If a video must be indexed again, its record stays until then: the stored frames refer to its time table.
    outdated = known if known is not None and reindex_error(known, store) is not None else None
    with open_video(part.path, video_id=video_id, table=None if known is None else known.table) as video:
        target = part.path.with_name(f"{video_id}.{upload_extension(video)}")
        record = outdated or record_of(video, video_id, known)
    if not _holds(target, video_id, store):
        part.keep(target)
    # Stored vectors are of pictures as they were read then, which only indexing again changes.
    reading = record.reading if known is None else known.reading
    store.remember_video(replace(record, path=str(target.absolute()), name=shown_name(name), reading=reading))
    store.remember_id(target, *file_stamp(target), video_id)
    return target


def _holds(target: Path, video_id: str, store: EmbeddingStore) -> bool:
    """Return whether an upload of the same video is there already, and nobody has changed its file."""
    if not target.is_file():
        return False
    return store.known_id(target, *file_stamp(target)) == video_id or hash_file(target) == video_id


def _need_room(folder: Path, size_bytes: int, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lacking = lacking_room(folder, size_bytes, SPARE_BYTES)
    except OSError as error:
        raise _no_place(folder, error) from error
    if lacking:
        what = f"There is no room for {shown_name(name)}: it has {size_text(size_bytes)}, but {lacking}."
        raise StoreFullError(what, "Free some space and upload it again.")


def _no_place(folder: Path, error: OSError) -> StoreError:
    return StoreError(f"Uploads cannot be kept in {shown_name(folder)}: {error.strerror}.", "Check that folder.")


def _copy(stream: BinaryIO, part: Path, name: str, on_bytes: Callable[[int], None] | None) -> str:
    """Copy the bytes to a file; return their SHA-256."""
    digest, copied = hashlib.sha256(), 0
    try:
        with part.open("wb") as out:
            while block := stream.read(BLOCK_BYTES):
                out.write(block)
                digest.update(block)
                copied += len(block)
                if on_bytes is not None:
                    on_bytes(copied)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        what = f"{shown_name(name)} could not be kept: {error.strerror}."
        raise StoreFullError(what, "Free some space and upload it again.") from error
    return digest.hexdigest()


MOST_SHOWN = 300


@dataclass(frozen=True)
class OpenedPath:
    """What lies at a path: one video, or the videos of a folder and its subfolders.

    Attributes:
        notes: Sentences that say which subfolders were left out.
    """

    path: Path
    videos: tuple[Path, ...]
    is_folder: bool
    notes: tuple[str, ...] = ()


def open_path(typed: str, config: Config, *, empty_ok: bool = False) -> OpenedPath:
    """Return the videos at a typed path; a relative path is looked up in the video folders.

    Links and ".." are resolved before the check that the path lies in a video folder. Outside the video folders
    nothing is revealed, not even whether the path exists.

    Raises:
        VideoNotFoundError: There is nothing at the path, or a folder without a video, unless ``empty_ok``.
        VideoError: The path lies outside the video folders, or is not a valid path.
    """
    try:
        path = _meant(typed.strip(), config)
        inside = is_below(path.resolve(), config) if parse_sequence(path) is None else is_allowed(path, config)
        if not inside:
            raise _outside(path, config)
        return _opened(path, config, empty_ok=empty_ok)
    except (OSError, ValueError, RuntimeError) as error:
        raise VideoError(f"{shown_name(typed)} cannot be opened.", "Check the path.") from error


def _meant(typed: str, config: Config) -> Path:
    path = Path(typed).expanduser()
    if path.is_absolute():
        return path
    places = [folder / path for folder in config.video_dirs] or [path]
    return next((place for place in places if place.is_dir() or is_there(place)), places[0]).absolute()


def _opened(path: Path, config: Config, *, empty_ok: bool) -> OpenedPath:
    if path.is_dir():
        found = videos_in(path, config, own_folders(config) - folder_keys([path]))
        if not found.videos and not empty_ok:
            step = found.notes[0] if found.notes else "Its subfolders were searched, too."
            raise VideoNotFoundError(f"There is no video in {shown_name(path)}.", step)
        return OpenedPath(path, found.videos, is_folder=True, notes=found.notes)
    if not is_there(path):
        raise VideoNotFoundError(f"There is no file {shown_name(path)}.", "Check the path.")
    return OpenedPath(path, (with_rate(path, config.sequence_fps),), is_folder=False)


def _outside(path: Path, config: Config) -> VideoError:
    """Return an error that names the folder to add, without checking what lies there."""
    folder = path.parent if path.suffix.lower() in EXTENSIONS or parse_sequence(path) is not None else path
    source = "config.yaml" if config.source is None else shown_name(config.source)
    step = f"Add {str(folder)[:MOST_SHOWN]} to video_dirs in {source}, beside what is there, and open it again."
    return VideoError(f"{shown_name(path)} does not lie in a video folder.", step)
