"""Embeddings of frames: one table per model. A frame counts once even if it was appended several times.

LanceDB does not enforce unique keys when several processes append, so reading removes duplicates.
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
    """The position up to which a reader has read. Opaque except for its attributes.

    Attributes:
        restarted: Whether the video was forgotten and begun again since the previous revision. The
            reader must then drop its earlier frames, because this read starts from the beginning.
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
    """Return the length of the vectors in a table of frames or texts."""
    return int(table.schema.field("vector").type.list_size)


def append(tables: Tables, video_id: str, fingerprint: str, embeddings: FrameEmbeddings) -> None:
    """Commit one batch, all or nothing.

    Raises:
        StoreError: The vectors' length differs from that of this model's stored vectors.
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
    """Commit a ``pyarrow.Table`` of vectors to the table ``name``, which is created if needed.

    Raises:
        StoreError: The vectors' length differs from that of the stored ones; the message calls them ``what``.
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
    """Return the pts of the stored frames: int64 (n,), increasing, each once."""
    with tables.reading(PREFIX + plain_id(fingerprint)) as table:
        if table is None:
            return np.empty(0, dtype=np.int64)
        return np.unique(_column(table.rows(("pts",), f"video = '{plain_id(video_id)}'"), "pts"))


def read(tables: Tables, video_id: str, fingerprint: str, since: Revision | None) -> tuple[FrameEmbeddings, Revision]:
    """Return the frames committed since a revision, sorted by pts, each once over the whole chain of reads.

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
    """Return one row for each frame not seen yet, and the last fragment that holds rows of this video."""
    where = f"video = '{plain_id(video_id)}'"
    if fragment >= 0:
        # The upper 32 bits of a row's address are its fragment. Every commit gets a higher fragment than
        # all before it. So does compaction; its old rows are recognised by their pts.
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
    # Half precision changes the lengths by up to 1e-3.
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return FrameEmbeddings(pts[order], rows["time_s"].to_numpy()[order], vectors[order])


def vectors_of(rows: Any, dim: int) -> Floats:  # noqa: ANN401
    """Return the column ``vector`` of a pyarrow table as float32 (n, dim)."""
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, dim)


def _column(rows: Any, name: str) -> Ints:  # noqa: ANN401
    return np.asarray(rows[name].to_numpy(), dtype=np.int64)


def _nothing(dim: int) -> FrameEmbeddings:
    return FrameEmbeddings(np.empty(0, np.int64), np.empty(0, np.float64), np.empty((0, dim), np.float32))
