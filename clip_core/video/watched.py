"""The file, or the numbered pictures, that a video is read from, and whether they have changed since."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from clip_core.errors import ChangeKind, ClipVideoError, VideoChangedError, VideoError, VideoNotFoundError, shown_name
from clip_core.video.identity import hashing_file, hashing_pictures, readable
from clip_core.video.sequence import ImageSequence

HAPPENED: dict[ChangeKind, str] = {
    "gone": "was moved or deleted",
    "folder": "was replaced by a folder",
    "replaced": "was replaced by another file",
    "shorter": "was cut short",
    "longer": "grew",
    "changed": "was changed",
}
"""What follows the name of the file in a message."""
_MOST_PICTURE_NAME = 30
_END_BYTES = 4096
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.,-]*:")
_State: TypeAlias = tuple[int, int, int]


def _state(status: os.stat_result) -> _State:
    """Return what reveals a change of a file's content: its size, and when it and its inode were last changed."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class Watched:
    """What a video is read from. This class stands for no file at all, which never changes.

    Attributes:
        name: For messages.
        stamp: The ``file_stamp`` of what was opened.
    """

    name = ""
    stamp = (0, 0)

    def change(self) -> VideoChangedError | None:
        """Return what has happened since it was opened, or None if nothing has. All pictures are looked at."""
        return None

    def check(self) -> None:
        """Check that nothing has changed since it was opened.

        Raises:
            VideoChangedError: Something has.
        """
        if (error := self.change()) is not None:
            raise error

    def check_frames(self) -> None:
        """Check that the frames read so far are of what was opened. Only pictures that were read are looked at.

        Raises:
            VideoChangedError: They are not.
        """
        self.check()

    def check_path(self) -> None:
        """Check that the path, by which a decoder has just opened it, still leads to the same file.

        Raises:
            VideoChangedError: It leads to another file, or to none.
        """

    def renew(self) -> bool:
        """Watch what is at the path now; return False, and do nothing, if it cannot have the same bytes."""
        return True

    def hashing(self) -> Generator[int, None, str]:
        """Compute the video's id from the open file; see ``clip_core.video.identity.hashing``.

        Raises:
            VideoNotFoundError: There is no file.
        """
        raise VideoNotFoundError("This video was not read from a file, so it has no id.", "Open it by its path.")

    def close(self) -> None:
        """Release the file; may be called twice."""

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise whatever goes wrong in the block as ``VideoChangedError`` if a change is the reason.

        FFmpeg, Pillow and the operating system have many errors for a file that vanishes or is cut.
        """
        try:
            yield
        except Exception as error:
            of_others = isinstance(error, ClipVideoError) and not isinstance(error, VideoError)
            changed = None if of_others or isinstance(error, VideoChangedError) else self.change()
            if changed is None:
                raise
            raise changed from error

    @contextmanager
    def opening(self) -> Iterator[None]:
        """As ``telling``, and close the file if the block fails."""
        try:
            with self.telling():
                yield
        except BaseException:
            self.close()
            raise


def _error(subject: str, kind: ChangeKind) -> VideoChangedError:
    next_step = "Put it back." if kind in ("gone", "folder") else "Open it again."
    error = VideoChangedError(f"{subject} {HAPPENED[kind]} while it was read.", next_step)
    error.subject, error.kind = subject, kind
    return error


class WatchedFile(Watched):
    """One file, held open, so that its inode is not reused and it can be hashed even if it is replaced.

    Decoders open it again by its path, and have to call ``check_path`` then.

    Raises:
        VideoNotFoundError: There is no such regular file.
        VideoError: It is empty, or may not be read.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.name = path, shown_name(path)
        self._file = _opened(path)
        self._take(os.fstat(self._file.fileno()))

    def _take(self, status: os.stat_result) -> None:
        self._inode, self._state = (status.st_dev, status.st_ino), _state(status)
        self.stamp = (status.st_size, status.st_mtime_ns)
        self._ends = self._read_ends()

    def _read_ends(self) -> tuple[bytes, bytes]:
        """Return the first bytes, and those before where the end was when the file was opened."""
        size, found = self._state[0], []
        for start in (0, max(0, size - _END_BYTES)):
            try:
                self._file.seek(start)
                found.append(self._file.read(_END_BYTES)[:size])
            except OSError:  # decoders fail as well, and tell
                found.append(b"")
        return found[0], found[1]

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self.close()

    def change(self) -> VideoChangedError | None:
        """See ``Watched``."""
        kind = self._kind()
        return None if kind is None else _error(self.name, kind)

    def _kind(self, *, path_only: bool = False) -> ChangeKind | None:
        try:
            status = self._path.stat()
        except (OSError, ValueError):  # also: its folder or its drive is gone
            return "gone"
        if stat.S_ISDIR(status.st_mode):
            return "folder"
        if (status.st_dev, status.st_ino) != self._inode:
            return "replaced"
        if path_only or _state(status) == self._state:
            return None
        return self._kind_of_write(status.st_size)

    def _kind_of_write(self, size: int) -> ChangeKind:
        """Return whether the file, of another state and ``size`` bytes by now, was cut or continued, or rewritten."""
        head, tail = self._read_ends()
        if size > self._state[0] and (head, tail) == self._ends:
            return "longer"
        return "shorter" if size < self._state[0] and self._ends[0].startswith(head) else "changed"

    def check_path(self) -> None:
        """See ``Watched``."""
        kind = self._kind(path_only=True)
        if kind is not None:
            raise _error(self.name, kind)

    def renew(self) -> bool:
        """See ``Watched``."""
        try:
            file = _opened(self._path)
        except VideoError:
            return False
        status = os.fstat(file.fileno())
        if status.st_size != self.stamp[0]:
            file.close()
            return False
        self._file.close()
        self._file = file
        self._take(status)
        return True

    def hashing(self) -> Generator[int, None, str]:
        """See ``Watched``."""
        with readable(self._path):
            self._file.seek(0)
            return (yield from hashing_file(self._file))[0]

    def close(self) -> None:
        """See ``Watched``."""
        self._file.close()


def _opened(path: Path) -> BinaryIO:
    """Open a regular file that is not empty."""
    name = shown_name(path)
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size:  # opening a pipe would wait for its writer
            return path.open("rb", buffering=0)
    except PermissionError as error:
        raise VideoError(f"{name} may not be read.", "Change its permissions.") from error
    except (OSError, ValueError) as error:
        if _ADDRESS.match(str(path)):
            step = "Download the video and give the path of the file."
            raise VideoNotFoundError(f"{name} is an address, not a file.", step) from error
        raise VideoNotFoundError(f"There is no file {name}.", "Check the path.") from error
    if stat.S_ISDIR(status.st_mode):
        raise VideoNotFoundError(f"{name} is a folder.", "Choose a video file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise VideoNotFoundError(f"{name} is a special file (a pipe or a device).", "Choose a regular file.")
    raise VideoError(f"{name} is empty (0 bytes).", "Copy or download it again.")


class WatchedPictures(Watched):
    """The pictures of a sequence. Each is checked when it is read, because looking at all of them takes long.

    Attributes:
        files: The numbers and names of the pictures, by number.

    Raises:
        VideoNotFoundError: No picture is there.
    """

    def __init__(self, sequence: ImageSequence) -> None:
        self._sequence, self.name = sequence, sequence.name
        self._look()

    def _look(self) -> None:
        found = self._sequence.look()
        self.files = tuple((number, name) for number, name, _ in found)
        self._states = {name: _state(status) for _, name, status in found}
        self._altered: str | None = None
        self.stamp = self._sequence.stamp_of(found)

    def change(self) -> VideoChangedError | None:
        """See ``Watched``."""
        if self._altered is not None:
            return self._error(self._altered)
        try:
            now = {name: _state(status) for _, name, status in self._sequence.look()}
        except VideoNotFoundError:
            return _error(self.name, "gone")
        for _, name in self.files:
            if now.get(name) != self._states[name]:
                return self._error(name)
        return _error(self.name, "longer") if len(now) > len(self._states) else None

    def check_frames(self) -> None:
        """See ``Watched``."""
        if self._altered is not None:
            raise self._error(self._altered)

    def is_as_it_was(self, name: str, status: os.stat_result | None = None) -> bool:
        """Return whether a picture has not changed since the sequence was opened; if it has, ``check_frames`` raises.

        Args:
            name: Its file's name.
            status: That of the open file; None looks at what lies there.
        """
        try:
            same = _state(status or (self._sequence.folder / name).stat()) == self._states[name]
        except OSError:
            same = False
        if not same:
            self._altered = name
        return same

    def _error(self, name: str) -> VideoChangedError:
        path = self._sequence.folder / name
        kind: ChangeKind = "folder" if path.is_dir() else "changed" if path.exists() else "gone"
        return _error(f"{shown_name(name, _MOST_PICTURE_NAME)} of {self.name}", kind)

    def renew(self) -> bool:
        """See ``Watched``."""
        before = {name: state[0] for name, state in self._states.items()}
        try:
            found = self._sequence.look()
        except VideoNotFoundError:
            return False
        if before != {name: status.st_size for _, name, status in found}:
            return False
        self._look()
        return True

    def hashing(self) -> Generator[int, None, str]:
        """See ``Watched``."""
        return (yield from hashing_pictures(self._sequence.rate, self.files, self._picture))

    @contextmanager
    def _picture(self, name: str) -> Iterator[BinaryIO]:
        """Open a picture by its name; check at the end that it is still as it was."""
        with self.telling(), (self._sequence.folder / name).open("rb") as file:
            yield file
            if not self.is_as_it_was(name, os.fstat(file.fileno())):
                raise self._error(name)
