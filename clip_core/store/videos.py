"""Records of videos, and which file is which video. Rows are appended; the newest counts."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from clip_core.store.tables import Table, Tables, digest, plain_id, stamp
from clip_core.types import Ints, TimeTable, VideoRecord

VIDEOS = "videos"
FILES = "files"
_PLAIN = (
    *("video", "size_bytes", "container", "codec", "width", "height"),
    *("header_fps", "header_frame_count", "header_duration_s", "unreadable_after_s"),
    *("base_num", "base_den", "start_pts", "end_s", "confirmed"),
)
_LATER = ("reading",)
"""Columns that tables of earlier versions lack."""
_COLUMNS = (*_PLAIN, "path", "name", "pts", "key_pts", "added_s", *_LATER)


def _videos_schema() -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    kinds = dict.fromkeys(_PLAIN, whole)
    kinds |= dict.fromkeys(("video", "container", "codec"), text)
    kinds |= dict.fromkeys(("header_fps", "header_duration_s", "unreadable_after_s", "end_s"), real)
    kinds |= {"confirmed": pa.bool_(), "added_s": real, "at_ns": whole}
    # A file name need not be valid Unicode: Linux allows any bytes.
    kinds |= dict.fromkeys(_LATER, text)
    kinds |= {"path": pa.binary(), "name": pa.binary(), "pts": pa.list_(whole), "key_pts": pa.list_(whole)}
    return pa.schema(list(kinds.items()))


def _files_schema() -> Any:  # noqa: ANN401
    import pyarrow as pa

    whole = pa.int64()
    return pa.schema(
        [
            ("path_key", pa.string()),
            ("size_bytes", whole),
            ("mtime_ns", whole),
            ("video", pa.string()),
            ("at_ns", whole),
        ]
    )


def remember(tables: Tables, record: VideoRecord) -> None:
    """Store a record unless it equals the stored one. The first ``added_s`` is kept."""
    import pyarrow as pa

    plain_id(record.video_id)
    row = _row(record)
    with tables.writing(VIDEOS, _videos_schema) as table:
        known = newest(table, f"video = '{record.video_id}'")
        if known:
            old, at_ns = known[0]
            row["added_s"] = old.added_s
            if _same(row, _row(old)):
                return
            row["at_ns"] = stamp(at_ns)
        table.add(pa.Table.from_pylist([row], schema=_videos_schema()))


def newest(table: Table, where: str | None = None) -> list[tuple[VideoRecord, int]]:
    """Return the newest record of each video with its row's time in nanoseconds, the last added video first."""
    light = table.rows(("video", "at_ns"), where)
    last: dict[str, tuple[int, int]] = {}
    for video, at_ns, row_id in zip(*(light[c].to_pylist() for c in ("video", "at_ns", "_rowid")), strict=True):
        last[video] = max(last.get(video, (-1, -1)), (at_ns, row_id))
    if not last:
        return []
    there = [column for column in (*_COLUMNS, "at_ns") if column in table.schema.names]
    rows = table.take([row_id for _, row_id in last.values()], there)
    found = [(_record(rows, i), rows["at_ns"][i].as_py()) for i in range(rows.num_rows)]
    return sorted(found, key=lambda pair: pair[0].added_s, reverse=True)


def records(table: Table | None, where: str | None = None) -> tuple[VideoRecord, ...]:
    """Return the newest record of each video, the last added first; empty if there is no table."""
    return () if table is None else tuple(record for record, _ in newest(table, where))


def known_id(tables: Tables, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int) -> str | None:
    """Return the id of the video at ``path`` if it is known with this size and modification time, else None."""
    where = f"path_key = '{_path_key(path)}' AND size_bytes = {int(size_bytes)} AND mtime_ns = {int(mtime_ns)}"

    def latest(table: Table | None) -> str | None:
        rows = [] if table is None else table.rows(("video", "at_ns"), where).to_pylist()
        return max(rows, key=lambda row: row["at_ns"])["video"] if rows else None

    return tables.answered(FILES, where, latest)


def remember_id(tables: Tables, path: str | os.PathLike[str], size_bytes: int, mtime_ns: int, video_id: str) -> None:
    """Store the id of the video at ``path``."""
    import pyarrow as pa

    values = (_path_key(path), int(size_bytes), int(mtime_ns), plain_id(video_id), stamp())
    schema = _files_schema()
    with tables.writing(FILES, _files_schema) as table:
        table.add(pa.Table.from_pylist([dict(zip(schema.names, values, strict=True))], schema=schema))


def _path_key(path: str | os.PathLike[str]) -> str:
    return digest(os.fspath(Path(path).resolve()))


def _row(record: VideoRecord) -> dict[str, Any]:
    table = record.table
    row: dict[str, Any] = {
        name: getattr(record, name) for name in _COLUMNS if name in VideoRecord.__dataclass_fields__ and name != "table"
    }
    return row | {
        "video": record.video_id,
        "path": record.path.encode("utf-8", "surrogatepass"),
        "name": record.name.encode("utf-8", "surrogatepass"),
        "pts": table.pts,
        "key_pts": np.asarray(table.key_pts, dtype=np.int64),
        "base_num": table.time_base.numerator,
        "base_den": table.time_base.denominator,
        "start_pts": int(table.start_pts),
        "end_s": float(table.end_s),
        "confirmed": bool(table.confirmed),
        "at_ns": stamp(),
    }


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in _COLUMNS)


def _record(rows: Any, i: int) -> VideoRecord:  # noqa: ANN401
    def ints(name: str) -> Ints:
        found = np.array(rows[name][i].values.to_numpy(zero_copy_only=False), dtype=np.int64)
        found.flags.writeable = False  # the record is shared between threads
        return found

    row = {name: rows[name][i].as_py() for name in (*_PLAIN, "path", "name", "added_s")}
    row |= {name: rows[name][i].as_py() if name in rows.column_names else None for name in _LATER}
    num, den, start_pts, end_s, confirmed = (
        row.pop(name) for name in ("base_num", "base_den", "start_pts", "end_s", "confirmed")
    )
    table = TimeTable(ints("pts"), Fraction(num, den), start_pts, end_s, confirmed, ints("key_pts"))
    path, name = (row.pop(key).decode("utf-8", "surrogatepass") for key in ("path", "name"))
    return VideoRecord(video_id=row.pop("video"), path=path, name=name, table=table, **row)
