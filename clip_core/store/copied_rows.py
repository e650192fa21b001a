"""Take the rows that another store has and this one lacks, in parts of bounded size; the other store is only read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from clip_core.errors import StoreError
from clip_core.store.kinds import Kind, check_columns, kind_of, known_tables
from clip_core.store.subtitle_rows import SUBTITLE_SOURCES, SUBTITLES
from clip_core.store.tables import Columns, StorePart, Table, Tables, of_video, of_videos_in_parts
from clip_core.store.thumbnails import THUMBNAILS
from clip_core.store.word_index import index_words

KEYS_AT_ONCE = 16_384
_TAKEN_AT_ONCE = {THUMBNAILS: 2048}
"""Rows of a commit where they are large; of the others, all that lack among so many keys."""
_NEWEST_AT_ONCE = 100
_COMMITS_BETWEEN_INDEXING = 16
"""Rows that are not in the index of the videos are looked for by a scan."""


class CopiedRows(StorePart):
    """Rows that come from another store."""

    def known_tables(self) -> dict[str, Kind]:
        """Return name → kind of all tables; NewerStoreError if a newer version wrote one, or a column of one."""
        kinds = known_tables(self._tables)
        for name, kind in kinds.items():
            check_columns(self._tables, name, kind)
        return kinds

    def row_count(self, name: str) -> int:
        """Return how many rows a table has, those that count no more included."""
        with self._tables.reading(name) as table:
            return 0 if table is None else table.ask(lambda raw: int(raw.count_rows()))

    def take_lacking(
        self, source: CopiedRows, name: str, videos: Collection[str] | None = None
    ) -> Iterator[tuple[int, int]]:
        """Add the rows of a table whose keys are not here yet, each once; two rows of one key must say the same.

        Args:
            source: The other store.
            name: The table.
            videos: Only rows of these; None: all.

        Yields:
            After each part how many rows were looked at and how many were added.

        Raises:
            StoreError: The vectors of the two stores differ in length.
        """
        kind = _kind(name)
        with source._tables.reading(name) as table:
            if table is None:
                return
            columns = _columns(table, kind)
            self._check_vectors(name, columns)
            commits, most = 0, _TAKEN_AT_ONCE.get(name, KEYS_AT_ONCE)
            for keys in _batches(table, kind.key):
                row_ids = self._lacking(name, kind, keys, videos)
                for first in range(0, len(row_ids), most):
                    part = row_ids[first : first + most]
                    _add(self._tables, name, columns, table.take(part, _there(table, columns)))
                    commits += 1
                    if commits % _COMMITS_BETWEEN_INDEXING == 0 and "video" in kind.key:
                        self._index_all(name)
                yield keys.num_rows, len(row_ids)

    def _check_vectors(self, name: str, columns: Columns) -> None:
        with self._tables.reading(name) as table:
            if table is None or "vector" not in columns:
                return
            own = _columns(table, _kind(name))["vector"]
        if own != columns["vector"]:
            what = f"The vectors of {name[:20]}… are {columns['vector']} in the one store, and {own} in the other."
            raise StoreError(what, "The model's folder changed under the same fingerprint: they cannot be merged.")

    def _index_all(self, name: str) -> None:
        """Make the index of the videos, or bring it up to date."""
        with self._tables.reading(name) as table:
            if table is not None:
                table.index("video")
                table.compact()

    def _lacking(self, name: str, kind: Kind, keys: Any, videos: Collection[str] | None) -> list[int]:  # noqa: ANN401
        """Return the row ids of those keys that are not stored here, in the order of the other store."""
        wanted: dict[tuple[Any, ...], int] = {}
        for *key, row_id in zip(*(keys[column].to_pylist() for column in (*kind.key, "_rowid")), strict=True):
            if videos is None or key[0] in videos:
                wanted.setdefault(tuple(key), row_id)
        if not wanted:
            return []
        with self._tables.reading(name) as table:
            if table is None:
                return [*wanted.values()]
            for where in _filters(kind, [*wanted]):
                own = table.rows(kind.key, where)
                for known in zip(*(own[column].to_pylist() for column in kind.key), strict=True):
                    wanted.pop(known, None)
        return [*wanted.values()]

    def take_newest(self, source: CopiedRows, name: str) -> int:
        """Add the newest row of each key that is not here, or older here; return how many were added.

        Of equal age, the row that is here stays. With the sources of subtitles come their cues.
        """
        kind, added = _kind(name), 0
        with self._tables.reading(name) as table:
            own = {key: at_ns for key, (at_ns, _) in _newest(table, kind).items()}
        with source._tables.reading(name) as table:
            if table is None:
                return 0
            columns = _columns(table, kind)
            newest = sorted(_newest(table, kind).items(), key=lambda pair: pair[1])
            fresh = [row_id for key, (at_ns, row_id) in newest if at_ns > own.get(key, -1)]
            for first in range(0, len(fresh), _NEWEST_AT_ONCE):
                rows = table.take(fresh[first : first + _NEWEST_AT_ONCE], _there(table, columns))
                if name == SUBTITLE_SOURCES:
                    self._take_cues(source, rows)
                _add(self._tables, name, columns, rows)
                added += rows.num_rows
        return added

    def _take_cues(self, source: CopiedRows, sources: Any) -> None:  # noqa: ANN401
        """Add the cues of some sources, before these count; what a stopped copy left of them is replaced."""
        pairs = zip(sources["video"].to_pylist(), sources["at_ns"].to_pylist(), strict=True)
        where = " OR ".join(f"({of_video(video)} AND at_ns = {at_ns})" for video, at_ns in pairs)
        with source._tables.reading(SUBTITLES) as table:
            if table is None:
                return
            columns = _columns(table, _kind(SUBTITLES))
            rows = table.rows(_there(table, columns), where)
        self._tables.delete([SUBTITLES], where)
        if rows.num_rows:
            with self._tables.writing(SUBTITLES, columns) as table:
                index_words(table, "text")
                table.index("video")
            _add(self._tables, SUBTITLES, columns, rows)


def _kind(name: str) -> Kind:
    kind = kind_of(name)
    if kind is None:
        raise ValueError(f"{name} is no table of a store")
    return kind


def _columns(table: Table, kind: Kind) -> Columns:
    """Return all columns with which rows of a table are added."""
    if not kind.vector:
        return kind.columns
    return {**kind.columns, "vector": f"{kind.vector}[{table.schema.field('vector').type.list_size}]"}


def _there(table: Table, columns: Columns) -> list[str]:
    """Return the names of those columns that a table has; one of an earlier version lacks some."""
    there = {*table.schema.names}
    return [name for name in columns if name in there]


def _batches(table: Table, columns: Sequence[str]) -> Iterator[Any]:
    """Yield pyarrow batches of ``columns`` and ``_rowid``."""
    query = table.ask(lambda raw: raw.search().select([*columns]).with_row_id(True).limit(None))
    batches = table.ask(lambda _: iter(query.to_batches(KEYS_AT_ONCE)))
    while (batch := table.ask(lambda _: next(batches, None))) is not None:
        yield batch


def _filters(kind: Kind, keys: Collection[tuple[Any, ...]]) -> Iterable[str | None]:
    """Return SQL filters that together match all rows with these keys, and perhaps others."""
    if "video" not in kind.key:
        return (None,)
    pts = [key[1] for key in keys]
    between = f" AND pts >= {min(pts)} AND pts <= {max(pts)}"
    return (where + between for where in of_videos_in_parts(sorted({key[0] for key in keys})))


def _newest(table: Table | None, kind: Kind) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Return key → the ``at_ns`` and row id of its newest row."""
    if table is None:
        return {}
    rows, newest = table.rows((*kind.key, "at_ns")), dict[tuple[Any, ...], tuple[int, int]]()
    for *key, at_ns, row_id in zip(*(rows[c].to_pylist() for c in (*kind.key, "at_ns", "_rowid")), strict=True):
        newest[tuple(key)] = max(newest.get(tuple(key), (-1, -1)), (at_ns, row_id))
    return newest


def _add(tables: Tables, name: str, columns: Columns, rows: Any) -> None:  # noqa: ANN401
    """Commit rows of another store's table; columns that an earlier version lacked stay empty."""
    import pyarrow as pa

    there = {*rows.column_names}
    values = {column: rows[column] if column in there else pa.nulls(rows.num_rows) for column in columns}
    with tables.writing(name, columns) as table:
        table.add(values)
