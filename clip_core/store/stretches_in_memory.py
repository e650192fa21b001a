"""All stretches of a model in memory, 1 kB each with 512 dimensions: a query is compared with every one of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_core.store.embeddings import column_of
from clip_core.store.tables import Table
from clip_core.stretches import FoundStretches, Stretches
from clip_core.types import Floats, Ints

STEPS = 32767
"""A number of a mean vector, from -1 to 1, is stored as a whole number of steps. That is as exact as the frames' half
precision (products with unit vectors deviate by 1e-5), and NumPy converts it six times as fast."""
BANKS = 2
_PLAIN = {name: name for name in ("first_pts", "last_pts", "picture_pts", "start_s", "end_s")} | {"counts": "count"}
READ_AT_ONCE = 1024
COMPARED_AT_ONCE = 512
"""So many vectors fit into the cache of a core as float32."""


def steps_of(vectors: Floats) -> NDArray[np.int16]:
    """Return unit vectors in steps."""
    return np.rint(vectors * STEPS).astype(np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class StretchesInMemory:
    """The stretches of k videos, one per row of a table; rows of older generations are in no video.

    Attributes:
        video_ids: The ids of the k videos.
        rows: Video id → int64, the rows of its stretches in time order.
        places: int64 (n,), the number of each row's video.
        plain: Name of an attribute of ``Stretches`` → its value for each row.
        levels: float32 (n, 2), the mean levels of the null banks.
        levelled: bool (n,), whether they are known.
        steps: int16 (n, dim), the mean vectors in steps.
    """

    video_ids: tuple[str, ...]
    rows: dict[str, Ints]
    places: Ints
    plain: dict[str, Any]
    levels: Floats
    levelled: NDArray[np.bool_]
    steps: NDArray[np.int16]

    @classmethod
    def of(cls, table: Table | None) -> StretchesInMemory | None:
        """Read the table of a model's stretches, whose vectors are in memory once; None if there is no table."""
        return None if table is None else table.ask(_read)

    def stretches(self, rows: Ints) -> Stretches:
        """Return the stretches of some rows; without levels if those of one are not known."""
        return Stretches(
            **{name: values[rows] for name, values in self.plain.items()},
            vectors=np.asarray(self.steps[rows] / np.float32(STEPS), np.float32),
            levels=self.levels[rows] if self.levelled[rows].all() else None,
        )

    def nearest(
        self, vectors: Floats, factors: Floats, limit: int, videos: Collection[str] | None
    ) -> FoundStretches | None:
        """Return what ``StretchRows.nearest_stretches`` does, or None if the videos have no stretches."""
        own = [self.rows[video_id] for video_id in (self.rows if videos is None else videos) if video_id in self.rows]
        if not own:
            return None
        rows = np.concatenate(own)
        levels, known, groups = self.levels[rows], self.levelled[rows], [np.arange(len(rows))]
        if factors.any() and not known.all():
            groups = [np.flatnonzero(known), np.flatnonzero(~known)]
            levels[~known] = levels[known].mean(axis=0) if known.any() else 0  # the usual level stands in
        scores = self._products(rows, vectors) - levels @ factors.T
        best = [group[_highest(scores[group, k], limit)] for group in groups for k in range(len(vectors))]
        chosen = np.unique(np.concatenate(best))
        chosen = chosen[np.argsort(-scores[chosen].max(axis=1), kind="stable")]
        ids = tuple(self.video_ids[place] for place in self.places[rows[chosen]])
        return FoundStretches(ids, self.stretches(rows[chosen]), scores[chosen])

    def _products(self, rows: Ints, vectors: Floats) -> Floats:
        """Return the products of the vectors of some rows with float32 (q, dim), as float32 (len(rows), q)."""
        scaled, n = vectors.T / np.float32(STEPS), COMPARED_AT_ONCE
        return np.concatenate([self.steps[rows[i : i + n]].astype(np.float32) @ scaled for i in range(0, len(rows), n)])


def _highest(scores: Floats, limit: int) -> Ints:
    """Return where the ``limit`` highest of float32 (n,) are, in no order."""
    return np.argpartition(-scores, limit)[:limit] if limit < len(scores) else np.arange(len(scores))


def _read(raw: Any) -> StretchesInMemory | None:  # noqa: ANN401
    import pyarrow as pa

    count, filled, parts = raw.count_rows(), 0, []
    steps = np.empty((count, raw.schema.field("vector").type.list_size), np.int16)
    query = raw.search().select(["video", "made_ns", *_PLAIN.values(), "levelled", "levels", "vector"]).limit(None)
    for batch in query.to_batches(READ_AT_ONCE) if count else ():
        steps[filled : filled + len(batch)] = batch["vector"].flatten().to_numpy().reshape(-1, steps.shape[1])
        filled += len(batch)
        parts.append(batch.drop_columns(["vector"]))
    if not parts:
        return None
    table = pa.Table.from_batches(parts)
    coded = table["video"].combine_chunks().dictionary_encode()
    ids, places = tuple(coded.dictionary.to_pylist()), np.asarray(coded.indices.to_numpy(), np.int64)
    plain = {name: table[column].to_numpy() for name, column in _PLAIN.items()}
    return StretchesInMemory(
        video_ids=ids,
        rows=dict(zip(ids, _newest(places, column_of(table, "made_ns"), plain["first_pts"]), strict=True)),
        places=places,
        plain=plain,
        levels=table["levels"].combine_chunks().flatten().to_numpy().reshape(-1, BANKS),
        levelled=np.asarray(table["levelled"].to_numpy(), np.bool_),
        steps=steps,
    )


def _newest(places: Ints, made_ns: Ints, first_pts: Ints) -> list[Ints]:
    """Return the rows of the newest generation of each video, in time order."""
    newest = np.zeros(places.max() + 1, np.int64)
    np.maximum.at(newest, places, made_ns)
    order = np.lexsort((first_pts, places))
    order = order[(newest[places] == made_ns)[order]]
    return np.split(order, np.flatnonzero(np.diff(places[order])) + 1)
