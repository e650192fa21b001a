"""What is said when clips, frames or a ZIP cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clip_core.errors import ExportError
from clip_core.files import is_full, reason_of, whole_file


def write_whole(target: Path, content: bytes) -> None:
    """Write a file, and put it in its place when it is whole; what lies there is replaced.

    Raises:
        ExportError: It cannot be written; nothing of it is left.
    """
    with guarded(), whole_file(target) as part:
        part.write_bytes(content)


@contextmanager
def guarded(kinds: type[Exception] | tuple[type[Exception], ...] = OSError) -> Iterator[None]:
    """Within the block, errors of these kinds rise as ``ExportError``."""
    try:
        yield
    except kinds as error:
        raise export_error(error) from error


def export_error(error: Exception) -> ExportError:
    """Say why clips, frames or a ZIP cannot be written, and what to do."""
    if is_full(error):
        return ExportError("The disk is full: what was being written is removed.", "Free some space and try again.")
    return ExportError(f"It cannot be written: {reason_of(error)}.", "Choose a folder that may be written.")
