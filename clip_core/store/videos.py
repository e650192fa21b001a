"""Records of videos, lists of them, and which file is which video. Rows are appended; the newest counts."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass, fields
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.addresses import is_address
from clip_core.errors import StoreError
from clip_core.store.errors import asked_again
from clip_core.store.tables import (
    StorePart,
    Table,
    arrow_schema,
    columns_of,
    digest,
    of_video,
    of_videos,
    of_videos_in_parts,
    plain_id,
    stamp,
)
from clip_core.types import Ints, Join, TimeTable, VideoHeader, VideoRecord

VIDEOS = "videos"
FILES = "files"
_PLAIN = columns_of(
    "video string, size_bytes int64, container string, codec string, width int64, height int64, header_fps float64, "
    "header_frame_count int64, header_duration_s float64, unreadable_after_s float64, base_num int64, base_den int64, "
    "start_pts int64, end_s float64, confirmed bool"
)
_COUNTS = {"frames": "array_length(pts)", "key_frames": "array_length(key_pts)"}
"""Counts that lists need, so that they read no times: name of the column → how it is computed in rows of before."""
# A file name need not be valid Unicode: Linux allows any bytes.
VIDEO_COLUMNS = _PLAIN | columns_of(
    "added_s float64, at_ns int64, path binary, name binary, pts int64[], key_pts int64[], reading string, "
    "joins int64[], recorded_s float64, frames int64, key_frames int64, times binary, key_times binary"
)
# Earlier versions stored times as lists, in ``pts`` and ``key_pts``. An hour took 1 MB, and each compaction wrote all
# again: at 2,000 hours 34 s and 7 GB of memory whenever a video was finished.
_TIMES = ("pts", "key_pts", "times", "key_times")
_LIGHT = tuple(name for name in VIDEO_COLUMNS if name not in _TIMES)
_OLD_AT_ONCE = 50
FILE_COLUMNS = columns_of("path_key string, size_bytes int64, mtime_ns int64, video string, at_ns int64")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSummary(VideoHeader):
    """What lists show of a stored video: its record without the times of its frames.

    Attributes:
        video_id, path, name, unreadable_after_s, added_s, reading: See ``VideoRecord``.
        frames, key_frames: How many times its table holds.
        end_s, confirmed, time_base: See ``TimeTable``.
    """

    video_id: str
    path: str
    name: str
    frames: int
    key_frames: int
    end_s: float
    confirmed: bool
    time_base: Fraction
    unreadable_after_s: float | None
    added_s: float
    reading: str | None


def summary_of(record: VideoRecord) -> VideoSummary:
    """Return what lists show of a record."""
    table, shared = record.table, {f.name for f in fields(VideoSummary)} & {f.name for f in fields(VideoRecord)}
    return VideoSummary(
        **{name: getattr(record, name) for name in shared},
        frames=len(table),
        key_frames=len(table.key_pts),
        end_s=table.end_s,
        confirmed=table.confirmed,
        time_base=table.time_base,
    )


class VideoRows(StorePart):
    """The store's records of videos."""

    def remember_video(self, record: VideoRecord) -> None:
        """Store a video's record. The newest record counts, with the ``added_s`` of the first."""
        self.remember_videos([record])

    @asked_again
    def remember_videos(self, records: Collection[VideoRecord]) -> None:
        """Store the records of some videos, at least one, in one commit; see ``remember_video``."""
        with self._tables.writing(VIDEOS, VIDEO_COLUMNS) as table:
            _rewrite_old(table)
            newest = _newest(table, of_videos([record.video_id for record in records]))
            known = {old.video_id: (old, at_ns) for old, at_ns in newest}
            rows = [row for record in records if (row := _new_row(record, known.get(record.video_id))) is not None]
            if rows:
                table.add_rows(*rows)

    @asked_again
    def records_with_ages(self, video_ids: Collection[str]) -> dict[str, tuple[VideoRecord, int]]:
        """Return video id → record and when it was stored, in nanoseconds, for those of at least one that are stored.

        Unlike ``records_of``, nothing of them stays in memory.
        """
        with self._tables.reading(VIDEOS) as table:
            pairs = [] if table is None else _newest(table, of_videos(video_ids))
        return {record.video_id: (record, at_ns) for record, at_ns in pairs}

    @asked_again
    def put_records(self, records: Collection[tuple[VideoRecord, int]]) -> None:
        """Store records, at least one, in one commit, each as stored at the given time in nanoseconds."""
        rows = [_row(record) | {"at_ns": at_ns} for record, at_ns in records]
        with self._tables.writing(VIDEOS, VIDEO_COLUMNS) as table:
            _rewrite_old(table)
            table.add_rows(*rows)

    def video(self, video_id: str) -> VideoRecord | None:
        """Return the record of a video, or None if there is none."""
        records = self._records(of_video(video_id))
        return records[0] if records else None

    def records_of(self, video_ids: Collection[str]) -> dict[str, VideoRecord]:
        """Return video id → record, for those of at least one video that are stored."""
        return {record.video_id: record for record in self._records(of_videos(video_ids))}

    def videos(self) -> list[VideoRecord]:
        """Return all videos with their tables of times, the last added first; lists need ``summaries`` only."""
        return list(self._records(None))

    def summaries(self) -> list[VideoSummary]:
        """Return all videos without the times of their frames, the last added first."""

        def newest(table: Table | None) -> tuple[VideoSummary, ...]:
            return () if table is None else tuple(_summaries(table))

        return list(self._tables.answered(VIDEOS, "summaries", newest))

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

    def known_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int | str) -> str | None:
        """Return the id of the video at ``path`` if it is known with this size and modification time, else None.

        Of an object at an address, ``mtime_ns`` is its ETag.
        """
        key, mtime_ns = _path_key(path), _number(mtime_ns)
        if (known := self._tables.in_memory.get((FILES, key, size_bytes, mtime_ns))) is not None:
            return str(known)
        return self._tables.answered(FILES, "ids", _latest_ids).get((key, int(size_bytes), int(mtime_ns)))

    def remember_id(self, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int | str, video_id: str) -> None:
        """Store the id of the video at ``path``, so that its bytes need not be hashed again; see ``known_id``.

        A read-only store keeps it in memory.
        """
        self.remember_ids({(os.fspath(path), size_bytes, mtime_ns): video_id})

    def remember_ids(self, ids: Mapping[tuple[str, int, int | str], str]) -> None:
        """Store the ids of some files in one commit: (path, size, modification time) → id; see ``remember_id``."""
        files = [((_path_key(path), int(size), _number(at)), plain_id(own)) for (path, size, at), own in ids.items()]
        if self._tables.read_only:
            self._tables.keep_in_memory({(FILES, *file): video_id for file, video_id in files})
        elif files:
            rows = [dict(zip(FILE_COLUMNS, (*file, own, stamp()), strict=True)) for file, own in files]
            with self._tables.writing(FILES, FILE_COLUMNS) as table:
                table.add_rows(*rows)


def _newest(table: Table, where: str | None = None) -> list[tuple[VideoRecord, int]]:
    """Return the newest record of each video with its row's time in nanoseconds, the last added video first."""
    light = table.rows(("video", "at_ns"), where)
    last: dict[str, tuple[int, int]] = {}
    for video, at_ns, row_id in zip(*(light[c].to_pylist() for c in ("video", "at_ns", "_rowid")), strict=True):
        last[video] = max(last.get(video, (-1, -1)), (at_ns, row_id))
    if not last:
        return []
    there = set(table.schema.names)  # tables of earlier versions lack the last columns
    rows = table.take([row_id for _, row_id in last.values()], [name for name in VIDEO_COLUMNS if name in there])
    pairs = [(_record(rows, i), rows["at_ns"][i].as_py()) for i in range(rows.num_rows)]
    return sorted(pairs, key=lambda pair: pair[0].added_s, reverse=True)


def _latest_ids(table: Table | None) -> dict[tuple[str, int, int], str]:
    """Return (key of a path, size in bytes, modification time in nanoseconds) → id, for all known files."""
    names = ("path_key", "size_bytes", "mtime_ns", "video", "at_ns")
    rows: list[dict[str, Any]] = [] if table is None else table.rows(names).to_pylist()
    rows.sort(key=lambda row: row["at_ns"])
    return {(row["path_key"], row["size_bytes"], row["mtime_ns"]): row["video"] for row in rows}


def _summaries(table: Table) -> list[VideoSummary]:
    there = set(table.schema.names)  # tables of earlier versions lack the last columns
    last: dict[str, dict[str, Any]] = {}
    for row in table.rows([name for name in _LIGHT if name in there]).to_pylist():
        known = last.get(row["video"])
        if known is None or (known["at_ns"], known["_rowid"]) < (row["at_ns"], row["_rowid"]):
            last[row["video"]] = row
    _count(table, [row for row in last.values() if row.get("frames") is None])
    return sorted(map(_summary, last.values()), key=lambda summary: summary.added_s, reverse=True)


def _count(table: Table, rows: list[dict[str, Any]]) -> None:
    """Fill in the counts of rows that an earlier version wrote."""
    if not rows:
        return
    counts: dict[int, dict[str, int | None]] = {}
    for where in of_videos_in_parts([row["video"] for row in rows]):
        counts |= {found.pop("_rowid"): found for found in table.computed(_COUNTS, where).to_pylist()}
    for row in rows:
        row.update({name: count or 0 for name, count in counts[row["_rowid"]].items()})


def _summary(row: dict[str, Any]) -> VideoSummary:
    names = {f.name for f in fields(VideoSummary)}
    reading = None if row.get("reading") == "" and row.get("joins") is None else row.get("reading")
    decoded = {name: row[name].decode("utf-8", "surrogatepass") for name in ("path", "name")}
    values = {name: value for name, value in row.items() if name in names} | decoded
    time_base = Fraction(row["base_num"], row["base_den"])
    return VideoSummary(**values | {"video_id": row["video"], "time_base": time_base, "reading": reading})


def _rewrite_old(table: Table) -> None:
    """Rewrite the rows in which an earlier version stored times as lists, some in each commit.

    A row that another process deletes or rewrites meanwhile is left as it is then: no forgotten video comes back.
    """
    import pyarrow as pa

    listed = table.rows(("video", "at_ns"), "times IS NULL").to_pylist()
    keys = sorted({(row["video"], row["at_ns"]) for row in listed})
    for first in range(0, len(keys), _OLD_AT_ONCE):
        own = (f"({of_video(v)} AND at_ns = {at_ns})" for v, at_ns in keys[first : first + _OLD_AT_ONCE])
        places = table.rows(("at_ns",), f"times IS NULL AND ({' OR '.join(own)})")["_rowid"].to_pylist()
        if not places:
            continue
        rows = table.take(places, list(VIDEO_COLUMNS))
        new = [_row(_record(rows, i)) | {"at_ns": rows["at_ns"][i].as_py()} for i in range(rows.num_rows)]
        new = [*{(row["video"], row["at_ns"]): row for row in new}.values()]
        values = {name: [row[name] for row in new] for name in VIDEO_COLUMNS}
        table.tend(partial(_put_in_place, rows=pa.table(values, schema=arrow_schema(VIDEO_COLUMNS))))


def _put_in_place(raw: Any, rows: Any) -> None:  # noqa: ANN401
    """Replace, in one commit, those rows in which times are still lists."""
    raw.merge_insert(["video", "at_ns"]).when_matched_update_all(where="target.times IS NULL").execute(rows)


def packed(times: Ints) -> bytes:
    """Return int64 times in few bytes: the steps between them are nearly all the same."""
    return zlib.compress(np.diff(np.asarray(times, np.int64), prepend=np.int64(0)).astype("<i8").tobytes())


def unpacked(data: bytes, count: int) -> Ints:
    """Return the ``count`` times that ``packed`` packed, int64, read-only: they are shared between threads.

    Raises:
        StoreError: They are damaged.
    """
    reader = zlib.decompressobj()
    try:
        steps = np.frombuffer(reader.decompress(data, 8 * count + 1), "<i8")
        is_whole = reader.eof and len(steps) == count
    except (zlib.error, ValueError):
        is_whole = False
    if not is_whole:
        raise StoreError("The times of a stored video are damaged.", "Forget it and index it again.")
    times = np.cumsum(steps, dtype=np.int64)
    times.flags.writeable = False
    return times


def _path_key(path: str | os.PathLike[str]) -> str:
    return digest(os.fspath(path if is_address(path) else Path(path).resolve()))


def _number(changed: int | str) -> int:
    """Return a modification time as it is, and of an ETag a number: the column holds integers."""
    return int(digest(changed)[:15], 16) if isinstance(changed, str) else int(changed)


def _row(record: VideoRecord) -> dict[str, Any]:
    table = record.table
    row = {name: getattr(record, name) for name in VIDEO_COLUMNS if name in VideoRecord.__dataclass_fields__}
    return row | {
        "video": record.video_id,
        "path": record.path.encode("utf-8", "surrogatepass"),
        "name": record.name.encode("utf-8", "surrogatepass"),
        "pts": (),
        "key_pts": (),
        "times": packed(table.pts),
        "key_times": packed(table.key_pts),
        "frames": len(table),
        "key_frames": len(table.key_pts),
        "joins": np.array([astuple(join) for join in table.joins], np.int64).reshape(-1),
        "base_num": table.time_base.numerator,
        "base_den": table.time_base.denominator,
        "start_pts": int(table.start_pts),
        "end_s": float(table.end_s),
        "confirmed": bool(table.confirmed),
        "at_ns": stamp(),
    }


def _new_row(record: VideoRecord, known: tuple[VideoRecord, int] | None) -> dict[str, Any] | None:
    """Return the row to add for a record; None if the newest, with its time in nanoseconds, says the same."""
    row = _row(record)
    if known is not None:
        old, at_ns = known
        row["added_s"] = old.added_s
        if _same(row, _row(old)):
            return None
        row["at_ns"] = stamp(at_ns)
    return row


def _same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(row[name], other[name]) for name in VIDEO_COLUMNS if name != "at_ns")


def _record(rows: Any, i: int) -> VideoRecord:  # noqa: ANN401
    def is_stored(name: str) -> bool:  # earlier versions lack some columns
        return name in rows.column_names and rows[name][i].is_valid

    def ints(name: str) -> Ints:
        if not is_stored(name):
            return np.empty(0, np.int64)
        values = np.array(rows[name][i].values.to_numpy(zero_copy_only=False), dtype=np.int64)
        values.flags.writeable = False  # the record is shared between threads
        return values

    columns = [
        name for name in (*_PLAIN, "path", "name", "added_s", "reading", "recorded_s") if name in rows.column_names
    ]
    row = {name: rows[name][i].as_py() for name in columns}
    num, den, start_pts, end_s, confirmed = (
        row.pop(name) for name in ("base_num", "base_den", "start_pts", "end_s", "confirmed")
    )
    joins = tuple(Join(*four) for four in ints("joins").reshape(-1, len(fields(Join))).tolist())
    if row.get("reading") == "" and not is_stored("joins"):  # that version did not look for joins
        row["reading"] = None
    pts, key_pts = (
        unpacked(rows[new][i].as_py(), rows[count][i].as_py()) if is_stored(new) else ints(old)
        for new, count, old in (("times", "frames", "pts"), ("key_times", "key_frames", "key_pts"))
    )
    table = TimeTable(pts, Fraction(num, den), start_pts, end_s, confirmed, key_pts, joins)
    path, name = (row.pop(key).decode("utf-8", "surrogatepass") for key in ("path", "name"))
    return VideoRecord(video_id=row.pop("video"), path=path, name=name, table=table, **row)
