"""A video is its bytes: their SHA-256 is its id. Of a sequence it is that of its rate and its pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

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
    if sequence is not None:
        folder = sequence.folder
        return (yield from hashing_pictures(sequence.rate, sequence.files, lambda name: (folder / name).open("rb")))
    with readable(path), path.open("rb") as file:
        return (yield from hashing_file(file))[0]


def hashing_pictures(
    rate: Fraction, files: Sequence[tuple[int, str]], opened: Callable[[str], AbstractContextManager[BinaryIO]]
) -> Generator[int, None, str]:
    """Compute the id of a sequence, see ``hashing``; ``opened`` opens a picture by its name."""
    digest, read = hashlib.sha256(f"image sequence at {rate}".encode()), 0
    for number, name in files:
        with readable(Path(name)), opened(name) as file:
            picture_id, read = yield from hashing_file(file, read)
        digest.update(f"\n{number} {picture_id}".encode())
    return digest.hexdigest()


def hashing_file(file: BinaryIO, read: int = 0) -> Generator[int, None, tuple[str, int]]:
    """Hash an open file after ``read`` bytes of others; return its SHA-256 and the number of bytes read in all."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK_BYTES):
        digest.update(block)
        read += len(block)
        yield read
    return digest.hexdigest(), read


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raise errors of the operating system as ``VideoNotFoundError``."""
    try:
        yield
    except OSError as error:
        raise VideoNotFoundError(
            f"{shown_name(path)} cannot be read: {error.strerror}.", "Check that it is still there and readable."
        ) from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits; ``hashing`` in one go."""
    steps = hashing(path)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return str(finished.value)
