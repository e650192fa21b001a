"""What a file's own bytes say without a decoder: whether it is WebM or WebP, and whether bytes are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067
_TS_PACKETS = (188, 192, 204)
_MAX_BOXES = 100_000
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B


def is_cut_short(path: Path, container: str, recording: int = 0) -> bool:
    """Return whether the file ends before its container says that it does.

    Args:
        path: The file.
        container: FFmpeg's name, such as "mov", "matroska", "webm", "avi", "mpegts" or "gif". Containers
            that do not state their length never count as cut.
        recording: Where the last of joined recordings begins, in bytes; those before it may have broken off.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if container == "mov":
            return any(end > size for _, end in _boxes(file, size))
        if container in ("matroska", "webm"):
            return _segment_end(file) > size
        if container == "avi":
            head = file.read(8)
            return head[:4] == b"RIFF" and int.from_bytes(head[4:], "little") + 8 > size
        if container == "mpegts":
            return all((size - recording) % packet for packet in _TS_PACKETS)
        return container == "gif" and not _gif_is_whole(file)


def lacks_moov(path: Path) -> bool:
    """Return whether the file begins as an MP4 or MOV file and has no moov box, which is its index."""
    size = path.stat().st_size
    with path.open("rb") as file:
        names = [name for name, _ in _boxes(file, size)]
    return bool(names) and names[0] in (b"ftyp", b"mdat", b"wide", b"free", b"skip") and b"moov" not in names


def is_webp(path: Path) -> bool:
    """Return whether a file begins as WebP, moving or still.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def is_webm(path: Path) -> bool:
    """Return whether a Matroska file says in its header that it is WebM."""
    with path.open("rb") as file:
        return b"webm" in file.read(64)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the stated end of each box at the top of an MP4 file."""
    start = 0
    for _ in range(_MAX_BOXES):
        if start >= size:
            return
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:  # "up to the end of the file"
            length = size - start
        if length < 8:
            return
        start += length
        yield head[4:8], start


def gif_pictures(path: Path) -> int:
    """Return how many pictures a GIF holds by its blocks; none is decoded."""
    with path.open("rb") as file:
        return list(_gif_blocks(file)).count(_GIF_IMAGE)


def _gif_is_whole(file: BinaryIO) -> bool:
    """Return whether the blocks of a GIF go on to the one that ends it."""
    return _GIF_END in _gif_blocks(file)


def _gif_blocks(file: BinaryIO) -> Iterator[int]:
    """Yield the kind of each block of a GIF that is whole."""
    head = file.read(13)
    _skip_colours(file, head[10] if len(head) > 10 else 0)
    while kind := file.read(1):
        if kind[0] == _GIF_EXTENSION:
            file.read(1)
        elif kind[0] == _GIF_IMAGE:
            place = file.read(9)
            _skip_colours(file, place[8] if len(place) == 9 else 0)
            file.read(1)
        if kind[0] in (_GIF_EXTENSION, _GIF_IMAGE) and not _skip_blocks(file):
            return
        yield kind[0]
        if kind[0] == _GIF_END:
            return


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), 1)


def _skip_blocks(file: BinaryIO) -> bool:
    """Skip data up to the block that ends it; return whether there is one."""
    while length := file.read(1):
        if not length[0]:
            return True
        if len(file.read(length[0])) < length[0]:
            return False
    return False


def _segment_end(file: BinaryIO) -> int:
    """Return where a Matroska file's segment ends by its own account; 0 if it does not say."""
    name, length = _element(file)
    if name != _EBML_HEADER or length is None:
        return 0
    file.seek(length, 1)
    name, length = _element(file)
    return 0 if name != _SEGMENT or length is None else file.tell() + length


def _element(file: BinaryIO) -> tuple[int, int | None]:
    """Read the name and length of an EBML element; a length of None is "unknown"."""
    name = _variable_int(file, keep_marker=True)
    length = _variable_int(file, keep_marker=False)
    return (name or 0), length


def _variable_int(file: BinaryIO, *, keep_marker: bool) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    raw = first + file.read(extra)
    value = int.from_bytes(raw, "big")
    marker = 1 << (7 * (extra + 1))
    if keep_marker:
        return value
    value -= marker
    return None if value == marker - 1 else value
