"""Records of videos, and which file is which video. Rows are appended; the newest counts."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import astuple, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, digest, of_video, of_videos, plain_id, stamp
from clip_core.types import Ints, Join, TimeTable, VideoRecord

VIDEOS = "videos"
FILES = "files"
_PLAIN = columns_of(
    "video string, size_bytes int64, container string, codec string, width int64, height int64, header_fps float64, "
    "header_frame_count int64, header_duration_s float64, unreadable_after_s float64, base_num int64, base_den int64, "
    "start_pts int64, end_s float64, confirmed bool"
)
# A file name need not be valid Unicode: Linux allows any bytes.
_VIDEO_COLUMNS = _PLAIN | columns_of(
    "added_s float64, at_ns int64, path binary, name binary, pts int64[], key_pts int64[], reading string, "
    "joins int64[]"
)
_FILE_COLUMNS = columns_of("path_key string, size_bytes int64, mtime_ns int64, video string, at_ns int64")


class VideoRows(StorePart):
    """The store's records of videos."""

    @asked_again
    def remember_video(self, record: VideoRecord) -> None:
        """Store a video's record. The newest record counts, with the ``added_s`` of the first."""
        row = _row(record)
        with self._tables.writing(VIDEOS, _VIDEO_COLUMNS) as table:
            known = _newest(table, of_video(record.video_id))
            if known:
                old, at_ns = known[0]
                row["added_s"] = old.added_s
                if _same(row, _row(old)):
                    return
                row["at_ns"] = stamp(at_ns)
            table.add_row(row)

    def video(self, video_id: str) -> VideoRecord | None:
        """Return the record of a video, or None if there is none."""
        records = self._records(of_video(video_id))
        return records[0] if records else None

    def videos(self) -> list[VideoRecord]:
        """Return all videos, the last added first."""
        return list(self._records(None))

    def ids_with(self, digits: str) -> tuple[str, ...]:
        """Return the ids of the videos that begin with ``digits``, sorted."""

        def matching(table: Table | None) -> tuple[str, ...]:
            where = f"starts_with(video, '{plain_id(digits)}')"
            return () if table is None else tuple(sorted({*table.rows(("video",), where)["video"].to_pylist()}))

        return self._tables.answered(VIDEOS, ("ids", digits), matching)

    @asked_again
    def ends_s(self, video_ids: Collection[str]) -> dict[str, float]:
        """Return video id → where the video ends, in seconds, for those of at least one video that are stored."""
        with self._tables.reading(VIDEOS) as table:
            if table is None:
                return {}
            rows = table.rows(("video", "end_s", "at_ns"), of_videos(video_ids)).to_pylist()
        return {row["video"]: row["end_s"] for row in sorted(rows, key=lambda row: row["at_ns"])}

    def _records(self, where: str | None) -> tuple[VideoRecord, ...]:
        def newest(table: Table | None) -> tuple[VideoRecord, ...]:
            return () if table is None else tuple(record for record, _ in _newest(table, where))

        return self._tables.answered(VIDEOS, where, newest)

    def known_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int) -> str | None:
        """Return the id of the video at ``path`` if it is known with this size and modification time, else None."""
        key = _path_key(path)
        if (known := self._tables.in_memory.get((FILES, key, size_bytes, mtime_ns))) is not None:
            return str(known)
        where = f"path_key = '{key}' AND size_bytes = {int(size_bytes)} AND mtime_ns = {int(mtime_ns)}"

        def latest(table: Table | None) -> str | None:
            rows = [] if table is None else table.rows(("video", "at_ns"), where).to_pylist()
            return max(rows, key=lambda row: row["at_ns"])["video"] if rows else None

        return self._tables.answered(FILES, where, latest)

    def remember_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int, video_id: str) -> None:
        """Store the id of the video at ``path``, so that its bytes need not be hashed again.

        A read-only store keeps it in memory.
        """
        if self._tables.read_only:
            self._tables.keep_in_memory({(FILES, _path_key(path), size_bytes, mtime_ns): plain_id(video_id)})
            return
        values = (_path_key(path), int(size_bytes), int(mtime_ns), plain_id(video_id), stamp())
        with self._tables.writing(FILES, _FILE_COLUMNS) as table:
            table.add_row(dict(zip(_FILE_COLUMNS, values, strict=True)))


def _newest(table: Table, where: str | None = None) -> list[tuple[VideoRecord, int]]:
    """Return the newest record of each video with its row's time in nanoseconds, the last added video first."""
    light = table.rows(("video", "at_ns"), where)
    last: dict[str, tuple[int, int]] = {}
    for video, at_ns, row_id in zip(*(light[c].to_pylist() for c in ("video", "at_ns", "_rowid")), strict=True):
        last[video] = max(last.get(video, (-1, -1)), (at_ns, row_id))
    if not last:
        return []
    there = set(table.schema.names)  # tables of earlier versions lack the last columns
    rows = table.take([row_id for _, row_id in last.values()], [name for name in _VIDEO_COLUMNS if name in there])
    pairs = [(_record(rows, i), rows["at_ns"][i].as_py()) for i in range(rows.num_rows)]
    return sorted(pairs, key=lambda pair: pair[0].added_s, reverse=True)


def _path_key(path: str | os.PathLike[str]) -> str:
    return digest(os.fspath(Path(path).resolve()))


def _row(record: VideoRecord) -> dict[str, Any]:
    table = record.table
    row = {name: getattr(record, name) for name in _VIDEO_COLUMNS if name in VideoRecord.__dataclass_fields__}
    return row | {
        "video": record.video_id,
        "path": record.path.encode("utf-8", "surrogatepass"),
        "name": record.name.encode("utf-8", "surrogatepass"),
        "pts": table.pts,
        "key_pts": np.asarray(table.key_pts, dtype=np.int64),
        "joins": np.array([astuple(join) for join in table.joins], np.int64).reshape(-1),
        "base_num": table.time_base.numerator,
        "base_den": table.time_base.denominator,
        "start_pts": int(table.start_pts),
        "end_s": float(table.end_s),
        "confirmed": bool(table.confirmed),
        "at_ns": stamp(),
    }


def _same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(row[name], other[name]) for name in _VIDEO_COLUMNS if name != "at_ns")


def _record(rows: Any, i: int) -> VideoRecord:  # noqa: ANN401
    def is_stored(name: str) -> bool:  # earlier versions lack some columns
        return name in rows.column_names and rows[name][i].is_valid

    def ints(name: str) -> Ints:
        if not is_stored(name):
            return np.empty(0, np.int64)
        values = np.array(rows[name][i].values.to_numpy(zero_copy_only=False), dtype=np.int64)
        values.flags.writeable = False  # the record is shared between threads
        return values

    columns = [name for name in (*_PLAIN, "path", "name", "added_s", "reading") if name in rows.column_names]
    row = {name: rows[name][i].as_py() for name in columns}
    num, den, start_pts, end_s, confirmed = (
        row.pop(name) for name in ("base_num", "base_den", "start_pts", "end_s", "confirmed")
    )
    joins = tuple(Join(*four) for four in ints("joins").reshape(-1, len(fields(Join))).tolist())
    if row.get("reading") == "" and not is_stored("joins"):  # that version did not look for joins
        row["reading"] = None
    table = TimeTable(ints("pts"), Fraction(num, den), start_pts, end_s, confirmed, ints("key_pts"), joins)
    path, name = (row.pop(key).decode("utf-8", "surrogatepass") for key in ("path", "name"))
    return VideoRecord(video_id=row.pop("video"), path=path, name=name, table=table, **row)
