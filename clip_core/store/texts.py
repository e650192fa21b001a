"""Embeddings of prompts: one table per model, keyed by the SHA-256 of the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clip_core.errors import StoreError
from clip_core.store.frames import dim_of, vectors_of
from clip_core.store.tables import Tables, digest, plain_id
from clip_core.values import Floats

PREFIX = "texts_"


def _schema(dim: int) -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    return pa.schema([("key", pa.string()), ("prompt", pa.string()), ("vector", pa.list_(pa.float32(), dim))])


def texts(tables: Tables, fingerprint: str, prompts: Sequence[str]) -> dict[str, Floats]:
    """Prompt → float32 (dim,), for those of ``prompts`` that are stored."""
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
        StoreError: The vectors are of another length than those of this model.
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
        pa.array([prompt.encode("utf-8", "replace").decode("utf-8") for prompt in prompts], pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(flat), dim),
    ]
    with tables.writing(PREFIX + plain_id(fingerprint), lambda: _schema(dim)) as table:
        if dim_of(table) != dim:
            raise StoreError(
                f"This model's stored text vectors have {dim_of(table)} numbers, and these have {dim}.",
                "The model's folder changed under the same fingerprint: restore it.",
            )
        table.add(pa.Table.from_arrays(columns, schema=_schema(dim)))
