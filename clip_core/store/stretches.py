"""Stretches: one table per model of the runs of nearly equal frames of all videos, among which a search looks first.

A row's vector has two numbers more than the model's: minus the levels of the two null banks. So one product with a
query's vector, and with how much of each level to take off, is the corrected score. A video's rows are replaced by
adding those of a new generation and then deleting the older ones; readers use the newest generation that they see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from clip_core.errors import StoreError
from clip_core.store.embeddings import (
    FRAMES,
    EmbeddingRows,
    column_of,
    dim_of,
    each_frame_once,
    unit_vectors_of,
    vectors_of,
)
from clip_core.store.errors import asked_again
from clip_core.store.tables import Table, columns_of, of_video, of_videos, plain_id, stamp
from clip_core.store.vector_index import index_vectors, is_worth_indexing, nearest
from clip_core.stretches import FoundStretches, Stretches, StretchFrames
from clip_core.types import Floats, Ints

STRETCHES = "stretches_"
"""A table's name is this and the model's fingerprint."""
BANKS = 2
UNKNOWN_LEVEL = 2.0
"""Stands for a level that is not known: no corrected score comes near, so such rows are asked for separately."""
MOST_PLACES = 4_000_000
"""Of so many frames the places in the table are kept in memory, 16 bytes each."""
COLUMNS = columns_of(
    "video string, epoch string, made_ns int64, first_pts int64, last_pts int64, picture_pts int64, start_s float64, "
    "end_s float64, count int64, levelled bool"
)
_FOUND = ("video", "made_ns", "first_pts", "last_pts", "picture_pts", "start_s", "end_s", "count", "levelled", "vector")
_FramePlaces: TypeAlias = dict[str, tuple[Ints, Ints]]
"""Video id → the pts of its frames, increasing, and their row ids."""


class StretchRows(EmbeddingRows):
    """The store's stretches."""

    _known_places: tuple[tuple[str, str], _FramePlaces] = (("", ""), {})

    @asked_again
    def next_generation(self, fingerprint: str, video_ids: Collection[str]) -> int:
        """Return the generation of stretches of some videos that are made from frames read after this call."""
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            made = [] if table is None else table.rows(("made_ns",), of_videos(video_ids))["made_ns"].to_pylist()
        return stamp(max(made, default=0))

    def write_stretches(
        self, fingerprint: str, built: Mapping[str, Stretches], epochs: Mapping[str, str], generation: int
    ) -> None:
        """Store the stretches of some videos in place of their previous ones; the new ones appear in one commit.

        Those of a later generation stay, and those of a video that was forgotten meanwhile are deleted again.

        Args:
            fingerprint: The model.
            built: Video id → all its stretches, at least one.
            epochs: Video id → the epoch of the run whose frames they were made from.
            generation: What ``next_generation`` returned before these frames were read.
        """
        name = STRETCHES + plain_id(fingerprint)
        dim = next(iter(built.values())).vectors.shape[1] + BANKS
        with self._tables.writing(name, {**COLUMNS, "vector": f"float32[{dim}]"}) as table:
            if dim_of(table) != dim:
                what = f"This model's stored stretches have {dim_of(table)} numbers, and these have {dim}."
                raise StoreError(what, "The model's folder changed under the same fingerprint: restore it.")
            table.add(_rows(built, epochs, generation))
            made = table.rows(("video", "made_ns"), of_videos(built))
            newest = _newest_of(made)
            if any(made_ns < newest[video] for video, made_ns in _pairs(made)):
                older = (f"({of_video(video)} AND made_ns < {made_ns})" for video, made_ns in newest.items())
                table.delete(" OR ".join(older))
        runs = self.runs_under(fingerprint)
        for video_id, epoch in epochs.items():
            run = runs.get(video_id)
            if run is None or run.epoch != epoch:
                self._tables.delete([name], f"{of_video(video_id)} AND epoch = '{plain_id(epoch)}'")

    def drop_stretches(self, video_id: str, fingerprint: str) -> None:
        """Delete the stretches of a video under a model."""
        self._tables.delete([STRETCHES + plain_id(fingerprint)], of_video(video_id))

    def index_stretches(self, fingerprint: str) -> None:
        """Index the stretches if there are many. Those that are not indexed are found as well, but more slowly."""
        self._tables.check_writable()
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            if table is not None and is_worth_indexing(table):
                table.compact()
                table.index("video")
                index_vectors(table)

    @asked_again
    def stretches_of(self, video_ids: Collection[str], fingerprint: str) -> dict[str, Stretches]:
        """Return video id → its stored stretches in time order, for those of the videos that have any."""
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            if table is None or not video_ids:
                return {}
            rows = _newest(table.rows(_FOUND, of_videos(video_ids)))
        places: dict[str, list[int]] = {}
        for place, video_id in enumerate(rows["video"].to_pylist()):
            places.setdefault(video_id, []).append(place)
        first_pts = column_of(rows, "first_pts")
        return {
            video_id: _stretches(rows.take(sorted(own, key=first_pts.__getitem__))) for video_id, own in places.items()
        }

    def outdated_stretches(self, fingerprint: str, *, levelled: bool = False) -> list[str]:
        """Return the ids of the videos whose stretches do not stand for exactly their stored frames.

        Args:
            fingerprint: The model.
            levelled: Whether stretches without levels of the null banks are outdated too.
        """
        stored, runs = self.stored_rows(fingerprint), self.runs_under(fingerprint)
        built = self._tables.answered(STRETCHES + plain_id(fingerprint), "counts", _counts_of_videos)
        outdated = {video_id for video_id in built if video_id not in stored or video_id not in runs}
        for video_id in stored.keys() & runs.keys():
            epoch, count, has_levels = built.get(video_id, ("", 0, False))
            is_whole = runs[video_id].epoch == epoch and (has_levels or not levelled)
            # There are more rows than frames if some were stored twice. Only then must they be counted.
            if not is_whole or (stored[video_id] != count and len(self.stored_pts(video_id, fingerprint)) != count):
                outdated.add(video_id)
        return sorted(outdated)

    @asked_again
    def stretches_are_current(self, video_id: str, fingerprint: str) -> bool:
        """Return whether the stretches of a video stand for exactly its stored frames."""
        run, frames = self.run(video_id, fingerprint), len(self.stored_pts(video_id, fingerprint))
        with self._tables.reading(STRETCHES + plain_id(fingerprint)) as table:
            epoch, count, _ = _counts_of_videos(table, of_video(video_id)).get(video_id, ("", 0, False))
        return count == frames and (frames == 0 or (run is not None and run.epoch == epoch))

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
            vectors: float32 (q, dim), the queries, q ≥ 1.
            levels: float32 (q, 2), how much of the level of each null bank, names and captions, is taken off a
                stretch's product with the query: (1, 0) gives the corrected score of a name. None: nothing.
            limit: At most so many for each query; of those whose levels are not known, at most so many more.
            videos: Ids of the videos to look in; None: all.
        """
        factors = np.zeros((len(vectors), BANKS), np.float32) if levels is None else levels.astype(np.float32)
        name = STRETCHES + plain_id(fingerprint)
        lacks_levels = bool(factors.any()) and self._tables.answered(name, "lacks levels", _lacks_levels)
        with self._tables.reading(name) as table:
            if table is None or (videos is not None and not videos):
                return _nothing(vectors)
            within = None if videos is None else of_videos(videos)
            parts = []
            for vector, factor in zip(vectors, factors, strict=True):
                parts.append(nearest(table, np.append(vector, factor), _FOUND, within, limit))
                if lacks_levels and factor.any():
                    where = "NOT levelled" if within is None else f"NOT levelled AND {within}"
                    plain = np.append(vector, np.zeros(BANKS, np.float32))
                    parts.append(nearest(table, plain, _FOUND, where, limit))
        return _found(parts, vectors, factors)

    @asked_again
    def frames_of_stretches(self, fingerprint: str, found: FoundStretches) -> StretchFrames:
        """Return the stored frames of stretches, each frame once; of a video that was forgotten there are none."""
        dim = found.stretches.vectors.shape[1]
        name = FRAMES + plain_id(fingerprint)
        with self._tables.reading(name) as table:
            places = {} if table is None else self._places(name, table, found.video_ids)
            of, ids = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
            edges = zip(found.video_ids, found.stretches.first_pts, found.stretches.last_pts, strict=True)
            for place, (video_id, first, last) in enumerate(edges):
                pts, row_ids = places.get(video_id, (of[0], ids[0]))
                own = row_ids[np.searchsorted(pts, first) : np.searchsorted(pts, last, side="right")]
                of.append(np.full(len(own), place))
                ids.append(own)
            wanted, at = np.unique(np.concatenate(ids), return_inverse=True)
            if table is None or len(wanted) == 0:
                return StretchFrames(of[0], of[0], np.empty(0), np.empty((0, dim), np.float32))
            rows = table.take(wanted.tolist(), ("pts", "time_s", "vector"))
        vectors = unit_vectors_of(rows, dim)[at]
        return StretchFrames(np.concatenate(of), column_of(rows, "pts")[at], rows["time_s"].to_numpy()[at], vectors)

    def _places(self, name: str, table: Table, video_ids: Collection[str]) -> _FramePlaces:
        """Return where the frames of some videos are in the table; kept until somebody commits to it."""
        key = (name, table.state)
        known_key, known = self._known_places
        lacking = {*video_ids} - known.keys() if known_key == key else {*video_ids}
        if lacking:
            if known_key != key or sum(len(ids) for _, ids in known.values()) > MOST_PLACES:
                lacking, known = {*video_ids}, {}
                self._known_places = (key, known)
            rows = table.rows(("video", "pts"), of_videos(lacking))
            row_ids = column_of(rows, "_rowid")
            known |= {video_id: (pts, row_ids[at]) for video_id, pts, at in each_frame_once(rows)}
        return known


def _counts_of_videos(table: Table | None, where: str | None = None) -> dict[str, tuple[str, int, bool]]:
    """Return video id → the epoch of its stretches ("" if there are several), their frames, whether all have levels."""
    if table is None:
        return {}
    columns = ("video", "epoch", "made_ns")
    rows = table.rows((*columns, "count", "levelled"), where)
    groups = rows.group_by(list(columns)).aggregate([("count", "sum"), ("levelled", "all")]).to_pylist()
    found: dict[str, tuple[str, int, bool]] = {}
    for group in groups:
        several = group["video"] in found
        found[group["video"]] = ("" if several else group["epoch"], group["count_sum"], group["levelled_all"])
    return found


def _lacks_levels(table: Table | None) -> bool:
    return table is not None and table.rows(("made_ns",), "NOT levelled").num_rows > 0


def _pairs(rows: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401
    return zip(rows["video"].to_pylist(), rows["made_ns"].to_pylist(), strict=True)


def _newest_of(rows: Any) -> dict[str, int]:  # noqa: ANN401
    """Return video id → its newest generation."""
    newest: dict[str, int] = {}
    for video_id, made_ns in _pairs(rows):
        newest[video_id] = max(newest.get(video_id, made_ns), made_ns)
    return newest


def _newest(rows: Any) -> Any:  # noqa: ANN401
    """Return the rows of the newest generation of each video."""
    newest = _newest_of(rows)
    return rows.take(np.flatnonzero([newest[video_id] == made_ns for video_id, made_ns in _pairs(rows)]))


def _rows(built: Mapping[str, Stretches], epochs: Mapping[str, str], generation: int) -> dict[str, Any]:
    """Return the columns of the stretches of some videos."""
    import pyarrow as pa

    of = [video_id for video_id, part in built.items() for _ in range(len(part))]
    parts = list(built.values())
    vectors = np.concatenate([np.concatenate([part.vectors, -_levels(part)], axis=1) for part in parts])
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    plain = ("first_pts", "last_pts", "picture_pts", "start_s", "end_s")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in plain} | {
        "video": of,
        "epoch": [epochs[video_id] for video_id in of],
        "made_ns": np.full(len(of), generation),
        "count": np.concatenate([part.counts for part in parts]),
        "levelled": [built[video_id].levels is not None for video_id in of],
        "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
    }


def _levels(stretches: Stretches) -> Floats:
    if stretches.levels is None:
        return np.full((len(stretches), BANKS), UNKNOWN_LEVEL, np.float32)
    return stretches.levels


def _stretches(rows: Any) -> Stretches:  # noqa: ANN401
    first_pts, last_pts, picture_pts, counts = (
        column_of(rows, name) for name in ("first_pts", "last_pts", "picture_pts", "count")
    )
    dim = rows.schema.field("vector").type.list_size
    vectors, levelled = vectors_of(rows, dim), all(rows["levelled"].to_pylist())
    times = rows["start_s"].to_numpy(), rows["end_s"].to_numpy()
    levels = -vectors[:, -BANKS:] if levelled else None
    return Stretches(first_pts, last_pts, picture_pts, *times, counts, vectors[:, :-BANKS], levels)


def _found(parts: list[Any], vectors: Floats, factors: Floats) -> FoundStretches:
    """Join the rows that were found for all queries, the best first."""
    import pyarrow as pa

    rows = _newest(pa.concat_tables(parts))
    keys = list(zip(rows["video"].to_pylist(), rows["first_pts"].to_pylist(), strict=True))
    first = {key: place for place, key in reversed([*enumerate(keys)])}
    rows = rows.take(np.array([*first.values()], np.int64))
    numbers = vectors_of(rows, vectors.shape[1] + BANKS)
    levelled = np.array(rows["levelled"].to_pylist(), bool)
    levels = numbers[:, -BANKS:]
    usual = levels[levelled].mean(axis=0) if levelled.any() else np.zeros(BANKS, np.float32)
    levels = np.where(levelled[:, None], levels, usual)  # stands in for the unknown ones
    scores = numbers[:, :-BANKS] @ vectors.T + levels @ factors.T
    order = np.argsort(-scores.max(axis=1), kind="stable") if len(scores) else np.empty(0, np.int64)
    rows = rows.take(order)
    return FoundStretches(tuple(rows["video"].to_pylist()), _stretches(rows), scores[order])


def _nothing(vectors: Floats) -> FoundStretches:
    """Return no stretches, for as many queries."""
    none, times = np.empty(0, np.int64), np.empty(0)
    stretches = Stretches(none, none, none, times, times, none, np.empty((0, vectors.shape[1]), np.float32))
    return FoundStretches((), stretches, np.empty((0, len(vectors)), np.float32))
