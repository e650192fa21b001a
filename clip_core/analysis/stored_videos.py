"""What is stored, and forgetting it."""

from __future__ import annotations

from pathlib import Path

from clip_core.config import Config
from clip_core.errors import ProxyError, VideoError
from clip_core.library.videos import is_video_id, uploads_folder
from clip_core.media.proxies import proxy_path
from clip_core.store.store import EmbeddingStore, StoredModel, StoredVideo


def list_stored(store: EmbeddingStore) -> list[StoredVideo]:
    """Return what is stored of each video, the last added first.

    Raises:
        StoreError: The store cannot be read.
    """
    return store.usage()


def sizes_of_models(video: StoredVideo) -> list[tuple[StoredModel, int]]:
    """Each model of a video with its share of the room; what all have in common is with the first.

    So the shares are together what the video takes.
    """
    shared = video.size_bytes - sum(model.size_bytes for model in video.models)
    return [(model, model.size_bytes + (shared if place == 0 else 0)) for place, model in enumerate(video.models)]


def count_judged(video_id: str, store: EmbeddingStore) -> int:
    """Return how many moments of a video were judged by hand.

    Raises:
        StoreError: The store cannot be read.
    """
    return len(store.edits(video_id))


def forget_video(video_id: str, store: EmbeddingStore) -> None:
    """Delete all that is stored of a video: its embeddings under all models, thumbnails, settings and judgements.

    Its file is not touched. Embeddings and thumbnails can be made again, judgements cannot: see ``count_judged``.

    Raises:
        StoreError: The store cannot be written.
    """
    store.forget(video_id)


def copy_bytes(video_id: str, config: Config) -> int:
    """Return the size of a video's copy to play, 0 if there is none."""
    try:
        return proxy_path(config, video_id).stat().st_size
    except OSError:
        return 0


def forget_copy(video_id: str, config: Config) -> None:
    """Delete a video's copy to play, if there is one.

    Raises:
        ProxyError: It cannot be deleted.
    """
    try:
        proxy_path(config, video_id).unlink(missing_ok=True)
    except OSError as error:
        raise ProxyError(
            f"The copy to play cannot be deleted: {error.strerror}.", "Check the permissions of its folder."
        ) from error


def uploaded_file(video_id: str, config: Config) -> Path | None:
    """Return the file of a video that was uploaded, None if it was not, or is gone.

    Only a file that lies in the folder of uploads under the video's own id counts: no link, and no file that
    somebody put elsewhere.
    """
    if not is_video_id(video_id):
        return None
    try:
        found = sorted(uploads_folder(config).glob(f"{video_id}.*"))
    except OSError:
        return None
    return next((path for path in found if path.is_file() and not path.is_symlink()), None)


def delete_upload(video_id: str, config: Config) -> None:
    """Delete the uploaded file of a video, if there is one. There is no undo.

    Raises:
        VideoError: It cannot be deleted.
    """
    path = uploaded_file(video_id, config)
    if path is None:
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VideoError(
            f"The uploaded file cannot be deleted: {error.strerror}.", "Check the permissions of its folder."
        ) from error
