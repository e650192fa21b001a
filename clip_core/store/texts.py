"""Embeddings of prompts: one table per model, keyed by the SHA-256 of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clip_core.store.frames import add_vectors, dim_of, vectors_of
from clip_core.store.tables import Tables, digest, plain_id
from clip_core.text import unicode_text
from clip_core.types import Floats

PREFIX = "texts_"


def _schema(dim: int) -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    return pa.schema([("key", pa.string()), ("prompt", pa.string()), ("vector", pa.list_(pa.float32(), dim))])


def texts(tables: Tables, fingerprint: str, prompts: Sequence[str]) -> dict[str, Floats]:
    """Return prompt → float32 (dim,), for those of ``prompts`` that are stored."""
    if not prompts:
        return {}
    by_key = {digest(prompt): prompt for prompt in prompts}
    with tables.reading(PREFIX + plain_id(fingerprint)) as table:
        if table is None:
            return {}
        listed = ", ".join(f"'{key}'" for key in by_key)
        rows = table.rows(("key", "vector"), f"key IN ({listed})")
        vectors = vectors_of(rows, dim_of(table))
    return {by_key[key]: vectors[i] for i, key in enumerate(rows["key"].to_pylist())}


def append_texts(tables: Tables, fingerprint: str, prompts: Sequence[str], vectors: Floats) -> None:
    """Commit the vectors of prompts, float32 (len(prompts), dim).

    Raises:
        StoreError: The vectors' length differs from that of this model's stored vectors.
    """
    import pyarrow as pa

    if vectors.ndim != 2 or len(vectors) != len(prompts):
        raise ValueError(f"vectors must be ({len(prompts)}, dim), not {vectors.shape}")
    if not prompts:
        return
    dim = vectors.shape[1]
    flat = np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1)
    columns = [
        pa.array([digest(prompt) for prompt in prompts], pa.string()),
        pa.array([unicode_text(prompt) for prompt in prompts], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat), dim),
    ]
    add_vectors(
        tables, PREFIX + plain_id(fingerprint), pa.Table.from_arrays(columns, schema=_schema(dim)), "text vectors"
    )
