"""Stretches: one table per model of the runs of nearly equal frames of all videos, among which a search looks first.

A row's vector has two numbers more than the model's: minus the levels of the two null banks. So one product with a
query's vector, and how much of each level to take off, is the corrected score. A video's rows are replaced by adding
those of a new generation and deleting the older ones; readers take the newest generation only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from clip_core.errors import StoreError
from clip_core.store.embeddings import FRAMES, EmbeddingRows, column_of, unit_vectors_of, vectors_of
from clip_core.store.errors import asked_again
from clip_core.store.runs import runs_of_all
from clip_core.store.tables import Table, columns_of, of_video, plain_id, stamp
from clip_core.types import Floats, FoundStretches, Ints, Stretches, StretchFrames

STRETCHES = "stretches_"
"""A table's name is this and the model's fingerprint."""
BANKS = 2
UNKNOWN_LEVEL = 8.0
"""Stands for a level that is not known: no corrected score comes near, and such rows are looked at separately."""
_COLUMNS = columns_of(
    "video string, epoch string, made_ns int64, first_pts int64, last_pts int64, picture_pts int64, start_s float64, "
    "end_s float64, count int64, levelled bool"
)
_COUNTED = ("video", "epoch", "count", "levelled")
_FOUND = ("video", "made_ns", "first_pts", "last_pts", "picture_pts", "start_s", "end_s", "count", "vector")


class StretchRows(EmbeddingRows):
    """The store's stretches."""

    def write_stretches(self, fingerprint: str, built: Mapping[str, Stretches], epochs: Mapping[str, str]) -> None:
        """Store the stretches of some videos in place of their previous ones, in one commit.

        Args:
            fingerprint: The model.
            built: Video id → all its stretches.
            epochs: Video id → the epoch of the run that they were made from. If the video was forgotten meanwhile,
                its rows are deleted again.
        """
        made_ns = stamp()
        name = STRETCHES + plain_id(fingerprint)
        rows, dim = _rows(built, epochs, made_ns)
        with self._tables.writing(name, {**_COLUMNS, "vector": f"float32[{dim}]"}) as table:
            if _dim(table) != dim:
                raise StoreError("The stored stretches are of another model.", "Restore the model's folder.")
            table.add(rows)
            for video_id in built:
                table.delete(f"{of_video(video_id)} AND made_ns < {made_ns}")
        for video_id in built:
            run = self.run(video_id, fingerprint)
            if run is None or run.epoch != epochs[video_id]:
                self._tables.delete([name], of_video(video_id))

    @asked_again
    def stretches(self, video_id: str, fingerprint: str) -> Stretches | None:
        """Return the stored stretches of a video in time order, or None if there are none."""
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            rows = None if table is None else table.rows(_FOUND, of_video(video_id))
            if table is None or rows.num_rows == 0:
                return None
            rows = rows.take(_newest(rows))
            return _stretches(rows.take(np.argsort(column_of(rows, "first_pts"))), _dim(table))

    def outdated_stretches(self, fingerprint: str, *, levelled: bool = False) -> list[str]:
        """Return the ids of the videos whose stretches do not stand for exactly their stored frames.

        Args:
            fingerprint: The model.
            levelled: Whether stretches without levels of the null banks are outdated too.
        """
        stored, built = self._frame_counts(fingerprint), self._stretch_counts(fingerprint)
        wanted: dict[str, tuple[str, int]] = {}
        for video_id, models in runs_of_all(self._tables).items():
            if fingerprint in models and stored.get(video_id):
                wanted[video_id] = (models[fingerprint].epoch, stored[video_id])
        lacking = {video_id for video_id, (_, _, known) in built.items() if levelled and not known}
        counts = {video_id: (epoch, count) for video_id, (epoch, count, _) in built.items()}
        return sorted(lacking | {v for v in wanted.keys() | counts.keys() if wanted.get(v) != counts.get(v)})

    def stretches_are_current(self, video_id: str, fingerprint: str) -> bool:
        """Return whether the stretches of a video stand for exactly its stored frames."""
        return video_id not in self.outdated_stretches(fingerprint)

    def drop_stretches(self, video_id: str, fingerprint: str) -> None:
        """Delete the stretches of a video under a model."""
        self._tables.delete([STRETCHES + plain_id(fingerprint)], of_video(video_id))

    def index_stretches(self, fingerprint: str) -> None:
        """Bring the vector index over the stretches up to date; without it they are searched as well, but slower."""

    @asked_again
    def _frame_counts(self, fingerprint: str) -> dict[str, int]:
        """Return video id → how many of its frames are stored, each counted once."""
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            if table is None:
                return {}
            rows = table.rows(("video", "pts"))
        videos, of = np.unique(rows["video"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)
        pairs = np.unique(np.stack([of, column_of(rows, "pts")]), axis=1)[0]
        return dict(zip(videos.tolist(), np.bincount(pairs, minlength=len(videos)).tolist(), strict=True))

    @asked_again
    def _stretch_counts(self, fingerprint: str) -> dict[str, tuple[str, int, bool]]:
        """Return video id → the epoch of its stretches ("" if several), their frames, and whether all have levels."""
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            if table is None:
                return {}
            rows = table.rows(_COUNTED)
        found: dict[str, tuple[str, int, bool]] = {}
        for video_id, epoch, count, levelled in zip(*(rows[name].to_pylist() for name in _COUNTED), strict=True):
            known, total, all_levelled = found.get(video_id, (epoch, 0, True))
            found[video_id] = (epoch if known == epoch else "", total + count, all_levelled and levelled)
        return found

    @asked_again
    def nearest_stretches(
        self,
        fingerprint: str,
        vectors: Floats,
        levels: Floats | None = None,
        *,
        limit: int = 200,
        videos: Collection[str] | None = None,
    ) -> FoundStretches:
        """Return the stretches with the highest scores: those of each query vector, together, each once.

        Args:
            fingerprint: The model.
            vectors: float32 (q, dim), the queries.
            levels: float32 (q, 2), how much of the level of each null bank, names and captions, is taken off a
                stretch's product with the query: (1, 0) gives the corrected score of a name. None: nothing.
            limit: At most so many for each query.
            videos: Ids of the videos to look in; None: all.
        """
        factors = np.zeros((len(vectors), BANKS), np.float32) if levels is None else levels
        asked = np.concatenate([vectors, factors], axis=1, dtype=np.float32)
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            if table is None or (videos is not None and not videos):
                return _none(vectors)
            where = None if videos is None else _among(videos)
            rows = table.rows(_FOUND, where)
            rows = rows.take(_newest(rows))
            scores = vectors_of(rows, _dim(table)) @ asked.T
            best = np.unique(np.argsort(-scores, axis=0, kind="stable")[:limit])
            best = best[np.argsort(-scores[best].max(axis=1), kind="stable")]
            rows = rows.take(best)
            return FoundStretches(tuple(rows["video"].to_pylist()), _stretches(rows, _dim(table)), scores[best])

    def frames_of_stretches(self, fingerprint: str, found: FoundStretches) -> StretchFrames:
        """Return the stored frames of stretches, each frame once; of a video that was forgotten there are none."""
        places, pts, times_s, vectors = [], [], [], []
        with self._tables.reading(FRAMES + plain_id(fingerprint)) as table:
            for place, video_id in enumerate(found.video_ids):
                first, last = (int(values[place]) for values in (found.stretches.first_pts, found.stretches.last_pts))
                where = f"{of_video(video_id)} AND pts >= {first} AND pts <= {last}"
                rows = table.rows(("pts", "time_s", "vector"), where)
                own, at = np.unique(column_of(rows, "pts"), return_index=True)
                rows = rows.take(at)
                places.append(np.full(len(own), place, np.int64))
                pts.append(own)
                times_s.append(rows["time_s"].to_numpy())
                vectors.append(unit_vectors_of(rows, found.stretches.vectors.shape[1]))
        return StretchFrames(*(np.concatenate(parts) for parts in (places, pts, times_s, vectors)))


def _among(videos: Collection[str]) -> str:
    """Return the SQL filter for the rows of some videos."""
    listed = ", ".join(f"'{plain_id(video_id)}'" for video_id in sorted(videos))
    return f"video IN ({listed})"


def _dim(table: Table) -> int:
    return int(table.schema.field("vector").type.list_size)


def _newest(rows: Any) -> Ints:  # noqa: ANN401
    """Return which rows are of the newest generation of their video."""
    videos, made_ns = rows["video"].to_pylist(), rows["made_ns"].to_pylist()
    newest: dict[str, int] = {}
    for video_id, at in zip(videos, made_ns, strict=True):
        newest[video_id] = max(newest.get(video_id, at), at)
    return np.flatnonzero([newest[video_id] == at for video_id, at in zip(videos, made_ns, strict=True)])


def _rows(built: Mapping[str, Stretches], epochs: Mapping[str, str], made_ns: int) -> tuple[dict[str, Any], int]:
    """Return the columns of the stretches of some videos, and the length of their vectors."""
    import pyarrow as pa

    parts = list(built.values())
    vectors = np.concatenate([np.concatenate([part.vectors, -_levels(part)], axis=1) for part in parts])
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    rows = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("first_pts", "last_pts", "picture_pts", "start_s", "end_s")
    }
    return rows | {
        "video": [video_id for video_id, part in built.items() for _ in range(len(part))],
        "epoch": [epochs[video_id] for video_id, part in built.items() for _ in range(len(part))],
        "made_ns": np.full(len(vectors), made_ns),
        "count": np.concatenate([part.counts for part in parts]),
        "levelled": [part.levels is not None for part in parts for _ in range(len(part))],
        "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
    }, vectors.shape[1]


def _levels(stretches: Stretches) -> Floats:
    if stretches.levels is None:
        return np.full((len(stretches), BANKS), UNKNOWN_LEVEL, np.float32)
    return stretches.levels


def _stretches(rows: Any, dim: int) -> Stretches:  # noqa: ANN401
    first_pts, last_pts, picture_pts, counts = (
        column_of(rows, name) for name in ("first_pts", "last_pts", "picture_pts", "count")
    )
    start_s, end_s = rows["start_s"].to_numpy(), rows["end_s"].to_numpy()
    vectors = vectors_of(rows, dim)[:, :-BANKS]
    return Stretches(first_pts, last_pts, picture_pts, start_s, end_s, counts, vectors)


def _none(vectors: Floats) -> FoundStretches:
    """Return no stretches, for as many queries."""
    none, times = np.empty(0, np.int64), np.empty(0)
    stretches = Stretches(none, none, none, times, times, none, np.empty((0, vectors.shape[1]), np.float32))
    return FoundStretches((), stretches, np.empty((0, len(vectors)), np.float32))
