"""Embeddings of frames: one table per model. A frame counts once, however often it was appended.

LanceDB promises no unique keys when several processes append, so the reader makes them unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clip_core.errors import StoreError
from clip_core.store.runs import epoch
from clip_core.store.tables import Table, Tables, plain_id
from clip_core.types import Floats, FrameEmbeddings, Ints

PREFIX = "frames_"
_COLUMNS = ("pts", "time_s", "vector")


@dataclass(frozen=True, slots=True, eq=False)
class Revision:
    """Up to where a reader has read. Opaque but for ``restarted``.

    Attributes:
        restarted: The video was forgotten and begun anew since the revision that was passed: the
            reader must drop what it has, for this read started over.
        epoch: The run that was read.
    """

    restarted: bool
    epoch: str
    _runs_state: str
    _state: str
    _fragment: int
    _seen: Ints


def _schema(dim: int) -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    vector = pa.list_(pa.float16(), dim)
    return pa.schema([("video", pa.string()), ("pts", pa.int64()), ("time_s", pa.float64()), ("vector", vector)])


def dim_of(table: Table) -> int:
    """The length of the vectors in a table of frames or texts."""
    return int(table.schema.field("vector").type.list_size)


def append(tables: Tables, video_id: str, fingerprint: str, embeddings: FrameEmbeddings) -> None:
    """Commit one batch, all or none.

    Raises:
        StoreError: The vectors are of another length than those of this model.
    """
    import pyarrow as pa

    n = len(embeddings)
    if n == 0:
        return
    dim = embeddings.vectors.shape[1]
    halves = np.ascontiguousarray(embeddings.vectors, dtype=np.float16).reshape(-1)
    columns = [
        pa.array([plain_id(video_id)] * n),
        pa.array(embeddings.pts, pa.int64()),
        pa.array(embeddings.times_s, pa.float64()),
        pa.FixedSizeListArray.from_arrays(pa.array(halves), dim),
    ]
    add_vectors(tables, PREFIX + plain_id(fingerprint), pa.Table.from_arrays(columns, schema=_schema(dim)), "vectors")


def add_vectors(tables: Tables, name: str, rows: Any, what: str) -> None:  # noqa: ANN401 - pyarrow is not imported here
    """Commit a ``pyarrow.Table`` of vectors to the table of this name, which is made if need be.

    Raises:
        StoreError: They are of another length than those that are there; ``what`` they are, for the message.
    """
    dim = int(rows.schema.field("vector").type.list_size)
    with tables.writing(name, lambda: rows.schema) as table:
        if dim_of(table) != dim:
            raise StoreError(
                f"This model's stored {what} have {dim_of(table)} numbers, and these have {dim}.",
                "The model's folder changed under the same fingerprint: restore it.",
            )
        table.add(rows)


def stored_pts(tables: Tables, video_id: str, fingerprint: str) -> Ints:
    """int64 (n,): the frames that are stored, rising, each once."""
    with tables.reading(PREFIX + plain_id(fingerprint)) as table:
        if table is None:
            return np.empty(0, dtype=np.int64)
        return np.unique(_column(table.rows(("pts",), f"video = '{plain_id(video_id)}'"), "pts"))


def read(tables: Tables, video_id: str, fingerprint: str, since: Revision | None) -> tuple[FrameEmbeddings, Revision]:
    """Rows committed since a revision, each frame once over the whole chain, sorted by pts.

    Raises:
        NotIndexedError: The video was never begun under this model, or was forgotten.
    """
    known = None if since is None else (since._runs_state, since.epoch)
    runs_state, run_epoch = epoch(tables, video_id, fingerprint, known)
    restarted = since is not None and since.epoch != run_epoch
    past = None if restarted else since
    seen = np.empty(0, dtype=np.int64) if past is None else past._seen
    fragment = -1 if past is None else past._fragment
    with tables.reading(PREFIX + plain_id(fingerprint)) as table:
        if table is None:
            return _nothing(0), Revision(restarted, run_epoch, runs_state, "", -1, seen)
        state = table.state
        if past is not None and past._state == state:
            return _nothing(dim_of(table)), Revision(False, run_epoch, runs_state, state, fragment, seen)
        rows, fragment = _unseen(table, video_id, seen, fragment)
        embeddings = _embeddings(rows, dim_of(table))
    seen = np.union1d(seen, embeddings.pts)
    seen.flags.writeable = False
    return embeddings, Revision(restarted, run_epoch, runs_state, state, fragment, seen)


def _unseen(table: Table, video_id: str, seen: Ints, fragment: int) -> tuple[Any, int]:
    """One row for each frame not seen yet, and the last fragment that holds rows of this video."""
    where = f"video = '{plain_id(video_id)}'"
    if fragment >= 0:
        # A row's address is its fragment in the upper 32 bits. Every commit gets a higher fragment
        # than all before it, and so does compaction, whose rows are then told by their pts.
        where += f" AND _rowaddr >= {(fragment + 1) << 32}"
    scanned = table.rows(("pts",) if len(seen) else _COLUMNS, where)
    row_ids = _column(scanned, "_rowid")
    if len(row_ids):
        fragment = int(row_ids.max() >> 32)
    fresh, first = np.unique(_column(scanned, "pts"), return_index=True)
    new = first[~np.isin(fresh, seen, assume_unique=True)]
    if len(seen) == 0:
        return scanned.take(new), fragment
    return table.take(row_ids[new].tolist(), _COLUMNS), fragment


def _embeddings(rows: Any, dim: int) -> FrameEmbeddings:  # noqa: ANN401
    pts, vectors = _column(rows, "pts"), vectors_of(rows, dim)
    order = np.argsort(pts, kind="stable")
    # Half precision moved the lengths by up to 1e-3.
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return FrameEmbeddings(pts[order], rows["time_s"].to_numpy()[order], vectors[order])


def vectors_of(rows: Any, dim: int) -> Floats:  # noqa: ANN401
    """float32 (n, dim): the column ``vector`` of a pyarrow table."""
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, dim)


def _column(rows: Any, name: str) -> Ints:  # noqa: ANN401
    return np.asarray(rows[name].to_numpy(), dtype=np.int64)


def _nothing(dim: int) -> FrameEmbeddings:
    return FrameEmbeddings(np.empty(0, np.int64), np.empty(0, np.float64), np.empty((0, dim), np.float32))
