"""What is stored, and forgetting it."""

from __future__ import annotations

from clip_core.store.store import EmbeddingStore, StoredVideo


def list_stored(store: EmbeddingStore) -> list[StoredVideo]:
    """Return what is stored of each video, the last added first.

    Raises:
        StoreError: The store cannot be read.
    """
    return store.usage()


def forget_video(video_id: str, store: EmbeddingStore) -> None:
    """Delete the embeddings of a video under all models. Its file is not touched.

    Raises:
        StoreError: The store cannot be written.
    """
    store.forget(video_id)
