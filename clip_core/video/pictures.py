"""How players show stored pictures: upright, with square pixels, and with white behind transparent places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from clip_core.types import Image
from clip_core.video.base import MAX_PIXELS

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_MOST_STRETCH = 8
"""A header whose pixels are more than so many times wider than high, or higher than wide, is broken."""


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned to stand upright: mirrored along its main diagonal first, then flipped."""

    is_transposed: bool = False
    flips_columns: bool = False
    flips_rows: bool = False

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture is mirrored, not only turned."""
        return self.is_transposed ^ self.flips_columns ^ self.flips_rows

    def upright(self, picture: Image) -> Image:
        """Return the picture as it is shown, uint8 (height, width, 3), contiguous."""
        shown = picture.transpose(1, 0, 2) if self.is_transposed else picture
        shown = shown[:, ::-1] if self.flips_columns else shown
        return np.ascontiguousarray(shown[::-1] if self.flips_rows else shown, dtype=np.uint8)


ORIENTATION_TAG = 274
EXIF_ORIENTATIONS = {
    1: Orientation(),
    2: Orientation(flips_columns=True),
    3: Orientation(flips_columns=True, flips_rows=True),
    4: Orientation(flips_rows=True),
    5: Orientation(is_transposed=True),
    6: Orientation(is_transposed=True, flips_columns=True),
    7: Orientation(is_transposed=True, flips_columns=True, flips_rows=True),
    8: Orientation(is_transposed=True, flips_rows=True),
}
"""The value of EXIF's tag 274 → what it asks for."""


def matrix_orientation(matrix: bytes | None) -> Orientation:
    """Return what a display matrix (nine int32, see FFmpeg's display.h) asks for, to the nearest quarter turn."""
    if matrix is None or len(matrix) < 36:
        return Orientation()
    a, b, _, c, d = (int(number) for number in np.frombuffer(matrix, np.int32)[:5])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(flips_columns=a < 0, flips_rows=d < 0)
    return Orientation(is_transposed=True, flips_columns=c < 0, flips_rows=b < 0)


def frame_orientation(raw: VideoFrame) -> Orientation:
    """Return what the display matrix of FFmpeg's frame asks for."""
    matrix = raw.side_data.get("DISPLAYMATRIX")
    return matrix_orientation(None if matrix is None else bytes(cast("bytes", matrix)))


def square_size(width: int, height: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Return the size of a stored picture with square pixels. As in Chromium, no side becomes shorter."""
    aspect = pixel_aspect or Fraction(1)
    if not Fraction(1, _MOST_STRETCH) <= aspect <= _MOST_STRETCH:
        return width, height
    wide, high = (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))
    return (wide, high) if wide * high <= MAX_PIXELS else (width, height)


def says_alpha(tags: Mapping[str, str]) -> bool:
    """Return whether the tags of a stream of VP8 or VP9 say that it is transparent; in MKV they are in capitals."""
    return any(name.lower() == "alpha_mode" and value == "1" for name, value in tags.items())


def on_white(picture: Image) -> Image:
    """Lay a picture, uint8 (height, width, 4) with straight alpha last, on white; return its three colours."""
    alpha = picture[:, :, 3:].astype(np.uint16)
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(picture[:, :, :3])
    return ((picture[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
