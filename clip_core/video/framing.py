"""What a container's own framing says about its length: a header may lie, missing bytes do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from clip_core.video.frame_delays import scan_blocks

_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067
_TS_PACKETS = (188, 192, 204)
_MAX_BOXES = 100_000
_HEAD_BYTES = 1 << 18
_TRACKS, _SOUND_TRACK = b"\x16\x54\xae\x6b", b"\x83\x81\x02"


def is_cut_short(path: Path, container: str) -> bool:
    """Return whether the file ends before its container says that it does.

    Args:
        path: The file.
        container: FFmpeg's name, such as "mov", "matroska", "webm", "avi", "mpegts" or "gif". Containers
            that do not state their length never count as cut.
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
            return all(size % packet for packet in _TS_PACKETS)
    return container == "gif" and not scan_blocks(path, container).whole


def counts_pictures_only(path: Path, container: str) -> bool:
    """Return whether the length in the header is that of the pictures, and of no sound beside them.

    AVI counts frames; Matroska and FLV say whether there is sound. Of every other container it is not known.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if container in ("matroska", "webm"):
        return _TRACKS in head and _SOUND_TRACK not in head
    return container == "avi" or (container == "flv" and not head[4] & 4)


def lacks_moov(path: Path) -> bool:
    """Return whether the file begins as an MP4 or MOV file and has no moov box, which is its index."""
    size = path.stat().st_size
    with path.open("rb") as file:
        names = [name for name, _ in _boxes(file, size)]
    return bool(names) and names[0] in (b"ftyp", b"mdat", b"wide", b"free", b"skip") and b"moov" not in names


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
