"""From the id of a video to its file, for whoever may read it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.pipeline.identify import file_stamp
from clip_core.pipeline.list_videos import is_allowed, list_videos
from clip_core.store.store import EmbeddingStore
from clip_core.values import VideoRecord
from clip_core.video.sequence import parse_sequence

_ID = re.compile("[0-9a-f]{64}")
_OPEN_FILES = Path("/proc/self/fd")


@dataclass(frozen=True)
class FoundFile:
    """A video's file: where it lies, its ``file_stamp``, and FFmpeg's name of its container."""

    path: Path
    stamp: tuple[int, int]
    container: str


def is_video_id(text: str) -> bool:
    """Whether a text is a SHA-256 in hex digits, and so may be looked up."""
    return _ID.fullmatch(text) is not None


def lasting_path(file: BinaryIO) -> Path | None:
    """A path that leads to an open file whatever lies at its own path by now; None if this system has none."""
    path = _OPEN_FILES / str(file.fileno())
    return path if path.exists() else None


def find_file(video_id: str, config: Config, store: EmbeddingStore) -> FoundFile:
    """Return the file whose bytes have that id: where it was last indexed, else among those that the page offers.

    Raises:
        VideoNotFoundError: No such video is stored, it is a sequence of images, its file was moved or changed, or
            lies where the settings do not allow it. The message names no path.
        StoreError: The store cannot be read.
    """
    record = store.video(video_id) if is_video_id(video_id) else None
    if record is None:
        raise VideoNotFoundError("There is no such video.", "Open it on the page Investigate first.")
    if parse_sequence(record.path) is not None:
        raise VideoNotFoundError("Numbered images have no single file to play.", "Choose View → Frames.")
    try:
        return _checked(Path(record.path), record, config, store)
    except VideoNotFoundError:
        found = _elsewhere(record, config, store)
        if found is None:
            raise
        return found


def _checked(path: Path, record: VideoRecord, config: Config, store: EmbeddingStore) -> FoundFile:
    """The file at ``path``, if it is still the one that was indexed and may be read."""
    try:
        found = file_stamp(path)
    except VideoNotFoundError as error:
        raise _moved() from error
    if store.known_id(path, *found) != record.video_id:
        raise _changed()
    if not is_allowed(path, config):
        raise _outside()
    return FoundFile(path, found, record.container)


def _elsewhere(record: VideoRecord, config: Config, store: EmbeddingStore) -> FoundFile | None:
    """The same bytes under another name: a file that was renamed, or another copy. The record names but one path."""
    try:
        choices = list_videos(config, store)
    except VideoError:  # a folder cannot be listed, and the message would name it
        return None
    for path in (choice.path for choice in choices):
        with suppress(VideoNotFoundError, OSError):
            if path.stat().st_size == record.size_bytes:
                return _checked(path, record, config, store)
    return None


def open_file(found: FoundFile, config: Config) -> BinaryIO:
    """Open a file that was found. What is checked is the open file: its path may be another's by now.

    Raises:
        VideoNotFoundError: It was moved, changed or replaced since, or lies where the settings do not allow it.
        VideoError: It may not be read. No message names a path.
    """
    try:
        file = found.path.open("rb")
    except PermissionError as error:
        raise VideoError("The file of this video may not be read.", "Check its permissions.") from error
    except OSError as error:
        raise _moved() from error
    try:
        _check(file, found, config)
    except BaseException:
        file.close()
        raise
    return file


def _check(file: BinaryIO, found: FoundFile, config: Config) -> None:
    status = os.fstat(file.fileno())
    if (status.st_size, status.st_mtime_ns) != found.stamp:
        raise _changed()
    lasting = lasting_path(file)
    real = found.path if lasting is None else lasting.readlink()
    if not is_allowed(real, config):
        raise _outside()


def _moved() -> VideoNotFoundError:
    return VideoNotFoundError("The file of this video was moved or deleted.", "Put it back.")


def _changed() -> VideoNotFoundError:
    return VideoNotFoundError("The file of this video was changed since.", "Open it again.")


def _outside() -> VideoNotFoundError:
    return VideoNotFoundError("The file of this video lies outside video_dirs.", "Add its folder in config.yaml.")
