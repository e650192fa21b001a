"""Store videos, embeddings and settings in LanceDB. The public interface is ``EmbeddingStore`` in store.py."""
