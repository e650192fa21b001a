"""How long each picture of a GIF or WebP is shown, read from the file's blocks without decoding any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clip_core.errors import VideoError, shown_name

UNTOLD_S = 0.1
"""How long a picture stays whose delay is 0, as browsers and FFmpeg have it."""
MOST_FRAMES = 1_000_000
GIF_PER_SECOND, WEBP_PER_SECOND = 100, 1000
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END, _GIF_CONTROL = 0x21, 0x2C, 0x3B, 0xF9


@dataclass(frozen=True)
class Delays:
    """What a file's blocks say.

    Attributes:
        width, height: Of the whole picture, in pixels.
        units: How long each picture is shown, in units of the clock; one for a still picture. Never 0.
        per_second: Units in a second: 100 for GIF, 1000 for WebP.
        whole: Whether the file goes on to its stated end.
        usable_bytes: Where the last block that is whole ends.
    """

    width: int
    height: int
    units: tuple[int, ...]
    per_second: int
    whole: bool
    usable_bytes: int


def read_delays(path: Path, container: str) -> Delays:
    """Read the delays of a file.

    Args:
        path: A file whose magic bytes are those of the container.
        container: "gif" or "webp".

    Raises:
        VideoError: It holds no picture, or over a million.
    """
    read = scan_blocks(path, container)
    if not read.units:
        raise VideoError(f"{shown_name(path)} holds no picture that is whole.", "Copy or download it again.")
    if len(read.units) > MOST_FRAMES:
        raise VideoError(f"{shown_name(path)} holds over {MOST_FRAMES:,} pictures.", "Convert it to MP4.")
    return read


def scan_blocks(path: Path, container: str) -> Delays:
    """The same, but without a picture there are no units and nothing is raised."""
    with path.open("rb") as file:
        return _gif(file) if container == "gif" else _webp(file, path.stat().st_size)


def _gif(file: BinaryIO) -> Delays:
    head = file.read(13)
    width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    _skip_colours(file, head[10] if len(head) > 10 else 0)
    units: list[int] = []
    delay, whole, usable = 0, False, 0
    while len(units) <= MOST_FRAMES and (kind := file.read(1)):
        if kind[0] == _GIF_END:
            whole = True
            break
        if kind[0] == _GIF_EXTENSION:
            label = file.read(1)
            first = _first_block(file)
            if label and label[0] == _GIF_CONTROL and len(first) >= 4:
                delay = int.from_bytes(first[1:3], "little")
            if first and not _skip_blocks(file):
                break
        elif kind[0] == _GIF_IMAGE:
            place = file.read(9)
            _skip_colours(file, place[8] if len(place) == 9 else 0)
            left, top, w, h = (int.from_bytes(place[i : i + 2], "little") for i in (0, 2, 4, 6))
            width, height = max(width, left + w), max(height, top + h)
            file.read(1)
            if not _skip_blocks(file):
                break
            units.append(delay or round(UNTOLD_S * GIF_PER_SECOND))
            delay, usable = 0, file.tell()
    return Delays(width, height, tuple(units), GIF_PER_SECOND, whole, usable)


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _first_block(file: BinaryIO) -> bytes:
    length = file.read(1)
    return file.read(length[0]) if length else b""


def _skip_blocks(file: BinaryIO) -> bool:
    """Skip data up to the block that ends it; return whether there is one."""
    while length := file.read(1):
        if not length[0]:
            return True
        if len(file.read(length[0])) < length[0]:
            return False
    return False


def _webp(file: BinaryIO, size: int) -> Delays:
    head = file.read(12)
    end = int.from_bytes(head[4:8], "little") + 8
    width = height = 0
    units: list[int] = []
    still, usable = False, 0
    for name, body, chunk_end in _chunks(file, min(end, size)):
        usable = chunk_end if chunk_end <= size else usable
        if name == b"VP8X":
            width, height = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
        elif name == b"ANMF" and chunk_end <= size:
            units.append(int.from_bytes(body[12:15], "little") or round(UNTOLD_S * WEBP_PER_SECOND))
        elif name in (b"VP8 ", b"VP8L") and chunk_end <= size:
            still = True
            width, height = (width, height) if width else _still_size(name, body)
        if len(units) > MOST_FRAMES:
            break
    if still and not units:
        units = [round(UNTOLD_S * WEBP_PER_SECOND)]
    return Delays(width, height, tuple(units), WEBP_PER_SECOND, end <= size, usable)


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield the name, the first bytes and the stated end of each chunk."""
    start = 12
    while start + 8 <= end:
        file.seek(start)
        head = file.read(24)
        length = int.from_bytes(head[4:8], "little")
        yield head[:4], head[8:], start + 8 + length
        start += 8 + length + length % 2


def _still_size(name: bytes, body: bytes) -> tuple[int, int]:
    """Return width and height of a picture without a VP8X chunk, by its own header."""
    if name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
