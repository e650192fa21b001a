"""Thumbnails: one per video and frame, shared by all models. Duplicates are harmless: reading returns one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, columns_of, of_video, of_videos, of_videos_in_parts, plain_id
from clip_core.types import Ints

THUMBNAILS = "thumbnails"
COLUMNS = columns_of("video string, pts int64, size_bytes int64, jpeg binary")
_MOST_PER_QUERY = 500


class ThumbnailRows(StorePart):
    """The store's thumbnails."""

    def append_thumbnails(self, video_id: str, jpegs: Mapping[int, bytes]) -> None:
        """Store thumbnails of frames, shared by all models: pts → JPEG. Stored ones may be appended again."""
        self.append_thumbnails_of({video_id: jpegs})

    def append_thumbnails_of(self, jpegs: Mapping[str, Mapping[int, bytes]]) -> None:
        """Store thumbnails of several videos in one commit, video id → pts → JPEG; see ``append_thumbnails``."""
        rows = [(plain_id(video_id), pts, jpeg) for video_id, own in jpegs.items() for pts, jpeg in own.items()]
        if not rows:
            return
        video, pts, jpeg = zip(*rows, strict=True)
        values = {"video": video, "pts": pts, "jpeg": jpeg, "size_bytes": [len(picture) for picture in jpeg]}
        with self._tables.writing(THUMBNAILS, COLUMNS) as table:
            table.add(values)

    @asked_again
    def thumbnail_pts(self, video_id: str) -> Ints:
        """Return the pts of the frames that have a thumbnail: int64 (n,), increasing, each once."""
        with self._tables.reading(THUMBNAILS) as table:
            if table is None:
                return np.empty(0, np.int64)
            rows = table.rows(("pts",), of_video(video_id))
            return np.unique(np.asarray(rows["pts"].to_numpy(), dtype=np.int64))

    @asked_again
    def thumbnails(self, video_id: str, pts: Sequence[int]) -> dict[int, bytes]:
        """Return pts → JPEG, for those of ``pts`` that have a thumbnail."""
        asked = sorted({int(p) for p in pts})
        jpegs: dict[int, bytes] = {}
        with self._tables.reading(THUMBNAILS) as table:
            if table is None:
                return jpegs
            for first in range(0, len(asked), _MOST_PER_QUERY):
                listed = ", ".join(str(p) for p in asked[first : first + _MOST_PER_QUERY])
                rows = table.rows(("pts", "jpeg"), f"{of_video(video_id)} AND pts IN ({listed})")
                jpegs |= dict(zip(rows["pts"].to_pylist(), rows["jpeg"].to_pylist(), strict=True))
        return jpegs

    @asked_again
    def picture_strips(self, video_ids: Sequence[str], most: int) -> dict[str, list[bytes]]:
        """Return video id → up to ``most`` of its thumbnails (JPEG), evenly chosen, in time order, by two queries."""
        with self._tables.reading(THUMBNAILS) as table:
            if table is None or not video_ids:
                return {}
            light = table.rows(("video", "pts"), of_videos(video_ids))
            there: dict[str, dict[int, int]] = {}
            for video, pts, row_id in zip(*(light[c].to_pylist() for c in ("video", "pts", "_rowid")), strict=True):
                there.setdefault(video, {})[pts] = row_id
            row_ids = [row_id for own in there.values() for row_id in _evenly([own[pts] for pts in sorted(own)], most)]
            rows = table.take(row_ids, ("video", "pts", "jpeg")).to_pylist() if row_ids else []
        strips: dict[str, list[bytes]] = {}
        for row in sorted(rows, key=lambda row: row["pts"]):
            strips.setdefault(row["video"], []).append(row["jpeg"])
        return strips

    @asked_again
    def _thumbnail_bytes(self, video_ids: Sequence[str]) -> dict[str, int]:
        """Return video id → total bytes of its thumbnails, duplicates included; no entry if there are none."""
        sizes: dict[str, int] = {}
        with self._tables.reading(THUMBNAILS) as table:
            if table is None:
                return sizes
            for where in of_videos_in_parts(video_ids):
                rows = table.rows(("video", "size_bytes"), where)
                sums = rows.group_by("video").aggregate([("size_bytes", "sum")])
                sizes |= dict(zip(sums["video"].to_pylist(), sums["size_bytes_sum"].to_pylist(), strict=True))
        return sizes


def _evenly(row_ids: Sequence[int], most: int) -> list[int]:
    """Return up to ``most`` of the rows: the middles of so many equal parts."""
    n = min(most, len(row_ids))
    return [row_ids[(2 * i + 1) * len(row_ids) // (2 * n)] for i in range(n)]
