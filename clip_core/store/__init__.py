"""Videos, embeddings of frames and embeddings of texts on disk. Importing this loads no LanceDB."""

from __future__ import annotations

from clip_core.store.store import EmbeddingStore

__all__ = ["EmbeddingStore"]
