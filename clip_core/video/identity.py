"""A video is its bytes: their SHA-256 is its id. Of a sequence it is that of its rate and its pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

from clip_core.errors import VideoNotFoundError, shown_name
from clip_core.video.sequence import parse_sequence

BLOCK_BYTES = 4 * 1024 * 1024


def hashing(path: Path) -> Generator[int, None, str]:
    """Compute the SHA-256 of a file's bytes in blocks of 4 MiB.

    For a sequence of images: of its rate, and of the number and the SHA-256 of each picture in order.

    Yields:
        The number of bytes read so far, after each block.

    Returns:
        64 hex digits.

    Raises:
        VideoNotFoundError: The file cannot be read.
    """
    sequence = parse_sequence(path)
    if sequence is None:
        return (yield from _hashing_file(path, 0))[0]
    digest, read = hashlib.sha256(f"image sequence at {sequence.rate}".encode()), 0
    for number, name in sequence.files:
        picture_id, read = yield from _hashing_file(sequence.folder / name, read)
        digest.update(f"\n{number} {picture_id}".encode())
    return digest.hexdigest()


def _hashing_file(path: Path, read: int) -> Generator[int, None, tuple[str, int]]:
    """Hash one file after ``read`` bytes of others; return its SHA-256 and the number of bytes read in all."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
                read += len(block)
                yield read
    except OSError as error:
        raise VideoNotFoundError(
            f"{shown_name(path)} cannot be read: {error.strerror}.", "Check that it is still there and readable."
        ) from error
    return digest.hexdigest(), read


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits; ``hashing`` in one go."""
    steps = hashing(path)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return str(finished.value)
