"""From the id of a video to its file, for whoever may read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import VideoNotFoundError
from clip_core.pipeline.identify import file_stamp
from clip_core.pipeline.list_videos import is_allowed
from clip_core.store.store import EmbeddingStore

_ID = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class FoundFile:
    """A video's file: where it lies, its ``file_stamp``, and FFmpeg's name of its container."""

    path: Path
    stamp: tuple[int, int]
    container: str


def is_video_id(text: str) -> bool:
    """Whether a text is a SHA-256 in hex digits, and so may be looked up."""
    return _ID.fullmatch(text) is not None


def find_file(video_id: str, config: Config, store: EmbeddingStore) -> FoundFile:
    """Return the file whose bytes have that id.

    Raises:
        VideoNotFoundError: No such video is stored, its file was moved or changed, or lies where the settings
            do not allow it. The message names no path.
        StoreError: The store cannot be read.
    """
    record = store.video(video_id) if is_video_id(video_id) else None
    if record is None:
        raise VideoNotFoundError("There is no such video.", "Open it on the page Investigate first.")
    path = Path(record.path)
    try:
        found = file_stamp(path)
    except VideoNotFoundError as error:
        raise VideoNotFoundError("The file of this video was moved or deleted.", "Put it back.") from error
    if store.known_id(path, *found) != video_id:
        raise VideoNotFoundError("The file of this video was changed since.", "Open it again.")
    if not is_allowed(path, config):
        raise VideoNotFoundError("The file of this video lies outside video_dirs.", "Add its folder in config.yaml.")
    return FoundFile(path, found, record.container)
