"""What FFmpeg and the operating system say when something cannot be written, in words."""

from __future__ import annotations

import errno
import os

from clip_core.errors import ExportError


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
