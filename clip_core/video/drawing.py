"""Pictures for the page: fitted into a frame of fixed size, as JPEG."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from clip_core.types import Image

_QUALITY = 88
_BACKGROUND = (11, 13, 16)
MOST_JPEG_PX = 65_500
THUMBNAIL_PX, _THUMBNAIL_QUALITY = 160, 75


def viewer_jpeg(
    rgb: Image, width: int = 960, height: int = 540, background: tuple[int, int, int] = _BACKGROUND
) -> bytes:
    """Scale a picture to fit, centre it on a background, and return it as JPEG.

    Args:
        rgb: uint8 (h, w, 3), red first.
        width, height: Of the result, in pixels.
        background: What shows beside the picture, red first.
    """
    canvas = np.full((height, width, 3), background, dtype=np.uint8)
    fitted = _fitted(rgb, width, height)
    (h, w), (left, top) = fitted.shape[:2], ((width - fitted.shape[1]) // 2, (height - fitted.shape[0]) // 2)
    canvas[top : top + h, left : left + w] = fitted
    return _jpeg(canvas, _QUALITY)


def jpeg_uri(jpeg: bytes) -> str:
    """Return a JPEG as a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def thumbnail_jpeg(rgb: Image) -> bytes:
    """Scale a picture so that its longer side has 160 pixels, and return it as JPEG of about 4 kB.

    Args:
        rgb: uint8 (h, w, 3), red first.
    """
    return _jpeg(_fitted(rgb, THUMBNAIL_PX, THUMBNAIL_PX), _THUMBNAIL_QUALITY)


def strip_jpeg(jpegs: Sequence[bytes], cells: int, width: int = 64, height: int = 36) -> bytes:
    """Put small pictures (JPEG files) side by side, each fitted into a cell, and return them as one JPEG.

    Args:
        jpegs: At most ``cells`` pictures; further cells stay dark.
        cells: How many cells there are.
        width, height: Of a cell, in pixels.
    """
    import cv2

    canvas = np.full((height, cells * width, 3), _BACKGROUND, dtype=np.uint8)
    for cell, jpeg in enumerate(jpegs[:cells]):
        bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if bgr is not None:
            fitted = _fitted(np.asarray(bgr[:, :, ::-1], dtype=np.uint8), width, height)
            top, left = (height - fitted.shape[0]) // 2, cell * width + (width - fitted.shape[1]) // 2
            canvas[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return _jpeg(canvas, _THUMBNAIL_QUALITY)


def shrunk(rgb: Image, most_px: int) -> Image:
    """Return a picture whose longer side has at most so many pixels: the same one where it has no more.

    Args:
        rgb: uint8 (h, w, 3), red first.
        most_px: At least 1.
    """
    return rgb if max(rgb.shape[:2]) <= most_px else _fitted(rgb, most_px, most_px)


def picture_file(rgb: Image, *, png: bool = False) -> bytes:
    """Return a picture in its full size as a JPEG (quality 95) or PNG file.

    Args:
        rgb: uint8 (h, w, 3), red first.
        png: Whether the file must be lossless.

    Raises:
        ValueError: The picture is too large for JPEG.
    """
    if not png and max(rgb.shape[:2]) > MOST_JPEG_PX:
        raise ValueError(
            f"A JPEG has at most {MOST_JPEG_PX:,} pixels in a row, not {rgb.shape[1]:,} × {rgb.shape[0]:,}."
        )
    return _encoded(rgb, ".png", []) if png else _jpeg(rgb, 95)


def _fitted(rgb: Image, width: int, height: int) -> Image:
    import cv2

    h, w = rgb.shape[:2]
    scale = min(width / w, height / h)
    size = min(width, max(1, round(w * scale))), min(height, max(1, round(h * scale)))
    fitted = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return np.asarray(fitted, dtype=np.uint8)


def _jpeg(rgb: Image, quality: int) -> bytes:
    import cv2

    return _encoded(rgb, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encoded(rgb: Image, suffix: str, options: list[int]) -> bytes:
    import cv2

    done, encoded = cv2.imencode(suffix, rgb[:, :, ::-1], options)
    if not done:
        raise ValueError(f"A picture of {rgb.shape[1]} × {rgb.shape[0]} pixels could not be written as {suffix}.")
    return bytes(encoded)
