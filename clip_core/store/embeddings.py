"""Embeddings: one table of frames and one of prompts per model.

A frame counts once even if it was appended several times: LanceDB does not enforce unique keys when several processes
append, so reading removes duplicates. Prompts are keyed by their SHA-256.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_core.errors import StoreError
from clip_core.store.errors import asked_again
from clip_core.store.runs import RunRows, epoch
from clip_core.store.tables import (
    Columns,
    Table,
    Tables,
    columns_of,
    digest,
    of_video,
    of_videos,
    of_videos_in_parts,
    plain_id,
)
from clip_core.text import unicode_text
from clip_core.types import Floats, FrameEmbeddings, Ints

FRAMES, TEXTS = "frames_", "texts_"
"""A table's name is one of these and the model's fingerprint."""
FRAME_COLUMNS = columns_of("video string, pts int64, time_s float64")
TEXT_COLUMNS = columns_of("key string, prompt string")
_READ = ("pts", "time_s", "vector")
_ROWS_COUNTED_AT_ONCE = 8192
"""The ids of a million frames at once are 64 MB."""


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
    _dim: int = 0


def dim_of(table: Table) -> int:
    """Return the length of the vectors in a table of frames or texts."""
    return int(table.schema.field("vector").type.list_size)


class EmbeddingRows(RunRows):
    """The store's embeddings of frames and texts."""

    def append(self, video_id: str, fingerprint: str, frames: FrameEmbeddings) -> None:
        """Commit one batch, all or nothing. Frames that are stored already may be appended again.

        Raises:
            StoreError: The vectors' length differs from that of this model's stored vectors.
        """
        self.append_of_videos(fingerprint, {video_id: frames})

    def append_of_videos(self, fingerprint: str, frames: Mapping[str, FrameEmbeddings]) -> None:
        """Commit frames of several videos at once, video id → frames; see ``append``."""
        some = {plain_id(video_id): own for video_id, own in frames.items() if len(own)}
        if some:
            parts = list(some.values())
            rows = {
                "video": [video_id for video_id, own in some.items() for _ in range(len(own))],
                "pts": np.concatenate([own.pts for own in parts]),
                "time_s": np.concatenate([own.times_s for own in parts]),
            }
            vectors = np.concatenate([own.vectors for own in parts]).astype(np.float16)
            _add(self._tables, FRAMES + plain_id(fingerprint), FRAME_COLUMNS, rows, vectors, "vectors")

    @asked_again
    def stored_pts_of(self, fingerprint: str, video_ids: Sequence[str]) -> dict[str, Ints]:
        """Return video id → what ``stored_pts`` returns, for each of some videos."""
        found = {video_id: np.empty(0, np.int64) for video_id in video_ids}
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            if table is None:
                return found
            for where in of_videos_in_parts(video_ids):
                found |= {video_id: pts for video_id, pts, _ in each_frame_once(table.rows(("video", "pts"), where))}
        return found

    @asked_again
    def stored_pts(self, video_id: str, fingerprint: str) -> Ints:
        """Return the pts of the stored frames: int64 (n,), increasing, each once."""
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            if table is None:
                return np.empty(0, dtype=np.int64)
            return np.unique(column_of(table.rows(("pts",), of_video(video_id)), "pts"))

    @asked_again
    def frame_counts(self, fingerprint: str, video_ids: Sequence[str]) -> dict[str, int]:
        """Return video id → how many frames are stored under a model, each counted once; no entry if there are none."""
        counts: dict[str, int] = {}
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            if table is None:
                return counts
            for where in of_videos_in_parts(video_ids):
                rows = table.rows(("video", "pts"), where).select(["video", "pts"])
                once = rows.group_by(["video", "pts"]).aggregate([]).group_by("video").aggregate([("pts", "count")])
                counts |= dict(zip(once["video"].to_pylist(), once["pts_count"].to_pylist(), strict=True))
        return counts

    @asked_again
    def _dim(self, fingerprint: str) -> int:
        """Return the length of a model's stored vectors, 0 if there are none."""
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            return 0 if table is None else dim_of(table)

    @asked_again
    def read(self, video_id: str, fingerprint: str, since: Revision | None = None) -> tuple[FrameEmbeddings, Revision]:
        """Return the frames committed since a revision, each once over the whole chain of reads.

        Args:
            video_id: The video.
            fingerprint: The model.
            since: The revision that the last read returned; None reads all.

        Returns:
            The new frames sorted by pts, vectors float32 (n, dim) of unit length (dim is 0 before
            the first append), and the revision to pass next time. If ``revision.restarted``, the
            video was forgotten and begun again: drop the frames of earlier reads.

        Raises:
            NotIndexedError: The video was never begun under this model, or was forgotten.
        """
        known = None if since is None else (since._runs_state, since.epoch)
        runs_state, run_epoch = epoch(self._tables, video_id, fingerprint, known)
        restarted = since is not None and since.epoch != run_epoch
        past = None if restarted else since
        seen = np.empty(0, dtype=np.int64) if past is None else past._seen
        fragment = -1 if past is None else past._fragment
        name = FRAMES + plain_id(fingerprint)
        if past is not None and past._state == self._tables.recent.get(name):
            return _nothing(past._dim), replace(past, restarted=False, _runs_state=runs_state)
        with self._tables.reading(name) as table:
            if table is None:
                return _nothing(0), Revision(restarted, run_epoch, runs_state, "", -1, seen)
            state, dim = table.state, dim_of(table)
            if past is not None and past._state == state:
                return _nothing(dim), replace(past, restarted=False, _runs_state=runs_state)
            rows, fragment = _unseen(table, video_id, seen, fragment)
            embeddings = _embeddings(rows, dim)
        seen = np.union1d(seen, embeddings.pts)
        seen.flags.writeable = False
        return embeddings, Revision(restarted, run_epoch, runs_state, state, fragment, seen, dim)

    @asked_again
    def frames_of_videos(self, fingerprint: str, video_ids: Collection[str]) -> dict[str, FrameEmbeddings]:
        """Return video id → all its stored frames sorted by pts, for those of some videos (at least one) that have any.

        Frames of a video that is just being forgotten may be among them.
        """
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            if table is None:
                return {}
            rows = table.rows(("video", *_READ), of_videos(video_ids))
            vectors, times_s = unit_vectors_of(rows, dim_of(table)), rows["time_s"].to_numpy()
        return {video_id: FrameEmbeddings(pts, times_s[at], vectors[at]) for video_id, pts, at in each_frame_once(rows)}

    def stored_rows(self, fingerprint: str) -> Mapping[str, int]:
        """Return video id → how many frames are stored of it, or a few more if some were stored twice."""
        return self._tables.answered(FRAMES + plain_id(fingerprint), "rows", _rows_of_videos)

    @asked_again
    def texts(self, fingerprint: str, prompts: Sequence[str]) -> dict[str, Floats]:
        """Return prompt → float32 (dim,), for those of ``prompts`` (NFC) whose vectors are stored."""
        known = self._tables.in_memory
        kept = {prompt: known[key] for prompt in prompts if (key := (TEXTS, fingerprint, prompt)) in known}
        by_key = {digest(prompt): prompt for prompt in prompts if prompt not in kept}
        if not by_key:
            return kept
        with self._tables.reading(TEXTS + plain_id(fingerprint)) as table:
            if table is None:
                return kept
            listed = ", ".join(f"'{key}'" for key in by_key)
            rows = table.rows(("key", "vector"), f"key IN ({listed})")
            vectors = vectors_of(rows, dim_of(table))
        return kept | {by_key[key]: vectors[i] for i, key in enumerate(rows["key"].to_pylist())}

    def append_texts(self, fingerprint: str, prompts: Sequence[str], vectors: Floats) -> None:
        """Store the vectors of prompts (NFC): float32 (len(prompts), dim); a read-only store keeps them in memory.

        Raises:
            StoreError: The vectors' length differs from that of this model's stored vectors.
        """
        if vectors.ndim != 2 or len(vectors) != len(prompts):
            raise ValueError(f"vectors must be ({len(prompts)}, dim), not {vectors.shape}")
        if self._tables.read_only:
            self._tables.keep_in_memory(
                {(TEXTS, fingerprint, prompt): vector for prompt, vector in zip(prompts, vectors, strict=True)}
            )
        elif prompts:
            rows = {"key": list(map(digest, prompts)), "prompt": list(map(unicode_text, prompts))}
            _add(
                self._tables,
                TEXTS + plain_id(fingerprint),
                TEXT_COLUMNS,
                rows,
                vectors.astype(np.float32),
                "text vectors",
            )


def _add(
    tables: Tables, name: str, columns: Columns, rows: Mapping[str, Any], vectors: NDArray[np.floating[Any]], what: str
) -> None:
    """Commit rows with their vectors, called ``what`` in messages; create the table if needed."""
    import pyarrow as pa

    dim = vectors.shape[1]
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    with tables.writing(name, {**columns, "vector": f"{vectors.dtype}[{dim}]"}) as table:
        if dim_of(table) != dim:
            raise StoreError(
                f"This model's stored {what} have {dim_of(table)} numbers, and these have {dim}.",
                "The model's folder changed under the same fingerprint: restore it.",
            )
        table.add({**rows, "vector": pa.FixedSizeListArray.from_arrays(flat, dim)})


def _unseen(table: Table, video_id: str, seen: Ints, fragment: int) -> tuple[Any, int]:
    """Return one row for each frame not seen yet, and the last fragment that holds rows of this video."""
    where = of_video(video_id)
    if fragment >= 0:
        # The upper 32 bits of a row's address are its fragment. Every commit gets a higher fragment than
        # all before it. So does compaction; its old rows are recognised by their pts.
        where += f" AND _rowaddr >= {(fragment + 1) << 32}"
    scanned = table.rows(("pts",) if len(seen) else _READ, where)
    row_ids = column_of(scanned, "_rowid")
    if len(row_ids):
        fragment = int(row_ids.max() >> 32)
    fresh, first = np.unique(column_of(scanned, "pts"), return_index=True)
    new = first[~np.isin(fresh, seen, assume_unique=True)]
    if len(seen) == 0:
        return scanned.take(new), fragment
    return table.take(row_ids[new].tolist(), _READ), fragment


def _rows_of_videos(table: Table | None) -> dict[str, int]:
    if table is None:
        return {}

    def count(raw: Any) -> dict[str, int]:  # noqa: ANN401
        counts: Counter[str] = Counter()
        for batch in raw.search().select(["video"]).limit(None).to_batches(_ROWS_COUNTED_AT_ONCE):
            some = batch["video"].value_counts()
            counts.update(dict(zip(some.field("values").to_pylist(), some.field("counts").to_pylist(), strict=True)))
        return dict(counts)

    return table.ask(count)


def each_frame_once(rows: Any) -> Iterator[tuple[str, Ints, Ints]]:  # noqa: ANN401
    """Yield of each video in a pyarrow table its id, the pts of its frames, increasing, and a row of each."""
    coded, all_pts = rows["video"].combine_chunks().dictionary_encode(), column_of(rows, "pts")
    codes = np.asarray(coded.indices.to_numpy())
    order = np.lexsort((all_pts, codes))
    edges = np.searchsorted(codes[order], np.arange(len(coded.dictionary) + 1))
    for code, video_id in enumerate(coded.dictionary.to_pylist()):
        own = order[edges[code] : edges[code + 1]]
        pts, first = np.unique(all_pts[own], return_index=True)
        yield video_id, pts, own[first]


def _embeddings(rows: Any, dim: int) -> FrameEmbeddings:  # noqa: ANN401
    pts, vectors = column_of(rows, "pts"), unit_vectors_of(rows, dim)
    order = np.argsort(pts, kind="stable")
    return FrameEmbeddings(pts[order], rows["time_s"].to_numpy()[order], vectors[order])


def unit_vectors_of(rows: Any, dim: int) -> Floats:  # noqa: ANN401
    """Return the frames' vectors in a pyarrow table as float32 (n, dim), unit length."""
    vectors = vectors_of(rows, dim)
    # Half precision changes the lengths by up to 1e-3.
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0), np.float32)


def vectors_of(rows: Any, dim: int) -> Floats:  # noqa: ANN401
    """Return the column ``vector`` of a pyarrow table as float32 (n, dim)."""
    flat = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, dim)


def column_of(rows: Any, name: str) -> Ints:  # noqa: ANN401
    """Return a column of integers of a pyarrow table."""
    return np.asarray(rows[name].to_numpy(), dtype=np.int64)


def _nothing(dim: int) -> FrameEmbeddings:
    return FrameEmbeddings(np.empty(0, np.int64), np.empty(0, np.float64), np.empty((0, dim), np.float32))
