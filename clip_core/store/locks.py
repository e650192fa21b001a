"""Advisory lock between processes: one of them indexes a video, the others wait and read."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from clip_core.store.tables import Tables, digest, guarded


class IndexingLock:
    """A context manager that tries to lock once, at entry, and never waits.

    It only saves duplicate work; the stored data are correct without it. The operating system releases
    it when the process ends, even after a crash. On an object store it is always held.

    Attributes:
        held: Whether this process holds the lock.
    """

    def __init__(self, tables: Tables, video_id: str, fingerprint: str) -> None:
        self.held = False
        self._location = tables.location
        folder = Path(tables.location, "locks") if tables.is_folder else None
        self._path = None if folder is None else folder / f"{digest(f'{video_id} {fingerprint}')}.lock"
        self._lock: FileLock | None = None

    def __enter__(self) -> IndexingLock:
        """Try to acquire the lock.

        Raises:
            StoreError: The folder for locks cannot be written.
        """
        if self._path is None:
            self.held = True
            return self
        with guarded(self._location):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._path)
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                return self
            self.held = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock if it is held."""
        if self._lock is not None and self.held:
            self._lock.release()
        self.held = False
