"""Write files atomically, name them safely, and check the free space first."""

from __future__ import annotations

import errno
import os
import re
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from clip_core.text import size_text, without_many_marks

MOST_SLUG = 40
SLUGLESS = "moment"
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


def part_of(target: Path) -> Path:
    """Return the path to write ``target`` to until it is complete: a hidden file beside it that ends in ``.part``."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def whole_file(target: Path, part: Path | None = None) -> Iterator[Path]:
    """Yield a path to write to; at the end of the block that file replaces ``target`` in one step.

    If the block raises, or is left early, the partial file is deleted and ``target`` is untouched.

    Args:
        target: The final path.
        part: The path to write to, in the same folder; ``part_of(target)`` unless there may be two writers.
    """
    part = part or part_of(target)
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


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
