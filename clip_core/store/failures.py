"""Files that could not be indexed when it was last tried, each with the reason. The newest row of a file counts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clip_core.addresses import is_address
from clip_core.store.errors import asked_again
from clip_core.store.tables import StorePart, Table, columns_of, digest, stamp

FAILURES = "failures"
COLUMNS = columns_of("path_key string, path binary, reason string, at_ns int64")


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be indexed.

    Attributes:
        path: Its absolute path, the pattern of a sequence of pictures, or the address of an object.
        reason: What happened and what to do, in one line.
        failed_s: When it was tried, seconds since 1970.
    """

    path: str
    reason: str
    failed_s: float


class FailureRows(StorePart):
    """The store's list of files that could not be indexed."""

    def failures(self) -> list[FailedFile]:
        """Return the files whose last try failed, in the order of these tries."""
        return list(self._tables.answered(FAILURES, None, _newest))

    @asked_again
    def remember_failure(self, path: str | os.PathLike[str], reason: str) -> None:
        """Store that a file could not be indexed, in place of what was stored of it before."""
        file = _plain(path)
        row = {"path_key": digest(file), "path": file.encode("utf-8", "surrogatepass"), "reason": reason}
        with self._tables.writing(FAILURES, COLUMNS) as table:
            at_ns = stamp()
            table.add_rows({**row, "at_ns": at_ns})
            table.delete(f"path_key = '{row['path_key']}' AND at_ns < {at_ns}")

    def forget_failure(self, path: str | os.PathLike[str]) -> None:
        """Take a file off the list: it was indexed, or is given up."""
        file = _plain(path)
        if any(failed.path == file for failed in self.failures()):
            self._tables.delete([FAILURES], f"path_key = '{digest(file)}'")


def _plain(path: str | os.PathLike[str]) -> str:
    return os.fspath(path) if is_address(path) else str(Path(path).absolute())


def _newest(table: Table | None) -> tuple[FailedFile, ...]:
    if table is None:
        return ()
    rows = sorted(table.rows(("path", "reason", "at_ns")).to_pylist(), key=lambda row: row["at_ns"])
    newest = {row["path"]: row for row in rows}
    ordered = sorted(newest.values(), key=lambda row: row["at_ns"])
    return tuple(
        FailedFile(row["path"].decode("utf-8", "surrogatepass"), row["reason"], row["at_ns"] / 1e9) for row in ordered
    )
