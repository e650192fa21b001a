"""Annotations of moments: an append-only log in which the newest row for a moment counts."""

from __future__ import annotations

import json
from typing import Any

from clip_core.store.tables import Table, Tables, digest, plain_id, stamp
from clip_core.types import Edit

EDITS = "edits"


def _schema() -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    text, real = pa.string(), pa.float64()
    kinds = [("video", text), ("key", text), ("prompt", text), ("anchor_s", real), ("verdict", text)]
    kinds += [("start_s", real), ("end_s", real), ("label", text), ("settings", text)]
    return pa.schema([*kinds, ("withdrawn", pa.bool_()), ("at_ns", pa.int64())])


def put(tables: Tables, video_id: str, edit: Edit, *, withdrawn: bool = False) -> None:
    """Append an annotation, which replaces that of the same prompt and anchor; ``withdrawn`` removes it."""
    import pyarrow as pa

    row = {name: getattr(edit, name) for name in ("prompt", "anchor_s", "start_s", "end_s", "verdict", "label")}
    with tables.writing(EDITS, _schema) as table:
        past = _events(table, video_id)
        row |= {
            "video": plain_id(video_id),
            "key": digest(f"{edit.anchor_s:.6f} {edit.prompt}"),
            "settings": json.dumps(dict(edit.settings), ensure_ascii=True, sort_keys=True),
            "withdrawn": withdrawn,
            "at_ns": stamp(past[-1]["at_ns"] if past else 0),
        }
        table.add(pa.Table.from_pylist([row], schema=_schema()))


def edits(tables: Tables, video_id: str) -> tuple[Edit, ...]:
    """Return the annotations of a video that are not withdrawn, ordered by anchor."""

    def newest(table: Table | None) -> tuple[Edit, ...]:
        last = {} if table is None else {row["key"]: row for row in _events(table, video_id)}
        found = [_edit(row) for row in last.values() if not row["withdrawn"]]
        return tuple(sorted(found, key=lambda edit: (edit.anchor_s, edit.prompt)))

    return tables.answered(EDITS, video_id, newest)


def _events(table: Table, video_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.rows(_schema().names, f"video = '{plain_id(video_id)}'").to_pylist()
    return sorted(rows, key=lambda row: (row["at_ns"], row["key"]))


def _edit(row: dict[str, Any]) -> Edit:
    plain = {name: row[name] for name in ("prompt", "anchor_s", "start_s", "end_s", "verdict", "label")}
    return Edit(**plain, settings=json.loads(row["settings"]))
