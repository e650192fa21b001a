"""What is stored of a video beside its store: how large it is, and how to delete it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clip_core.config import Config
from clip_core.errors import ProxyError, VideoError
from clip_core.library.identify import is_there, known_video, reindex_error
from clip_core.library.videos import fetched_folder, is_video_id, uploads_folder
from clip_core.media.proxies import proxies_folder, proxy_path
from clip_core.store.store import EmbeddingStore, StoredModel, StoredVideo

SORTS: Mapping[str, Callable[[StoredVideo], str | float]] = {
    "Added": lambda video: video.record.added_s,
    "Name": lambda video: video.record.name.casefold(),
    "Recorded": lambda video: video.record.recorded_s or 0.0,
    "Length": lambda video: video.record.end_s,
    "Resolution": lambda video: video.record.width * video.record.height,
    "Frames": lambda video: sum(model.frames for model in video.models),
    "On disk": lambda video: video.size_bytes,
}
"""What a list of videos can be sorted by → its key."""
_CHECK = "Check the permissions of its folder."


def find_videos_named(videos: Sequence[StoredVideo], typed: str) -> list[StoredVideo]:
    """Return the videos whose names hold every word that was typed, ignoring capitals."""
    words = typed.casefold().split()
    return [video for video in videos if all(word in video.record.name.casefold() for word in words)]


def sizes_of_models(video: StoredVideo) -> list[tuple[StoredModel, int]]:
    """Return each model of a video with its share of the bytes; the shares add up to the size of the video.

    What all models have in common (thumbnails, time table) counts towards the first.
    """
    shared = video.size_bytes - sum(model.size_bytes for model in video.models)
    return [(model, model.size_bytes + (shared if place == 0 else 0)) for place, model in enumerate(video.models)]


def copy_bytes(video_id: str, config: Config) -> int:
    """Return the size of a video's proxy, or 0 if there is none."""
    try:
        return proxy_path(config, video_id).stat().st_size
    except OSError:
        return 0


def copies_bytes(config: Config) -> int:
    """Return the size of all proxies together."""
    return _bytes_in(proxies_folder(config))


def _bytes_in(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except OSError:
        return 0


def fetched_bytes(config: Config) -> int:
    """Return the size of all videos together that were fetched from buckets."""
    return _bytes_in(fetched_folder(config))


def delete_fetched(config: Config, video_id: str = "") -> None:
    """Delete the copy of a video that was fetched from a bucket, or all such copies; they can be fetched again.

    Raises:
        VideoError: A copy cannot be deleted.
    """
    try:
        for path in fetched_folder(config).glob(f"{video_id}*"):
            if is_video_id(path.stem):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise VideoError(f"The fetched video cannot be deleted: {error.strerror}.", _CHECK) from error


def forget_copy(video_id: str, config: Config) -> None:
    """Delete a video's proxy, if there is one.

    Raises:
        ProxyError: The proxy cannot be deleted.
    """
    try:
        proxy_path(config, video_id).unlink(missing_ok=True)
    except OSError as error:
        raise ProxyError(f"The copy to play cannot be deleted: {error.strerror}.", _CHECK) from error


def forget_outdated_copy(path: str | Path, store: EmbeddingStore, config: Config) -> None:
    """Delete the proxy of a video that must be indexed again: it shows the pictures as an earlier version read them.

    Raises:
        ProxyError: The proxy cannot be deleted.
        ReadOnlyError: The store is read-only.
    """
    store.check_writable()
    record = known_video(path, store) if is_there(path) else None
    if record is not None and reindex_error(record, store) is not None:
        forget_copy(record.video_id, config)


def uploaded_file(video_id: str, config: Config) -> Path | None:
    """Return the file of an uploaded video, or None if the video was not uploaded or its file is gone.

    Only a regular file in the uploads folder that is named by the video's id counts; symbolic links do not.
    """
    if not is_video_id(video_id):
        return None
    try:
        found = sorted(uploads_folder(config).glob(f"{video_id}.*"))
    except OSError:
        return None
    return next((path for path in found if path.is_file() and not path.is_symlink()), None)


def delete_upload(video_id: str, config: Config) -> None:
    """Delete the uploaded file of a video, if there is one. This cannot be undone.

    Raises:
        VideoError: The file cannot be deleted.
    """
    path = uploaded_file(video_id, config)
    if path is None:
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VideoError(f"The uploaded file cannot be deleted: {error.strerror}.", _CHECK) from error
