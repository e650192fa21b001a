"""Annotations of moments: an append-only log in which the newest row for a moment counts."""

from __future__ import annotations

import json
from typing import Any

from clip_core.store.tables import Table, Tables, digest, plain_id, stamp
from clip_core.types import Annotation

ANNOTATIONS = "edits"


def _schema() -> Any:  # noqa: ANN401 - pyarrow is not imported here
    import pyarrow as pa

    text, real = pa.string(), pa.float64()
    kinds = [("video", text), ("key", text), ("prompt", text), ("anchor_s", real), ("verdict", text)]
    kinds += [("start_s", real), ("end_s", real), ("label", text), ("settings", text)]
    return pa.schema([*kinds, ("withdrawn", pa.bool_()), ("at_ns", pa.int64())])


def put(tables: Tables, video_id: str, annotation: Annotation, *, withdrawn: bool = False) -> None:
    """Append an annotation, which replaces that of the same prompt and anchor; ``withdrawn`` removes it."""
    import pyarrow as pa

    row = {name: getattr(annotation, name) for name in ("prompt", "anchor_s", "start_s", "end_s", "verdict", "label")}
    with tables.writing(ANNOTATIONS, _schema) as table:
        past = _events(table, video_id)
        row |= {
            "video": plain_id(video_id),
            "key": digest(f"{annotation.anchor_s:.6f} {annotation.prompt}"),
            "settings": json.dumps(dict(annotation.settings), ensure_ascii=True, sort_keys=True),
            "withdrawn": withdrawn,
            "at_ns": stamp(past[-1]["at_ns"] if past else 0),
        }
        table.add(pa.Table.from_pylist([row], schema=_schema()))


def current(tables: Tables, video_id: str) -> tuple[Annotation, ...]:
    """Return the annotations of a video that are not withdrawn, ordered by anchor."""

    def newest(table: Table | None) -> tuple[Annotation, ...]:
        last = {} if table is None else {row["key"]: row for row in _events(table, video_id)}
        found = [_annotation(row) for row in last.values() if not row["withdrawn"]]
        return tuple(sorted(found, key=lambda annotation: (annotation.anchor_s, annotation.prompt)))

    return tables.answered(ANNOTATIONS, video_id, newest)


def _events(table: Table, video_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.rows(_schema().names, f"video = '{plain_id(video_id)}'").to_pylist()
    return sorted(rows, key=lambda row: (row["at_ns"], row["key"]))


def _annotation(row: dict[str, Any]) -> Annotation:
    plain = {name: row[name] for name in ("prompt", "anchor_s", "start_s", "end_s", "verdict", "label")}
    return Annotation(**plain, settings=json.loads(row["settings"]))
