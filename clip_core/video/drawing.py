"""Pictures for the page: fitted into a frame of fixed size, as JPEG."""

from __future__ import annotations

import numpy as np

from clip_core.values import Image

_QUALITY = 88


def viewer_jpeg(
    rgb: Image, width: int = 960, height: int = 540, background: tuple[int, int, int] = (11, 13, 16)
) -> bytes:
    """Scale a picture to fit, centre it on a background, and return it as JPEG.

    Args:
        rgb: uint8 (h, w, 3), red first.
        width, height: Of the result, in pixels.
        background: What shows beside the picture, red first.
    """
    import cv2

    h, w = rgb.shape[:2]
    scale = min(width / w, height / h)
    size = min(width, max(1, round(w * scale))), min(height, max(1, round(h * scale)))
    fitted = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.full((height, width, 3), background, dtype=np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = fitted
    done, encoded = cv2.imencode(".jpg", canvas[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ValueError(f"A picture of {w} × {h} pixels could not be written as JPEG.")
    return bytes(encoded)
