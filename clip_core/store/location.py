"""What a store's location tells, be it a folder or an address: whether there is a store, and a table's files."""

from __future__ import annotations

import random
import stat
from pathlib import Path
from typing import Any

from clip_core.store import object_store
from clip_core.store.errors import guarded

_MAGIC = b"LANC"
_WAIT_S, _REMOTE_WAIT_S = 0.01, 0.1
INDEX_CACHE_BYTES, METADATA_CACHE_BYTES = 256 * 1024 * 1024, 32 * 1024 * 1024
"""LanceDB keeps of each version which files it has; without a limit, 10,000 commits take a gigabyte."""


def is_folder(location: str) -> bool:
    """Return whether it is a folder, not an address."""
    return "://" not in location


def connect(location: str) -> Any:  # noqa: ANN401 - LanceDB is not imported here
    """Return LanceDB's connection to a store.

    Raises:
        StoreError: It lies in an object store that cannot be reached.
    """
    import lancedb

    session = lancedb.Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES)
    if is_folder(location):
        return lancedb.connect(location, session=session)
    object_store.check_reachable(location)
    return lancedb.connect(location, session=session, storage_options=object_store.OPTIONS)


def is_there(location: str) -> bool:
    """Return whether the store may exist; reading must not create it.

    Raises:
        StoreError: The location cannot be a store, for example a regular file.
    """
    if not is_folder(location):
        return True
    with guarded(location):
        try:
            mode = Path(location).stat().st_mode
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(20, "Not a directory", location)
        return True


def check_newest(location: str, name: str) -> None:
    """Refuse a table whose newest version was cut short, by a power cut perhaps: LanceDB may panic over it.

    An object store has no object that was not written in full.

    Raises:
        ValueError: It was cut short.
    """
    versions = Path(location, f"{name}.lance", "_versions") if is_folder(location) else None
    newest = versions and min(versions.glob("*.manifest"), default=None)  # their names count down
    if newest is not None and not newest.read_bytes().endswith(_MAGIC):
        raise ValueError(f"{newest.name} is corrupt: its end is missing")


def is_written(location: str, name: str) -> bool:
    """Return whether there are files of a table."""
    if not is_folder(location):
        return object_store.holds_objects(location, f"{name}.lance/_versions")
    folder = Path(location, f"{name}.lance")
    return any((*folder.glob("_versions/*.manifest"), *folder.glob("data/*.lance")))


def wait_after(tries: int, location: str) -> float:
    """Return how many seconds to wait after so many lost races; a commit to an object store takes about a second."""
    least_s = _WAIT_S if is_folder(location) else _REMOTE_WAIT_S
    return random.uniform(0.5, 1.0) * least_s * 2.0**tries  # noqa: S311 - not for security
