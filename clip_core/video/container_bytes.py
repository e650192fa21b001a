"""What a file's own bytes say without a decoder: its kind, whether bytes are missing, and how its timecode counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067
# Sizes of the packets of MPEG-TS, and how much too early FFmpeg says that they begin.
_TS_PACKETS = {188: 0, 192: 0, 204: 16}
_M2TS_PACKET, _TS_SYNC = 192, 0x47
_MEDIA_BOXES = (b"moov", b"moof", b"mdat")  # some cameras append what is no box
_MAX_BOXES = 100_000
_MAX_BODY_BYTES = 4096
_TIMECODE_BASE_AT = 40
_AVI_UNKNOWN = b"\xff\xff\xff\xff"
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")  # GUID of ASF's File Properties Object
_ASF_SIZE_AT, _ASF_FLAGS_AT, _ASF_HEAD_BYTES = 40, 88, 1 << 16
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B


def is_cut_short(path: Path, container: str, recording: int = 0) -> bool:
    """Return whether the file ends before its container says that it does.

    Args:
        path: The file.
        container: FFmpeg's name, such as "mov", "matroska", "webm", "avi", "asf", "mpegts" or "gif". Containers
            that do not state their length never count as cut.
        recording: Where the last of joined recordings begins, in bytes; those before it may have broken off.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if container == "mov":
            return any(end > size and name in _MEDIA_BOXES for name, end in _boxes(file, size))
        if container in ("matroska", "webm"):
            return _segment_end(file) > size
        if container == "avi":
            head = file.read(8)
            return head[:4] == b"RIFF" and head[4:] != _AVI_UNKNOWN and int.from_bytes(head[4:], "little") + 8 > size
        if container == "asf":
            return _asf_bytes(file) > size
        if container == "mpegts":
            start = recording or _first_ts_packet(file)
            rests = {packet: early if recording else 0 for packet, early in _TS_PACKETS.items()}
            return all((size - start) % packet != rest for packet, rest in rests.items())
        return container == "gif" and not _gif_is_whole(file)


def _first_ts_packet(file: BinaryIO) -> int:
    """Return where the packets of an MPEG-TS begin: a recording may start with the end of one."""
    head = file.read(_MAX_BODY_BYTES)
    for packet in _TS_PACKETS:
        lead = 4 if packet == _M2TS_PACKET else 0  # the time stamp in front of each
        syncs = (at for at in range(packet) if set(head[at + lead :: packet]) == {_TS_SYNC})
        if (found := next(syncs, None)) is not None:
            return found
    return 0


def is_unfinished_avi(path: Path) -> bool:
    """Return whether the header of an AVI was never completed, because it went to a pipe: its numbers mean nothing."""
    with path.open("rb") as file:
        head = file.read(_MAX_BODY_BYTES)
    length_at = head.find(b"strh") + 8 + 32
    return head[:8] == b"RIFF" + _AVI_UNKNOWN or head[length_at : length_at + 4] == _AVI_UNKNOWN


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


def timecode_base(path: Path, track: int) -> int | None:
    """Return up to how many frames per second the timecode track of an MP4 or MOV counts.

    See Apple, "QuickTime File Format Specification", "Timecode media".

    Args:
        path: The file.
        track: The number of the video's track, which refers to its timecode track.

    Returns:
        None if there is no timecode track. If the video refers to none, it is the first.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        tracks = [_timecode_track(file, trak) for moov in _inside(file, (0, size), b"moov")
                  for trak in _inside(file, moov, b"trak")]  # fmt: skip
    bases = {number: base for number, _, base in tracks if base}
    meant = next((refers for number, refers, _ in tracks if number == track), 0)
    return bases.get(meant) or next(iter(bases.values()), None)


def track_duration_s(path: Path, track: int) -> float | None:
    """Return until when the header of an MP4 says that a track is shown, in seconds on the file's clock.

    Args:
        path: The file.
        track: The number of the track.

    Returns:
        None if the header does not say.
    """
    with path.open("rb") as file:
        for moov in _inside(file, (0, path.stat().st_size), b"moov"):
            scale, _ = _number_and_duration(_body(file, moov, b"mvhd"), 0)
            tracks = (_number_and_duration(_body(file, trak, b"tkhd"), 4) for trak in _inside(file, moov, b"trak"))
            duration = next((duration for number, duration in tracks if number == track), 0)
            return duration / scale if scale and duration else None
    return None


def _number_and_duration(head: bytes, between: int) -> tuple[int, int]:
    """Return the number in a header of a movie or track, and its duration, ``between`` bytes later; 0 for unknown."""
    start, width = (20, 8) if head[:1] == b"\1" else (12, 4)
    duration = head[start + 4 + between : start + 4 + between + width]
    is_known = duration != b"\xff" * width
    return int.from_bytes(head[start : start + 4], "big"), int.from_bytes(duration, "big") if is_known else 0


def _timecode_track(file: BinaryIO, trak: tuple[int, int]) -> tuple[int, int, int]:
    """Return a track's number, the timecode track that it refers to, and the base that it counts in; 0 for none."""
    number, _ = _number_and_duration(_body(file, trak, b"tkhd"), 4)
    refers, entry = _body(file, trak, b"tref", b"tmcd"), _body(file, trak, b"mdia", b"minf", b"stbl", b"stsd")
    is_timecode = entry[12:16] == b"tmcd" and len(entry) > _TIMECODE_BASE_AT
    return number, int.from_bytes(refers[:4], "big"), entry[_TIMECODE_BASE_AT] if is_timecode else 0


def _body(file: BinaryIO, place: tuple[int, int], *names: bytes) -> bytes:
    """Return the first bytes of a box in a box and so on; none if it is not there."""
    for name in names:
        inner = next(_inside(file, place, name), None)
        if inner is None:
            return b""
        place = inner
    file.seek(place[0])
    return file.read(min(_MAX_BODY_BYTES, place[1] - place[0]))


def _inside(file: BinaryIO, place: tuple[int, int], wanted: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the bodies of the boxes of one name begin and end, within a place."""
    start, end = place
    for name, stop in _boxes(file, end, start):
        if name == wanted and stop <= end:
            file.seek(start)
            yield start + (16 if file.read(4) == b"\0\0\0\1" else 8), stop
        start = stop


def _boxes(file: BinaryIO, size: int, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the stated end of each box of an MP4 file from ``start`` to ``size``."""
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


def gif_size(path: Path) -> tuple[int, int]:
    """Return the width and height of a GIF by its header; FFmpeg does not say them if they are too large for it."""
    with path.open("rb") as file:
        head = file.read(10)
    return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")


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


def _asf_bytes(file: BinaryIO) -> int:
    """Return how long an ASF or WMV file is by its own account; 0 if it does not say, as in a broadcast."""
    head = file.read(_ASF_HEAD_BYTES)
    at = head.find(_ASF_PROPERTIES)
    fields = head[at:][: _ASF_FLAGS_AT + 4] if at >= 0 else b""
    is_told = len(fields) == _ASF_FLAGS_AT + 4 and not fields[_ASF_FLAGS_AT] & 1
    return int.from_bytes(fields[_ASF_SIZE_AT : _ASF_SIZE_AT + 8], "little") if is_told else 0


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
