"""Embeddings on disk (LanceDB): videos, frames, texts, and their upkeep. The face is in store.py."""
