"""Saved searches: rows are appended and the newest of a name counts; older rows of the name are deleted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clip_core.errors import StoreError
from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, digest, stamp
from clip_core.text import short_id

SEARCHES = "searches"
MOST_SAVED = 200
_ALL = 2**62
COLUMNS = columns_of("key string, text string, filter string, seen string, at_ns int64")


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that was saved.

    Attributes:
        text: The query as it was typed; it names the search, so there is one search of each text.
        where: What the videos were restricted to: fields of ``SearchFilter`` and values for JSON.
        seen: The ``short_id`` of each video that had been searched when somebody last looked → how many of its frames.
    """

    text: str
    where: Mapping[str, Any] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)

    def new_among(self, frames: Mapping[str, int]) -> frozenset[str]:
        """Return the videos that have got frames since somebody last looked; ``frames`` has the count of each by id."""
        return frozenset(video_id for video_id, count in frames.items() if count > self.seen.get(short_id(video_id), 0))


class SearchRows(StorePart):
    """The store's saved searches."""

    def searches(self) -> tuple[SavedSearch, ...]:
        """Return the saved searches, ordered by their texts."""
        return self._tables.answered(SEARCHES, "all", _newest)

    @asked_again
    def keep_search(self, kept: SavedSearch) -> None:
        """Store a search in place of the one with the same text.

        Raises:
            StoreError: It is a new one, and there are ``MOST_SAVED`` or, after a merge, more.
        """
        saved = self.searches()
        if len(saved) >= MOST_SAVED and all(other.text != kept.text for other in saved):
            what = f"{len(saved)} searches are saved already, and {MOST_SAVED} is the limit."
            raise StoreError(what, f"Remove {len(saved) - MOST_SAVED + 1} first.")
        key = digest(kept.text)
        with self._tables.writing(SEARCHES, COLUMNS) as table:
            past = [row["at_ns"] for row in _rows(table) if row["key"] == key]
            row = {
                "key": key,
                "text": kept.text,
                "filter": json.dumps(dict(kept.where), allow_nan=False),
                "seen": " ".join(f"{short}:{frames}" for short, frames in sorted(kept.seen.items())),
                "at_ns": stamp(max(past, default=0)),
            }
            table.add_rows(row)
            if past:
                table.delete(f"key = '{key}' AND at_ns < {row['at_ns']}")

    def drop_search(self, text: str) -> None:
        """Delete the search with that text, if it is saved."""
        self._tables.delete([SEARCHES], f"key = '{digest(text)}'")


def _rows(table: Table | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [] if table is None else table.rows(tuple(COLUMNS)).to_pylist()
    return sorted(rows, key=lambda row: row["at_ns"])


def _newest(table: Table | None) -> tuple[SavedSearch, ...]:
    found = {
        row["key"]: SavedSearch(row["text"], json.loads(row["filter"]), _seen(row["seen"])) for row in _rows(table)
    }
    return tuple(sorted(found.values(), key=lambda search: search.text))


def _seen(text: str) -> dict[str, int]:
    """Return what ``seen`` was; rows of earlier versions have no counts: all frames count as seen."""
    pairs = (word.partition(":") for word in text.split())
    return {short: int(frames) if frames else _ALL for short, _, frames in pairs}
