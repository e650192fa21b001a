"""Open, read and write LanceDB tables; errors that leave this module are ours."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from clip_core.errors import ReadOnlyError, StoreError
from clip_core.store import object_store
from clip_core.store.errors import REPLACED_TRIES, asked_again, guarded, is_conflict, is_missing
from clip_core.store.location import check_newest, connect, is_folder, is_there, is_written, wait_after
from clip_core.store.recent_states import RecentStates

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
Columns: TypeAlias = dict[str, str]
"""Name of a column → pyarrow's name of its type; "int64[]" is a list, "float16[512]" a list of fixed length."""
_ID = re.compile(r"[0-9A-Za-z_.-]{1,128}")
_TRIES = 8
_MADE, _NO_TABLE = b"made", "none"
_MOST_ANSWERS = 64
_MOST_IN_MEMORY = 20_000
_ROWS_AT_ONCE, _MOST_NAMED = 16, 100
MANY_FRAGMENTS = 32
"""To read a fragment takes 0.3 ms; to merge them takes 10 ms, and 0.1 ms for each version of the last hour."""
# Another process may read one version for as long as a page uses it.
KEEP_OLD = timedelta(hours=1)


def plain_id(text: str) -> str:
    """Return ``text`` if it is safe in an SQL filter and in a table's name.

    Raises:
        StoreError: It is not an id of a video or a model.
    """
    if _ID.fullmatch(text) is None:
        raise StoreError(f"{text[:40]!r} is not an id of a video or a model.", "Pass the video_id of an opened video.")
    return text


def of_video(video_id: str) -> str:
    """Return the SQL filter for the rows of a video."""
    return f"video = '{plain_id(video_id)}'"


def of_videos(video_ids: Iterable[str]) -> str:
    """Return the SQL filter for the rows of some videos, at least one."""
    return f"video IN ({', '.join(repr(plain_id(video_id)) for video_id in sorted(video_ids))})"


def of_videos_in_parts(video_ids: Sequence[str]) -> Iterator[str]:
    """Yield SQL filters that together match the rows of these videos, each those of some of them."""
    for first in range(0, len(video_ids), _MOST_NAMED):
        yield of_videos(video_ids[first : first + _MOST_NAMED])


def digest(text: str) -> str:
    """Return the SHA-256 of a text as 64 hex digits; also works for paths that are not valid Unicode."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stamp(after_ns: int = 0) -> int:
    """Return the time in nanoseconds, but always later than ``after_ns``, even if the clock was set back."""
    return max(time.time_ns(), after_ns + 1)


def columns_of(text: str) -> Columns:
    """Return the columns of a text like "video string, pts int64"."""
    return dict(column.split() for column in text.split(","))


def arrow_schema(columns: Columns) -> Any:  # noqa: ANN401 - pyarrow is not imported here
    """Return the pyarrow schema of ``columns``."""
    import pyarrow as pa

    def kind(name: str) -> pa.DataType:
        item, is_list, length = name.rstrip("]").partition("[")
        return pa.list_(pa.type_for_alias(item), int(length or -1)) if is_list else pa.type_for_alias(name)

    return pa.schema([(column, kind(name)) for column, name in columns.items()])


class Table:
    """One LanceDB table at its latest version, used by one thread at a time; rows are added with ``columns``."""

    def __init__(self, raw: Any, location: str, columns: Columns) -> None:  # noqa: ANN401 - LanceDB is not imported here
        self._raw, self._location, self._columns = raw, location, columns

    @property
    def state(self) -> str:
        """A value that changes with every commit of any process, and if the table is removed and created again."""
        with guarded(self._location):
            made = (self._raw.schema.metadata or {}).get(_MADE, b"").decode()
            return f"{made}:{self._raw.version}"

    @property
    def schema(self) -> Any:  # noqa: ANN401
        """The pyarrow schema."""
        with guarded(self._location):
            return self._raw.schema

    def rows(self, columns: Sequence[str], where: str | None = None) -> Any:  # noqa: ANN401
        """Return a pyarrow table of ``columns`` and ``_rowid``, for the rows that match the SQL filter ``where``."""
        with guarded(self._location):
            query = self._raw.search().select(list(columns)).with_row_id(True).limit(None)
            return (query.where(where) if where else query).to_arrow()

    def computed(self, columns: Mapping[str, str], where: str | None = None) -> Any:  # noqa: ANN401
        """Return a pyarrow table of computed columns, name → SQL expression, and ``_rowid``, as ``rows`` does.

        What they are computed from is read few rows at a time.
        """
        with guarded(self._location):
            query = self._raw.search().select(dict(columns)).with_row_id(True).limit(None)
            return (query.where(where) if where else query).to_batches(_ROWS_AT_ONCE).read_all()

    def take(self, row_ids: Sequence[int], columns: Sequence[str]) -> Any:  # noqa: ANN401
        """Return a pyarrow table of ``columns``, for row ids that ``rows()`` returned at this same version."""
        with guarded(self._location):
            return self._raw.take_row_ids(list(row_ids)).select(list(columns)).to_arrow()

    def add(self, values: Mapping[str, Any]) -> None:
        """Commit rows, all or nothing: name of each column → its values, one per row."""
        import pyarrow as pa

        rows = pa.table(dict(values), schema=arrow_schema(self._columns))
        self._retried(lambda: self._raw.add(rows))

    def add_rows(self, *rows: Mapping[str, Any]) -> None:
        """Commit rows of a small table, name of each column → its value, and merge its fragments now and then."""
        self.add({name: [row[name] for row in rows] for name in self._columns})
        if self._raw.version % MANY_FRAGMENTS == 0:  # one process's turn, also if several add rows
            self.compact()

    def complete(self) -> None:
        """Add the columns that a table of an earlier version lacks, without values."""

        def once() -> None:
            there = set(self._raw.schema.names)
            if lacking := {name: kind for name, kind in self._columns.items() if name not in there}:
                self._raw.add_columns(list(arrow_schema(lacking)))

        self._retried(once)

    def delete(self, where: str) -> None:
        """Delete the rows that match the SQL filter."""
        self._retried(lambda: self._raw.delete(where) if self._raw.count_rows(where) else None)

    def index(self, column: str) -> None:
        """Create a scalar index on ``column`` if there is none. Losing a race to another process is not an error."""
        from lancedb.index import Bitmap

        def once(raw: Any) -> None:  # noqa: ANN401
            if not any(column in index.columns for index in raw.list_indices()):
                raw.create_index(column, config=Bitmap())

        self.tend(once)

    def ask(self, question: Callable[[Any], _T]) -> _T:
        """Return what ``question`` returns for the LanceDB table."""
        with guarded(self._location):
            return question(self._raw)

    def tend(self, action: Callable[[Any], object]) -> None:
        """Do something for speed to the LanceDB table, such as indexing. Losing a race is not an error."""
        try:
            self._retried(lambda: action(self._raw))
        except StoreError as error:
            if error.__cause__ is None or not is_conflict(error.__cause__):
                raise
            _log.info("Left to another process: %s", error.line)

    def compact(self, fewest: int = 0) -> None:
        """Merge small fragments, if there are so many, and delete versions over an hour old; see ``tend``."""

        def once(raw: Any) -> None:  # noqa: ANN401
            if raw.stats()["fragment_stats"]["num_small_fragments"] >= fewest:
                raw.optimize(cleanup_older_than=KEEP_OLD)

        self.tend(once)

    def _retried(self, action: Callable[[], _T]) -> _T:
        """Return what ``action`` returns, tried again at the latest version if another process won the race."""
        tries = 1
        with guarded(self._location):
            while True:
                try:
                    if tries > 1:
                        self._raw.checkout_latest()
                    return action()
                except (OSError, RuntimeError, ValueError) as error:
                    lost = (is_conflict(error) and tries < _TRIES) or (is_missing(error) and tries < REPLACED_TRIES)
                    if not lost:
                        raise
                tries += 1
                time.sleep(wait_after(tries, self._location))


class StorePart:
    """Base of the classes that each have the store's methods for some of its tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables


class Tables:
    """All tables of one store. Threads may share it: each handle is used by one thread at a time.

    Args:
        location: A folder or an address.
        read_only: Whether every write is refused with ``ReadOnlyError``.
        fresh_s: How old the state of a table in an object store may be for those who need not know it at once.

    Attributes:
        recent: The states of the tables in an object store within ``fresh_s``.
        in_memory: What a read-only store computed and may not write; at most 20,000 values, the oldest are dropped.
    """

    def __init__(self, location: str | Path, *, read_only: bool = False, fresh_s: float = 0.0) -> None:
        text = str(location)
        if not isinstance(location, str | Path) or not text.strip() or "\0" in text:
            raise StoreError(f"{location!r} is not a place for embeddings.", "Give a folder or an s3:// address.")
        self.is_folder = is_folder(text)
        self.location = str(Path(text).absolute()) if self.is_folder else text
        self.read_only = read_only
        self.recent = RecentStates(0.0 if self.is_folder else fresh_s)
        self.in_memory: dict[Hashable, Any] = {}
        self._connection: Any = None
        self._connecting = threading.Lock()
        self._idle: dict[str, list[Any]] = {}
        self._answers: dict[Hashable, tuple[str, Any]] = {}

    def check_writable(self) -> None:
        """Raise ``ReadOnlyError`` if the store is read-only."""
        if self.read_only:
            raise ReadOnlyError("This server is read-only: nothing was changed.", "Ask the person who runs it.")

    def check_safe_to_write(self) -> None:
        """Raise ``StoreError`` if nothing may be written, or if several writers would lose rows in this place."""
        self.check_writable()
        if not self.is_folder:
            object_store.check_exclusive(self.location)

    def keep_in_memory(self, values: Mapping[Hashable, Any]) -> None:
        """Keep values until the process ends, in place of a table that may not be written."""
        with self._connecting:
            self.in_memory = dict([*{**self.in_memory, **values}.items()][-_MOST_IN_MEMORY:])

    @contextmanager
    def reading(self, name: str) -> Iterator[Table | None]:
        """Yield the table at its latest version, or None if nothing was ever written to it."""
        asked = time.monotonic()
        raw = self._latest(name) if is_there(self.location) else None
        table = Table(raw, self.location, {}) if raw is not None else None
        if self.recent.fresh_s:
            self.recent.note(name, asked, _NO_TABLE if table is None else table.state)
        yield table
        if raw is not None:
            self._idle.setdefault(name, []).append(raw)

    @asked_again
    def answered(
        self, name: str, question: Hashable, answer: Callable[[Table | None], _T], *, at_once: bool = False
    ) -> _T:
        """Return ``answer`` for a table, cached until somebody commits to the table.

        Args:
            name: The table.
            question: The cache key: everything that ``answer`` depends on except the table.
            answer: Computes an immutable value from the table, or from None if there is no table.
            at_once: Whether the store is asked in any case, however fresh the table's state is.
        """
        known = self._answers.get(key := (name, question))
        if known is not None and not at_once and known[0] == self.recent.get(name):
            return cast("_T", known[1])
        with self.reading(name) as table:
            if table is None and not self.recent.fresh_s:
                return answer(None)
            state = _NO_TABLE if table is None else table.state
            self._answers.pop(key, None)  # the last used is the last, and the first are dropped
            if known is None or known[0] != state:
                known = None  # it may be large: it goes before the new one is computed
                known = (state, answer(table))
        self._answers[key] = known
        for old in [*self._answers][:-_MOST_ANSWERS]:
            self._answers.pop(old, None)
        return known[1]

    @contextmanager
    def writing(self, name: str, columns: Columns) -> Iterator[Table]:
        """Yield the table at its latest version; the folder, the table, and columns that it lacks are created."""
        self.check_safe_to_write()
        is_there(self.location)
        raw = self._latest(name)
        if raw is None:
            raw = self._create(name, columns)
        table = Table(raw, self.location, columns)
        table.complete()
        try:
            yield table
        finally:
            self.recent.changed(name)
        self._idle.setdefault(name, []).append(raw)

    def delete(self, names: Iterable[str], where: str) -> None:
        """Delete the rows that match the SQL filter, in one table after another."""
        self.check_safe_to_write()
        for name in names:
            with self.reading(name) as table:
                if table is not None:
                    table.delete(where)
                    self.recent.changed(name)

    def drop(self, name: str) -> None:
        """Delete a whole table, even if it is damaged."""
        self.check_safe_to_write()
        with guarded(self.location):
            self._connected().drop_table(name, ignore_missing=True)
        self.recent.changed(name)

    def index(self, name: str) -> None:
        """Create an index so that the rows of a video are found without a scan."""
        self.check_safe_to_write()
        with self.reading(name) as table:
            if table is not None:
                table.index("video")

    def compact(self, names: Iterable[str], fewest: int = 0) -> None:
        """Merge small fragments of tables, if one has so many, and delete its versions over an hour old."""
        self.check_safe_to_write()
        for name in names:
            with self.reading(name) as table:
                if table is not None:
                    table.compact(fewest)

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of the tables that start with ``prefix``."""
        if not is_there(self.location):
            return []
        names: list[str] = []
        with guarded(self.location):
            token = None
            while True:
                page = self._connected().list_tables(page_token=token)
                names += page.tables
                token = page.page_token
                if not token:
                    return [name for name in names if name.startswith(prefix)]

    def _connected(self) -> Any:  # noqa: ANN401
        with self._connecting:
            if self._connection is None:
                self._connection = connect(self.location)
            return self._connection

    def _create(self, name: str, columns: Columns) -> Any:  # noqa: ANN401
        schema = arrow_schema(columns).with_metadata({_MADE: uuid.uuid4().hex})
        with guarded(self.location):
            try:
                return self._connected().create_table(name, schema=schema)
            except (ValueError, RuntimeError, OSError):
                # Another process may have created it in the meantime.
                raw = self._latest(name)
                if raw is None:
                    raise
                return raw

    def _latest(self, name: str) -> Any | None:  # noqa: ANN401
        with guarded(self.location):
            while idle := self._idle.get(name):
                try:
                    raw = idle.pop()
                    raw.checkout_latest()
                except (IndexError, RuntimeError, ValueError, OSError) as error:
                    # Another thread took the handle, or somebody removed the folder.
                    if not (isinstance(error, IndexError) or is_missing(error)):
                        raise
                else:
                    return raw
            tries = 1
            while True:
                try:
                    check_newest(self.location, name)
                    return self._connected().open_table(name)
                except (ValueError, RuntimeError, OSError) as error:
                    if is_missing(error) and not is_written(self.location, name):
                        return None
                    # A version may be deleted while it is opened. If that goes on, the table is damaged.
                    if tries == REPLACED_TRIES or not is_missing(error):
                        raise
                tries += 1
