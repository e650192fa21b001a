"""Annotations of moments: an append-only log in which the newest row for a moment counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, digest, of_video, stamp
from clip_core.types import Annotation

ANNOTATIONS = "edits"
COLUMNS = columns_of(
    "video string, key string, prompt string, anchor_s float64, verdict string, start_s float64, end_s float64, "
    "label string, settings string, withdrawn bool, at_ns int64"
)
_PLAIN = ("prompt", "anchor_s", "start_s", "end_s", "verdict", "label")


class AnnotationRows(StorePart):
    """The store's annotations."""

    def annotations(self, video_id: str) -> tuple[Annotation, ...]:
        """Return the annotations of a video's moments, ordered by anchor."""

        def newest(table: Table | None) -> tuple[Annotation, ...]:
            return () if table is None else _in_force(_events(table, of_video(video_id)))

        return self._tables.answered(ANNOTATIONS, video_id, newest)

    def all_annotations(self) -> Mapping[str, tuple[Annotation, ...]]:
        """Return video id → the annotations of its moments, ordered by anchor, for all videos that have any."""

        def newest(table: Table | None) -> Mapping[str, tuple[Annotation, ...]]:
            rows: dict[str, list[dict[str, Any]]] = {}
            for row in [] if table is None else _events(table, None):
                rows.setdefault(row["video"], []).append(row)
            return {video_id: found for video_id, own in rows.items() if (found := _in_force(own))}

        return self._tables.answered(ANNOTATIONS, "all", newest)

    def put_annotation(self, video_id: str, annotation: Annotation) -> None:
        """Store an annotation; it replaces the one of the same prompt and anchor."""
        self._append(video_id, annotation, withdrawn=False)

    def withdraw_annotation(self, video_id: str, annotation: Annotation) -> None:
        """Remove an annotation."""
        self._append(video_id, annotation, withdrawn=True)

    @asked_again
    def _append(self, video_id: str, annotation: Annotation, *, withdrawn: bool) -> None:
        with self._tables.writing(ANNOTATIONS, COLUMNS) as table:
            past = _events(table, of_video(video_id))
            row = {name: getattr(annotation, name) for name in _PLAIN} | {
                "video": video_id,
                "key": digest(f"{annotation.anchor_s:.6f} {annotation.prompt}"),
                "settings": json.dumps(dict(annotation.settings), ensure_ascii=True, sort_keys=True),
                "withdrawn": withdrawn,
                "at_ns": stamp(past[-1]["at_ns"] if past else 0),
            }
            table.add_rows(row)


def _in_force(events: Iterable[Mapping[str, Any]]) -> tuple[Annotation, ...]:
    """Return the annotations of one video that are in force after its events, ordered by anchor."""
    last = {row["key"]: row for row in events}
    found = [_annotation(row) for row in last.values() if not row["withdrawn"]]
    return tuple(sorted(found, key=lambda annotation: (annotation.anchor_s, annotation.prompt)))


def _events(table: Table, where: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.rows(tuple(COLUMNS), where).to_pylist()
    return sorted(rows, key=lambda row: (row["at_ns"], row["key"]))


def _annotation(row: Mapping[str, Any]) -> Annotation:
    return Annotation(**{name: row[name] for name in _PLAIN}, settings=json.loads(row["settings"]))
