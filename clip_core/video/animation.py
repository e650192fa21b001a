"""Animated WebP and GIF, read with Pillow: one picture after another, with the delays that the file states."""

from __future__ import annotations

import io
from array import array
from collections.abc import Callable, Generator
from contextlib import closing
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clip_core.errors import VideoDecodeError, VideoError, shown_name
from clip_core.text import size_text
from clip_core.values import Image, TimeTable
from clip_core.video.base import MAX_DURATION_S, MAX_PIXELS, VideoInfo
from clip_core.video.forward import ForwardVideo, Shot
from clip_core.video.frame_delays import WEBP_PER_SECOND, Delays, read_delays
from clip_core.video.magic import container_of
from clip_core.video.tables import make_table

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

CONTAINERS = ("webp", "gif")
MAX_WEBP_BYTES = 512 * 1024 * 1024
"""A WebP is held in memory while it is read; its pictures are not."""


class AnimationSource:
    """The pictures of an animation, each laid over those before it as the file asks; transparent places are black.

    Times are sums of the stated delays. OpenCV decodes all pictures before the one that is asked for at each
    call, and PyAV's FFmpeg opens no animated WebP, so Pillow reads them; it keeps one picture at a time.
    """

    walk_frames = 0
    margin_s: float | None = None
    left_out = 0

    def __init__(self, path: Path, delays: Delays) -> None:
        self._path, self._delays = path, delays
        self._broken = False
        self._pts = [0, *accumulate(delays.units[:-1])]
        self.time_base = Fraction(1, delays.per_second)

    def claimed(self, start_pts: int) -> TimeTable:
        """Return the times of all pictures from ``start_pts`` on."""
        pts = array("q", [stamp for stamp in self._pts if stamp >= start_pts])
        return make_table(
            pts, array("q", [start_pts]), self._delays.units[-1], self.time_base, start_pts, None, confirmed=False
        )

    def shots(self, from_pts: int | None = None) -> Generator[Shot, None, None]:  # noqa: ARG002
        """Yield all pictures; they build on each other, so every reading begins at the first."""
        image = _open(self._path, self._delays)
        self._broken = image is None
        if image is None:
            return
        with image:
            for k, (pts, duration) in enumerate(zip(self._pts, self._delays.units, strict=True)):
                if not _go_to(image, k):
                    self._broken = True
                    return
                yield Shot(pts, duration, k == 0, _maker(image))

    def ends_early(self) -> bool:
        """Return whether the file, or what can be decoded of it, ends before its blocks say that it does."""
        return self._broken or not self._delays.whole


def _open(path: Path, delays: Delays) -> ImageFile | None:
    """Open the file; of a WebP that is cut off, what it holds, because its decoder wants all that is promised."""
    from PIL import Image as PillowImage

    file: Path | io.BytesIO = path
    if not delays.whole and delays.per_second == WEBP_PER_SECOND:
        with path.open("rb") as cut:
            data = bytearray(cut.read(delays.usable_bytes))
        data[4:8] = (len(data) - 8).to_bytes(4, "little")
        file = io.BytesIO(data)
    try:
        return PillowImage.open(file, formats=[kind.upper() for kind in CONTAINERS])
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


def _maker(image: ImageFile) -> Callable[[], Image | None]:
    def picture() -> Image | None:
        if image.mode == "RGB":
            return np.array(image)
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[:, :, 3].min() == 255:
            return np.ascontiguousarray(rgba[:, :, :3])
        alpha = rgba[:, :, 3:].astype(np.uint16)
        return np.ascontiguousarray((rgba[:, :, :3] * alpha + 127) // 255, dtype=np.uint8)

    return picture


def open_animation(path: Path, *, video_id: str | None = None, table: TimeTable | None = None) -> ForwardVideo:
    """Open a GIF or WebP, animated or still, and decode its first picture; a still one is a video of one frame.

    Args:
        path: A regular file that is not empty.
        video_id: The SHA-256 of its bytes, if known.
        table: A confirmed table of this very file.

    Raises:
        VideoError: It is neither, or beyond 64 megapixels, 24 hours, or 512 MiB of WebP.
        VideoDecodeError: Not one picture can be decoded.
    """
    name, size_bytes, container = shown_name(path), path.stat().st_size, container_of(path)
    if container not in CONTAINERS:
        raise VideoError(f"{name} is not an animation that can be read.", "Choose a GIF or WebP file.")
    delays = read_delays(path, container)
    duration_s = sum(delays.units) / delays.per_second
    _check_limits(name, container, size_bytes, delays, duration_s)
    source = AnimationSource(path, delays)
    with closing(source.shots()) as shots:
        first = next(shots, None)
        picture = None if first is None else first.picture()
    if picture is None:
        raise VideoDecodeError(f"Not one picture of {name} can be decoded.", "Copy or download it again.")
    info = VideoInfo(
        path=path,
        name=name,
        size_bytes=size_bytes,
        container=container,
        codec=container,
        width=picture.shape[1],
        height=picture.shape[0],
        header_fps=len(delays.units) / duration_s,
        header_frame_count=len(delays.units),
        header_duration_s=duration_s,
        decoder="Pillow",
    )
    if video_id is not None:
        vars(info)["video_id"] = video_id
    return ForwardVideo(info, source, 0, table)


def _check_limits(name: str, container: str, size_bytes: int, delays: Delays, duration_s: float) -> None:
    if delays.width * delays.height > MAX_PIXELS:
        raise VideoError(
            f"{name} has pictures of {delays.width} × {delays.height} pixels, over the limit of 64 megapixels.",
            "Scale it down.",
        )
    if duration_s > MAX_DURATION_S:
        raise VideoError(f"{name} is {duration_s / 3600:.1f} hours long, over the limit of 24.", "Cut it in parts.")
    if container == "webp" and size_bytes > MAX_WEBP_BYTES:
        raise VideoError(
            f"{name} has {size_text(size_bytes)}, over the limit of {size_text(MAX_WEBP_BYTES)} for WebP.",
            "Convert it to MP4.",
        )
