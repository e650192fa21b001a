"""One process at a time makes copies to play in a folder; the others wait for their turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from clip_core.errors import ProxyError, shown_name


@contextmanager
def turn_lock(folder: Path) -> Iterator[FileLock]:
    """Lend the lock of a folder, which is made if need be; it is free again at the end.

    The operating system frees it when a process dies. So whoever has it may remove what others have left.

    Raises:
        ProxyError: The folder cannot be written.
    """
    lock = FileLock(folder / ".lock", thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        take(lock)
    except OSError as error:
        raise ProxyError(
            f"Copies to play cannot be kept in {shown_name(folder)}: {error.strerror}.",
            "Make that folder writable, or name one that is as the first of video_dirs in config.yaml.",
        ) from error
    try:
        yield lock
    finally:
        lock.release()


def take(lock: FileLock) -> bool:
    """Try to take a lock, without waiting; return whether it is ours."""
    if not lock.is_locked:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
    return True
