"""What FFmpeg and the operating system say when something cannot be written, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from clip_core.errors import ExportError

SUFFIX = ".part"


def part_of(target: Path) -> Path:
    """Where a file lies until it is whole: beside its place, hidden, with ``.part`` at its end."""
    return target.with_name(f".{target.name}{SUFFIX}")


def write_whole(target: Path, content: bytes) -> None:
    """Write a file, and put it in its place when it is whole; what lies there is replaced.

    Raises:
        ExportError: It cannot be written; nothing of it is left.
    """
    part = part_of(target)
    try:
        try:
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise export_error(error) from error


def is_full(error: Exception) -> bool:
    """Whether the disk, or the quota on it, is full."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def reason_of(error: Exception) -> str:
    """Return the reason, such as "Permission denied"; the error's class where there is none."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and 0 < number < 200 else type(error).__name__


def export_error(error: Exception) -> ExportError:
    """Say why clips, frames or a ZIP cannot be written, and what to do."""
    if is_full(error):
        return ExportError("The disk is full: what was being written is removed.", "Free some space and try again.")
    return ExportError(f"It cannot be written: {reason_of(error)}.", "Choose a folder that may be written.")
