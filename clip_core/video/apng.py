"""Animated PNG: where its pictures lie, how long each is shown, and how each is laid over those before.

See W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 11.3.6 and 12.6. Pillow does not lay
half-transparent pictures over transparent ones as the specification says, so it only decodes single pictures here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clip_core.errors import VideoError, shown_name
from clip_core.video.forward import AnimationSource, PendingFrame
from clip_core.video.images import decode_rgba
from clip_core.video.pictures import on_white
from clip_core.video.watched import Watched

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_PICTURES = 1_000_000
_DEFAULT_DELAY = Fraction(1, 10)
"""How long a picture stays whose delay is 0, as in browsers."""
_MOST_CHUNKS_BEFORE = 1000
_MOST_CHUNKS = 4_000_000
_MOST_BODY_BYTES = 1 << 12
_HEAD_BYTES = 13
_CONTROL = struct.Struct(">IIIIIHHBB")
_COLOURS = (b"PLTE", b"tRNS")  # what decides the colours of every picture
_MOST_PIXEL_BYTES = 8
_SPARE_BYTES = 1 << 20
_TO_BEFORE = 2
_TICKS_PER_S = 1_000_000

_Rgba: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ApngPicture:
    """One picture of an animation: its place on the canvas, its delay, and the parts of its data.

    Attributes:
        left, top, width, height: In pixels.
        delay_s: How long it is shown, above 0.
        disposal: What becomes of its place after it: 0 stays, 1 is cleared, 2 becomes what it was before it.
        is_laid_over: Whether it is laid over what is there, or replaces it.
        parts: Where pieces of its compressed data lie in the file, and their lengths.
    """

    left: int
    top: int
    width: int
    height: int
    delay_s: Fraction
    disposal: int
    is_laid_over: bool
    parts: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Apng:
    """What the chunks of an animated PNG say.

    Attributes:
        width, height: Of the canvas, in pixels.
        depth: The rest of the head: bits, colour type, and methods.
        colours: Palette and transparency as whole chunks.
        pictures: Those whose data are there.
        is_whole: Whether the file holds as many as it promises, and its end.
    """

    width: int
    height: int
    depth: bytes
    colours: bytes
    pictures: tuple[ApngPicture, ...]
    is_whole: bool


def is_apng(path: Path) -> bool:
    """Return whether a file is a PNG that is animated; one that is not is a picture, not a video.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(8) != SIGNATURE:
            return False
        for count, (name, _, _) in enumerate(_chunks(file, path.stat().st_size)):
            if name == b"acTL":
                return True
            if name in (b"IDAT", b"IEND") or count > _MOST_CHUNKS_BEFORE:
                return False
    return False


def scan_apng(path: Path) -> Apng:
    """Read where the pictures lie, without decoding any.

    Raises:
        VideoError: It holds no whole picture, or over a million.
    """
    size, scan = path.stat().st_size, _Scan()
    with path.open("rb") as file:
        for name, start, length in _chunks(file, size):
            if start + length + 4 > size or scan.has_end or len(scan.pictures) > MOST_PICTURES:
                break
            scan.take(name, start, length, file.read(min(length, _MOST_BODY_BYTES)))
    if len(scan.pictures) > MOST_PICTURES:
        raise VideoError(f"{shown_name(path)} contains over {MOST_PICTURES:,} pictures.", "Convert it to MP4.")
    found = scan.apng()
    if not found.pictures or not found.depth:
        raise VideoError(f"{shown_name(path)} contains no complete picture.", "Copy or download it again.")
    return found


class _Scan:
    """Gathers what the chunks of an animated PNG say, in the order of the file."""

    def __init__(self) -> None:
        self.pictures: list[ApngPicture] = []
        self.has_end = False
        self._head = b""
        self._colours: dict[bytes, bytes] = {}
        self._promised = 0

    def take(self, name: bytes, start: int, length: int, body: bytes) -> None:
        """Take the next chunk: its name, where its body begins, how long that is, and its first bytes."""
        if name == b"IHDR" and length == _HEAD_BYTES:
            self._head = body
        elif name == b"acTL":
            self._promised = int.from_bytes(body[:4], "big")
        elif name in _COLOURS and length <= _MOST_BODY_BYTES:
            self._colours.setdefault(name, _chunk(name, body))
        elif name == b"fcTL" and length == _CONTROL.size:
            self.pictures.append(_picture(body))
        elif name == b"IDAT" and self.pictures:  # without a control before it, it is for programs that do not animate
            self.pictures[-1].parts.append((start, length))
        elif name == b"fdAT" and self.pictures:
            self.pictures[-1].parts.append((start + 4, max(0, length - 4)))
        self.has_end = self.has_end or name == b"IEND"

    def apng(self) -> Apng:
        """Return what was found."""
        pictures = self.pictures if self.has_end else self.pictures[:-1]  # the end of the last one may be missing
        shown = tuple(picture for picture in pictures[: self._promised or None] if picture.parts)
        width, height = (int.from_bytes(self._head[k : k + 4], "big") for k in (0, 4))
        is_whole = self.has_end and len(shown) >= self._promised
        return Apng(width, height, self._head[8:], b"".join(self._colours.values()), shown, is_whole)


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each chunk, where its body begins, which is where the file then is, and its length."""
    start = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        if start + 8 > size:
            return
        file.seek(start)
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        yield head[4:], start + 8, length
        start += 12 + length


def _picture(body: bytes) -> ApngPicture:
    _, width, height, left, top, delay, per_s, disposal, blend = _CONTROL.unpack(body)
    return ApngPicture(
        left, top, width, height, Fraction(delay, per_s or 100) or _DEFAULT_DELAY, disposal, bool(blend)
    )  # fmt: skip


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


class ApngSource(AnimationSource):
    """The pictures of an animated PNG."""

    def __init__(self, path: Path, scanned: Apng, watched: Watched) -> None:
        ends_s = accumulate(picture.delay_s for picture in scanned.pictures)
        ends = [max(k, round(end_s * _TICKS_PER_S)) for k, end_s in enumerate(ends_s, 1)]
        super().__init__(path, watched, Fraction(1, _TICKS_PER_S), ends, is_whole=scanned.is_whole)
        self._apng = scanned

    def frames(self, from_pts: int | None = None) -> Generator[PendingFrame, None, None]:  # noqa: ARG002
        """Yield all pictures."""
        canvas = np.zeros((self._apng.height, self._apng.width, 4), np.uint8)
        with self._path.open("rb") as file:
            self._watched.check_path()
            for k, picture in enumerate(self._apng.pictures):
                decoded = self._decoded(file, picture)
                if decoded is None:
                    self._is_broken = True
                    return
                place = canvas[picture.top : picture.top + picture.height, picture.left :][:, : picture.width]
                before = place.copy() if picture.disposal == _TO_BEFORE and k else None
                place[:] = _laid_over(decoded, place) if picture.is_laid_over else decoded
                if k == 0:
                    self.reading = "on white" if canvas[:, :, 3].min() < 255 else ""
                duration = self._pts[k + 1] - self._pts[k]
                yield PendingFrame(self._pts[k], duration, k == 0, lambda: on_white(canvas).copy())
                if picture.disposal:
                    place[:] = 0 if before is None else before

    def _decoded(self, file: BinaryIO, picture: ApngPicture) -> _Rgba | None:
        """Return uint8 (height, width, 4) of one picture alone, or None if it cannot be decoded."""
        apng = self._apng
        if picture.left + picture.width > apng.width or picture.top + picture.height > apng.height:
            return None
        data, most = bytearray(), picture.width * picture.height * _MOST_PIXEL_BYTES + picture.height + _SPARE_BYTES
        for start, length in picture.parts:
            file.seek(start)
            data += file.read(min(length, most - len(data)))
        head = _chunk(b"IHDR", struct.pack(">II", picture.width, picture.height) + apng.depth)
        png = SIGNATURE + head + apng.colours + _chunk(b"IDAT", bytes(data)) + _chunk(b"IEND", b"")
        decoded = decode_rgba(png, "PNG")
        return decoded if decoded is not None and decoded.shape == (picture.height, picture.width, 4) else None


def _laid_over(above: _Rgba, below: _Rgba) -> _Rgba:
    """Lay a picture with straight alpha over another: Porter and Duff's "over"."""
    top, ground = above[:, :, 3:].astype(np.float32) / 255, below[:, :, 3:].astype(np.float32) / 255
    alpha = top + ground * (1 - top)
    colours = above[:, :, :3] * top + below[:, :, :3] * (ground * (1 - top))
    straight = np.divide(colours, alpha, out=np.zeros_like(colours), where=alpha > 0)
    return np.dstack([straight, alpha * 255]).round().astype(np.uint8)
