"""WebP, animated or still, and animated PNG, read with Pillow: picture after picture, with the file's own delays."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from clip_core.errors import VideoDecodeError, VideoError, shown_name
from clip_core.text import size_text
from clip_core.types import Image, TimeTable
from clip_core.video.apng import ApngSource, is_apng, scan_apng
from clip_core.video.base import VideoInfo, check_limits
from clip_core.video.container_bytes import is_webp
from clip_core.video.forward import AnimationSource, ForwardVideo, PendingFrame, first_picture
from clip_core.video.pictures import EXIF_ORIENTATIONS, ORIENTATION_TAG, Orientation, on_white
from clip_core.video.watched import Watched

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

DEFAULT_DELAY_MS = 100
"""How long a picture stays whose delay is 0, as browsers have it."""
MOST_FRAMES = 1_000_000
MAX_WEBP_BYTES = 512 * 1024 * 1024
"""A WebP is held in memory while it is read; its pictures are not."""


@dataclass(frozen=True)
class Delays:
    """What the chunks of a WebP say.

    Attributes:
        width, height: Of the whole picture, in pixels.
        delays_ms: How long each picture is shown, in milliseconds; one for a still picture. Never 0.
        whole: Whether the file goes on to its stated end.
        usable_bytes: Where the last chunk that is whole ends.
    """

    width: int
    height: int
    delays_ms: tuple[int, ...]
    whole: bool
    usable_bytes: int


class WebpSource(AnimationSource):
    """The pictures of a WebP; transparent places are white.

    PyAV's FFmpeg opens no animated WebP, so Pillow reads it; it keeps one picture at a time.
    """

    def __init__(self, path: Path, delays: Delays, watched: Watched) -> None:
        super().__init__(path, watched, Fraction(1, 1000), [*accumulate(delays.delays_ms)], is_whole=delays.whole)
        self._delays = delays

    def frames(self, from_pts: int | None = None) -> Generator[PendingFrame, None, None]:  # noqa: ARG002
        """Yield all pictures."""
        image = _open(self._path, self._delays)
        self._is_broken = image is None
        if image is None:
            return
        orientation = EXIF_ORIENTATIONS.get(image.getexif().get(ORIENTATION_TAG, 1), Orientation())
        with image:
            self._watched.check_path()
            for k, (pts, duration) in enumerate(zip(self._pts, self._delays.delays_ms, strict=False)):
                if not _go_to(image, k):
                    self._is_broken = True
                    return
                if k == 0:
                    self.reading = _reading(image, orientation)
                yield PendingFrame(pts, duration, k == 0, _maker(image, orientation))


def _open(path: Path, delays: Delays) -> ImageFile | None:
    """Open the file; if it is cut off, open what it holds, because the decoder wants all that is promised."""
    from PIL import Image as PillowImage

    file: Path | io.BytesIO = path
    if not delays.whole:
        with path.open("rb") as cut:
            data = bytearray(cut.read(delays.usable_bytes))
        data[4:8] = (len(data) - 8).to_bytes(4, "little")
        file = io.BytesIO(data)
    try:
        return PillowImage.open(file, formats=["WEBP"])
    except Exception:  # noqa: BLE001 - a hostile file may fail in any way; Pillow promises no class
        return None


def _go_to(image: ImageFile, k: int) -> bool:
    """Decode picture ``k``, which is the next one; return whether it could be."""
    try:
        image.seek(k)
        image.load()
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def _reading(image: ImageFile, orientation: Orientation) -> str:
    """Return what is done to pictures like this one, see ``VideoInfo``."""
    is_clear = image.mode != "RGB" and np.asarray(image.convert("RGBA"))[:, :, 3].min() < 255
    done = {"upright": orientation != Orientation(), "on white": is_clear}
    return ", ".join(name for name, holds in done.items() if holds)


def _maker(image: ImageFile, orientation: Orientation) -> Callable[[], Image | None]:
    def picture() -> Image | None:
        stored = np.asarray(image) if image.mode == "RGB" else on_white(np.asarray(image.convert("RGBA")))
        return orientation.upright(stored)

    return picture


def open_animation(path: Path, watched: Watched, table: TimeTable | None = None) -> ForwardVideo:
    """Open a WebP or an animated PNG, and decode its first picture; a still WebP is a video of one frame.

    Args:
        path, watched: The file.
        table: A confirmed table of this very file.

    Raises:
        VideoError: It is neither, or one beyond 64 megapixels, 24 hours or 512 MiB.
        VideoDecodeError: Not one picture can be decoded.
    """
    source = _apng_source(path, watched) if is_apng(path) else _webp_source(path, watched)
    first = first_picture(source)
    if first is None:
        raise VideoDecodeError(f"Not one picture of {shown_name(path)} can be decoded.", "Copy or download it again.")
    start_pts, picture = first
    kind = "apng" if isinstance(source, ApngSource) else "webp"
    info = VideoInfo(
        path=path,
        name=shown_name(path),
        size_bytes=watched.stamp[0],
        container=kind,
        codec=kind,
        width=picture.shape[1],
        height=picture.shape[0],
        header_fps=source.count / source.duration_s,
        header_frame_count=source.count,
        header_duration_s=source.duration_s,
        decoder="Pillow",
        reading=source.reading,
    )
    return ForwardVideo(info, source, start_pts, table, watched)


def _apng_source(path: Path, watched: Watched) -> ApngSource:
    scanned = scan_apng(path)
    source = ApngSource(path, scanned, watched)
    check_limits(shown_name(path), scanned.width, scanned.height, source.duration_s, source.count)
    return source


def _webp_source(path: Path, watched: Watched) -> WebpSource:
    name, size_bytes = shown_name(path), watched.stamp[0]
    if not is_webp(path):
        raise VideoError(f"{name} is not an animation that can be read.", "Choose a WebP or an animated PNG.")
    delays = read_delays(path)
    source = WebpSource(path, delays, watched)
    check_limits(name, delays.width, delays.height, source.duration_s, source.count)
    if size_bytes > MAX_WEBP_BYTES:
        raise VideoError(
            f"{name} has {size_text(size_bytes)}, over the limit of {size_text(MAX_WEBP_BYTES)} for WebP.",
            "Convert it to MP4.",
        )
    return source


def read_delays(path: Path) -> Delays:
    """Read how long each picture of a WebP is shown, without decoding any.

    Raises:
        VideoError: It holds no picture, or over a million.
    """
    delays = scan_chunks(path)
    if not delays.delays_ms:
        raise VideoError(f"{shown_name(path)} contains no complete picture.", "Copy or download it again.")
    if len(delays.delays_ms) > MOST_FRAMES:
        raise VideoError(f"{shown_name(path)} contains over {MOST_FRAMES:,} pictures.", "Convert it to MP4.")
    return delays


def scan_chunks(path: Path) -> Delays:
    """Read the same, but without a picture ``delays_ms`` is empty and nothing is raised."""
    size, width, height, usable = path.stat().st_size, 0, 0, 0
    delays_ms: list[int] = []
    is_still = False
    with path.open("rb") as file:
        end = int.from_bytes(file.read(12)[4:8], "little") + 8
        for name, body, chunk_end in _chunks(file, min(end, size)):
            usable = chunk_end if chunk_end <= size else usable
            if name == b"VP8X":
                width, height = (int.from_bytes(body[i : i + 3], "little") + 1 for i in (4, 7))
            elif name == b"ANMF" and chunk_end <= size:
                delays_ms.append(int.from_bytes(body[12:15], "little") or DEFAULT_DELAY_MS)
            elif name in (b"VP8 ", b"VP8L") and chunk_end <= size:
                is_still = True
                width, height = (width, height) if width else _still_size(name, body)
            if len(delays_ms) > MOST_FRAMES:
                break
    if is_still and not delays_ms:
        delays_ms = [DEFAULT_DELAY_MS]
    return Delays(width, height, tuple(delays_ms), end <= size, usable)


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
