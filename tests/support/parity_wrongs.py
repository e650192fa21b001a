"""Ways of preparing a picture that are nearly right: what the parity bound must be able to tell apart.

Each makes a picture that the right way then leaves as it is, so that an encoder given it sees what the wrong
way would have shown it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image as Pillow

from tests.support.parity_frames import Pixels

# Frames so large and oblong that each wrong way changes what is seen of them.
TELLING = ("1920x1080", "1080x1920", "640x360", "720x576", "3000x2000")


def as_bgr(rgb: Pixels, edge: int) -> Pixels:
    """Blue first, as OpenCV reads files."""
    return np.ascontiguousarray(rgb[..., ::-1])


def squashed(rgb: Pixels, edge: int) -> Pixels:
    """The whole frame to a square."""
    return _resized(rgb, edge, edge, Pillow.Resampling.BICUBIC)


def squashed_bilinear(rgb: Pixels, edge: int) -> Pixels:
    """The whole frame to a square, with another filter."""
    return _resized(rgb, edge, edge, Pillow.Resampling.BILINEAR)


def squashed_without_antialiasing(rgb: Pixels, edge: int) -> Pixels:
    """The whole frame to a square, as ``cv2.resize`` does it."""
    return _without_antialiasing(rgb, edge, edge)


def cropped(rgb: Pixels, edge: int) -> Pixels:
    """The square in the middle."""
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return rgb[top : top + side, left : left + side]


def cropped_one_off(rgb: Pixels, edge: int) -> Pixels:
    """The square in the middle of the resized frame, but a pixel too far to the right or down."""
    resized = _resized(rgb, *_short_side(rgb, edge), Pillow.Resampling.BICUBIC)
    top, left = ((length - edge) // 2 + (length > edge) for length in resized.shape[:2])
    return resized[top : top + edge, left : left + edge]


def cropped_bilinear(rgb: Pixels, edge: int) -> Pixels:
    """The shorter side to ``edge``, with another filter."""
    return _resized(rgb, *_short_side(rgb, edge), Pillow.Resampling.BILINEAR)


def cropped_without_antialiasing(rgb: Pixels, edge: int) -> Pixels:
    """The shorter side to ``edge``, as ``cv2.resize`` does it."""
    return _without_antialiasing(rgb, *_short_side(rgb, edge))


# kind of model → name → (picture, edge of what the model sees) → picture
WRONGS: Mapping[str, Mapping[str, Callable[[Pixels, int], Pixels]]] = {
    "clip": {
        "BGR": as_bgr,
        "squashed": squashed,
        "crop one pixel off": cropped_one_off,
        "bilinear": cropped_bilinear,
        "no antialiasing": cropped_without_antialiasing,
    },
    "siglip": {
        "BGR": as_bgr,
        "cropped": cropped,
        "bilinear": squashed_bilinear,
        "no antialiasing": squashed_without_antialiasing,
    },
}


def _short_side(rgb: Pixels, edge: int) -> tuple[int, int]:
    """(width, height) with the shorter side at ``edge``."""
    height, width = rgb.shape[:2]
    long = int(edge * max(height, width) / min(height, width))
    return (long, edge) if height <= width else (edge, long)


def _resized(rgb: Pixels, width: int, height: int, resample: Pillow.Resampling) -> Pixels:
    return np.asarray(Pillow.fromarray(rgb).resize((width, height), resample))


def _without_antialiasing(rgb: Pixels, width: int, height: int) -> Pixels:
    """A bicubic filter of fixed width, however much the picture shrinks."""
    scale = (rgb.shape[1] / width, 0.0, 0.0, 0.0, rgb.shape[0] / height, 0.0)
    picture = Pillow.fromarray(rgb)
    return np.asarray(picture.transform((width, height), Pillow.Transform.AFFINE, scale, Pillow.Resampling.BICUBIC))
