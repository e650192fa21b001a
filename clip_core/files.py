"""Write files atomically, sweep what killed processes left half-written, name files safely, check the free space."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Self

from clip_core.text import size_text, without_many_marks

if sys.platform != "win32":
    import fcntl

LEFT_AFTER_S = 3600.0
"""A killed process left a half-written file behind if it was not changed for this long and is not locked."""
MOST_SLUG = 40
SLUGLESS = "moment"
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def part_of(target: Path) -> Path:
    """Return the path to write ``target`` to until it is complete: a hidden file beside it that ends in ``.part``."""
    return target.with_name(f".{target.name}.part")


def unique_part(folder: Path) -> Path:
    """Return a path in ``folder`` to write to, which no other writer has and whose name is no user's own."""
    return folder / f".clip-video-{uuid.uuid4().hex}.part"


_UNIQUE_PART = re.compile(r"\.clip-video-[0-9a-f]{32}\.part")


class PartFile:
    """A file that is being written under another name; a context manager that deletes it unless ``keep`` was called.

    It is locked until then. The operating system releases the lock when the process dies, so ``sweep`` can tell
    leftovers from files that are being written.

    Args:
        path: Where to write; the file is created. If another writer has it, ``path`` is a unique one beside it.

    Attributes:
        path: Where to write.

    Raises:
        OSError: The file cannot be created.
    """

    def __init__(self, path: Path) -> None:
        try:
            handle = _hold(path)
        except BlockingIOError:
            path = unique_part(path.parent)
            handle = _hold(path)
        self.path, self._handle, self._kept = path, handle, False

    def keep(self, target: Path) -> None:
        """Move the file to ``target`` in one step, replacing what is there."""
        self.path.replace(target)
        self._kept = True

    def delete(self) -> None:
        """Delete the file unless it was kept; it stays locked."""
        if not self._kept:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete the file unless it was kept, and release the lock; may be called twice."""
        try:
            self.delete()
        finally:
            handle, self._handle = self._handle, None
            if handle is not None:
                os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _hold(path: Path) -> int | None:
    """Open and lock a file, creating it if necessary; return its handle, or None if there are no locks here.

    Raises:
        BlockingIOError: Another writer has it.
        OSError: It cannot be created.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
            if _is_at(handle, path):  # else it was swept between the two
                return handle
        except BlockingIOError:
            os.close(handle)
            raise
        except OSError:
            os.close(handle)
            return None
        os.close(handle)


def _lock(handle: int) -> None:
    """Lock an open file or folder without waiting.

    Raises:
        BlockingIOError: Another holds it.
        OSError: There are no locks here: on Windows, on some network file systems, and for devices.
    """
    if sys.platform == "win32" or stat.S_ISCHR(os.fstat(handle).st_mode):
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def lock_folder(folder: Path) -> int | None:
    """Lock a folder that is only needed for a while, so that ``sweep`` leaves it alone.

    Returns:
        A handle to close; the lock ends with it, or with this process. None on Windows, where nothing is swept.
    """
    if sys.platform == "win32":
        return None
    handle = os.open(folder, os.O_RDONLY)
    with suppress(OSError):  # a file system without locks: nothing is swept there
        _lock(handle)
    return handle


def is_held(path: Path) -> bool:
    """Return whether a process has locked a file or folder: it is being written."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            _lock(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def sweep(folder: Path, names: re.Pattern[str] | None = None) -> None:
    """Delete what killed processes left half-written in a folder; call it when a program starts.

    That is what has a name of ``unique_part``, or one that ``names`` matches as a whole, was not changed for an hour,
    and is not locked (``PartFile``, ``lock_folder``). Links stay, and what cannot be deleted stays.

    Args:
        folder: The folder; it need not exist.
        names: Must match names only that this program gives, if the folder is not its own.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _UNIQUE_PART.fullmatch(entry.name) or (names is not None and names.fullmatch(entry.name)):
                with suppress(OSError):
                    _delete_if_left(Path(entry.path))


def _delete_if_left(path: Path) -> None:
    found = path.lstat()
    is_folder = stat.S_ISDIR(found.st_mode)
    is_old = time.time() - found.st_mtime > LEFT_AFTER_S
    if sys.platform == "win32" or not is_old or not (is_folder or stat.S_ISREG(found.st_mode)):
        return
    handle = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | os.O_NOFOLLOW)
    try:
        _lock(handle)
        if os.path.samestat(os.fstat(handle), found):
            shutil.rmtree(path) if is_folder else path.unlink()
    finally:
        os.close(handle)


@contextmanager
def whole_file(target: Path, part: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to; at the end of the block that file replaces ``target`` in one step.

    If the block raises, or is left early, the partial file is deleted and ``target`` is untouched.

    Args:
        target: The final path.
        part: The path to write to, in the same folder; ``part_of(target)`` unless ``unique_part`` is better.
    """
    with PartFile(part or part_of(target)) as out:
        yield out.path
        out.keep(target)


def is_full(error: Exception) -> bool:
    """Return whether an error means that the disk, or the quota on it, is full."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def reason_of(error: Exception) -> str:
    """Return the reason, such as "Permission denied", or the error's class if there is none."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and 0 < number < 200 else type(error).__name__


def nearest_folder(path: Path) -> Path:
    """Return ``path``, or the nearest folder above it that exists."""
    return next(place for place in (path, *path.absolute().parents) if place.is_dir() or place == place.parent)


def lacking_room(folder: Path, needed_bytes: int, spare_bytes: int) -> str | None:
    """Return why so many bytes do not fit on the disk of an existing folder, or None if they do.

    Such as "only 60 MB are free, and 64 MB must stay free": ``spare_bytes`` must stay free in addition.
    """
    free = shutil.disk_usage(folder).free
    if free >= needed_bytes + spare_bytes:
        return None
    return f"only {size_text(free)} are free, and {size_text(spare_bytes)} must stay free"


def slug(text: str, otherwise: str = SLUGLESS) -> str:
    """Return ``text`` as 1 to 40 of [a-z0-9-], safe as a file name on every system.

    Accents are dropped and runs of other characters become ``-``; if nothing is left, the result is ``otherwise``.
    Names that Windows reserves for devices (con, nul, com1 …) get a "-x".
    """
    folded = unicodedata.normalize("NFKD", without_many_marks(text)).encode("ascii", "ignore").decode("ascii").lower()
    short = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:MOST_SLUG].strip("-") or otherwise
    return f"{short}-x" if _RESERVED.fullmatch(short) else short


def named_after(video: str, file_name: str) -> str:
    """Return the name of a file about a video: ``holiday_moments.csv``, or ``moments.csv`` if the slug is empty."""
    short = slug(PurePath(video).stem, otherwise="")
    return f"{short}_{file_name}" if short else file_name


def numbered_name(number: int, prompt: str, time_s: float, extension: str) -> str:
    """Return the name of a clip or a frame, such as ``003_a-dog_0m12.400s.mp4``.

    Args:
        number: Its rank, from 1; written with at least three digits, so that names sort as the moments do.
        prompt, time_s: The moment's prompt, and the start of the clip or the time of the frame.
        extension: Without the dot, 1 to 8 of [a-z0-9].

    Raises:
        ValueError: The number is negative or the extension is invalid.
    """
    if number < 0 or not _EXTENSION.fullmatch(extension):
        raise ValueError(f"no file can be named by number {number} and extension {extension!r}")
    minutes, milliseconds = divmod(max(0, round(time_s * 1000)), 60_000)
    return f"{number:03d}_{slug(prompt)}_{minutes}m{milliseconds // 1000:02d}.{milliseconds % 1000:03d}s.{extension}"
