"""What a file is by its first bytes: the probe that needs no decoder. Names and play lists never count."""

from __future__ import annotations

from pathlib import Path

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_MARKS = {
    b"FLV\x01": "flv",
    b"OggS": "ogg",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c": "asf",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
}
_EBML = b"\x1a\x45\xdf\xa3"
_RIFF_KINDS = {b"AVI ": "avi", b"WEBP": "webp"}
# A packet's length, and where in it the sync byte stands: plain, with a time before it (Blu-ray), with parity after it.
_TS_SHAPES = ((188, 0), (192, 4), (204, 0))
_TS_SYNC = 0x47
_TS_PACKETS = 3
_HEAD_BYTES = 1024


def container_of(path: Path) -> str | None:
    """Return FFmpeg's name for the container that a file begins as, or None.

    Args:
        path: A regular file.

    Returns:
        One of "mov", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif" and "webp". A
        play list (ffconcat, m3u8, DASH), a picture and whatever else names other files is None.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if head.startswith(_EBML):
        return "webm" if b"webm" in head[:64] else "matroska"
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12])
    if _begins_with_box(head):
        return "mov"
    return "mpegts" if _is_transport_stream(head, path.stat().st_size) else None


def _begins_with_box(head: bytes) -> bool:
    """Whether a box of MP4 stands at the start: four bytes of length that can be, then one of the known names."""
    length = int.from_bytes(head[:4], "big")
    return head[4:8] in _BOXES and (length in (0, 1) or length >= 8)


def _is_transport_stream(head: bytes, size: int) -> bool:
    """Whether sync bytes stand where each of the first packets begins, or all packets of a shorter file."""
    for length, first in _TS_SHAPES:
        packets = min(_TS_PACKETS, size // length)
        if packets and all(head[first + k * length] == _TS_SYNC for k in range(packets)):
            return True
    return False
