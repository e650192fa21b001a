"""Files on disk: written whole or not at all, named safely, and only where there is room."""

from __future__ import annotations

import errno
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from clip_core.text import size_text

MOST_SLUG = 40
SLUGLESS = "moment"
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def part_of(target: Path) -> Path:
    """Where a file lies until it is whole: beside its place, hidden, with ``.part`` at its end."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def whole_file(target: Path, part: Path | None = None) -> Iterator[Path]:
    """Lend a path to write; at the end of the block that file replaces ``target`` in one step.

    If the block fails, or is left early, nothing of it stays, and what lies at ``target`` is untouched.

    Args:
        target: Where the file will lie.
        part: Where to write it, in the same folder; ``part_of(target)`` unless two writers may meet.

    Raises:
        OSError: It cannot be put in its place.
    """
    part = part or part_of(target)
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def is_full(error: Exception) -> bool:
    """Whether the disk, or the quota on it, is full."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def reason_of(error: Exception) -> str:
    """Return the reason, such as "Permission denied"; the error's class where there is none."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and 0 < number < 200 else type(error).__name__


def nearest_folder(path: Path) -> Path:
    """Return ``path``, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.absolute().parents) if place.is_dir() or place == place.parent)


def lacking_room(folder: Path, needed_bytes: int, spare_bytes: int) -> str | None:
    """Say why a file does not fit on the disk of ``folder``; None if it does.

    Args:
        folder: It must be there.
        needed_bytes: How large the file may get.
        spare_bytes: What must stay free besides.

    Returns:
        Such as "300 MB are free, and 64 MB of them stay free".

    Raises:
        OSError: The folder cannot be looked at.
    """
    free = shutil.disk_usage(folder).free
    if free >= needed_bytes + spare_bytes:
        return None
    return f"{size_text(free)} are free, and {size_text(spare_bytes)} of them stay free"


def slug(text: str, otherwise: str = SLUGLESS) -> str:
    """Return ``text`` as 1 to 40 of [a-z0-9-], safe as a name on every system.

    Accents fall, everything else becomes ``-``; nothing left gives ``otherwise``. Names that Windows keeps for
    devices (con, nul, com1 …) get a "-x".
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    short = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:MOST_SLUG].strip("-") or otherwise
    return f"{short}-x" if _RESERVED.fullmatch(short) else short


def named_after(video: str, file_name: str) -> str:
    """Return the name of a file about a video, such as ``holiday_moments.csv``.

    Args:
        video: The video's name; where no letter of it can stand in a name, only ``file_name`` is left.
        file_name: What the file is, a constant.
    """
    short = slug(PurePath(video).stem, otherwise="")
    return f"{short}_{file_name}" if short else file_name


def numbered_name(number: int, prompt: str, time_s: float, extension: str) -> str:
    """Return the name of a clip or a frame, such as ``003_a-dog_0m12.400s.mp4``.

    Args:
        number: Its rank, from 1; three digits or more, so that names sort as the moments do.
        prompt: Whose moment it is.
        time_s: Where it begins (a clip) or lies (a frame), in seconds.
        extension: Without the dot, [a-z0-9].

    Raises:
        ValueError: The number or the extension is none.
    """
    if number < 0 or not _EXTENSION.fullmatch(extension):
        raise ValueError(f"no file can be named by number {number} and extension {extension!r}")
    minutes, milliseconds = divmod(max(0, round(time_s * 1000)), 60_000)
    return f"{number:03d}_{slug(prompt)}_{minutes}m{milliseconds // 1000:02d}.{milliseconds % 1000:03d}s.{extension}"
