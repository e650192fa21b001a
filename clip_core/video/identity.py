"""A video is its bytes: their SHA-256 is its id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from clip_core.errors import VideoNotFoundError, shown_name

BLOCK_BYTES = 4 * 1024 * 1024


def hash_file(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits.

    Args:
        path: The file, read in blocks of 4 MiB.
        on_bytes: Called after each block with the number of bytes read so far; may raise to stop.

    Raises:
        VideoNotFoundError: The file cannot be read.
    """
    digest, read = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                read += len(block)
                if on_bytes is not None:
                    on_bytes(read)
    except OSError as error:
        raise VideoNotFoundError(
            f"{shown_name(path)} cannot be read: {error.strerror}.", "Check that it is still there and readable."
        ) from error
    return digest.hexdigest()
