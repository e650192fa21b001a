"""Stretches: one table per model of the runs of nearly equal frames of all videos, among which a search looks first.

A row has the levels of the two null banks beside its mean vector: the product with a query's vector, less so much of
each level, is the corrected score. A video's rows are replaced by adding those of a new generation and then deleting
the older ones; readers use the newest generation that they see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from clip_core.errors import StoreError
from clip_core.store.embeddings import FRAMES, EmbeddingRows, column_of, dim_of, each_frame_once, unit_vectors_of
from clip_core.store.errors import asked_again
from clip_core.store.stretches_in_memory import BANKS, StretchesInMemory, steps_of
from clip_core.store.tables import Table, columns_of, of_video, of_videos, plain_id, stamp
from clip_core.stretches import FoundStretches, Stretches, StretchFrames
from clip_core.types import Floats, Ints

STRETCHES = "stretches16_"
"""A table's name is this and the model's fingerprint; the number is that of the bits of its vectors' numbers."""
MOST_PLACES = 4_000_000
"""Of so many frames the places in the table are kept in memory, 16 bytes each."""
COLUMNS = columns_of(
    "video string, epoch string, made_ns int64, first_pts int64, last_pts int64, picture_pts int64, start_s float64, "
    f"end_s float64, count int64, levelled bool, levels float32[{BANKS}]"
)
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
        dim = next(iter(built.values())).vectors.shape[1]
        with self._tables.writing(name, {**COLUMNS, "vector": f"int16[{dim}]"}) as table:
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

    def compact_stretches(self, fingerprint: str) -> None:
        """Merge small fragments of the stretches: each would be read by itself."""
        self._tables.compact([STRETCHES + plain_id(fingerprint)])

    def _in_memory(self, fingerprint: str) -> StretchesInMemory | None:
        """Return the stretches of all videos, kept until somebody commits to them; None if there are none."""
        return self._tables.answered(STRETCHES + plain_id(fingerprint), "all", StretchesInMemory.of)

    def stretches_of(self, video_ids: Collection[str], fingerprint: str) -> dict[str, Stretches]:
        """Return video id → its stored stretches in time order, for those of the videos that have any."""
        known = self._in_memory(fingerprint) if video_ids else None
        if known is None:
            return {}
        return {video_id: known.stretches(known.rows[video_id]) for video_id in video_ids if video_id in known.rows}

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
        known = self._in_memory(fingerprint)
        found = None if known is None else known.nearest(vectors, factors, limit, videos)
        return _nothing(vectors) if found is None else found

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


def _pairs(rows: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401
    return zip(rows["video"].to_pylist(), rows["made_ns"].to_pylist(), strict=True)


def _newest_of(rows: Any) -> dict[str, int]:  # noqa: ANN401
    """Return video id → its newest generation."""
    newest: dict[str, int] = {}
    for video_id, made_ns in _pairs(rows):
        newest[video_id] = max(newest.get(video_id, made_ns), made_ns)
    return newest


def _rows(built: Mapping[str, Stretches], epochs: Mapping[str, str], generation: int) -> dict[str, Any]:
    """Return the columns of the stretches of some videos."""
    import pyarrow as pa

    of = [video_id for video_id, part in built.items() for _ in range(len(part))]
    parts = list(built.values())
    steps = steps_of(np.concatenate([part.vectors for part in parts]))
    levels = np.concatenate([_levels(part) for part in parts])
    plain = ("first_pts", "last_pts", "picture_pts", "start_s", "end_s")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in plain} | {
        "video": of,
        "epoch": [epochs[video_id] for video_id in of],
        "made_ns": np.full(len(of), generation),
        "count": np.concatenate([part.counts for part in parts]),
        "levelled": [built[video_id].levels is not None for video_id in of],
        "levels": pa.FixedSizeListArray.from_arrays(pa.array(levels.reshape(-1)), BANKS),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(steps.reshape(-1)), steps.shape[1]),
    }


def _levels(stretches: Stretches) -> Floats:
    if stretches.levels is None:
        return np.zeros((len(stretches), BANKS), np.float32)
    return stretches.levels.astype(np.float32)


def _nothing(vectors: Floats) -> FoundStretches:
    """Return no stretches, for as many queries."""
    none, times = np.empty(0, np.int64), np.empty(0)
    stretches = Stretches(none, none, none, times, times, none, np.empty((0, vectors.shape[1]), np.float32))
    return FoundStretches((), stretches, np.empty((0, len(vectors)), np.float32))
