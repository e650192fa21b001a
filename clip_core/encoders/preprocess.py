"""Turn pictures into a model's input values: resize, crop, rescale and normalise."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image as Pillow

from clip_core.config import Crop
from clip_core.types import Floats, Image

# Above this many pixels, only the part of the resized picture that the crop keeps is computed: 1 × 5000
# resized to 224 × 1,120,000 would take 750 MB.
MAX_RESIZED_PIXELS = 4_000_000
# From this many source pixels on, only the part that the crop keeps is resized: a 16:9 frame takes two thirds of the
# time. One value in several thousand then differs by 1 of 255, because Pillow stores the box in single precision.
LARGE_PIXELS = 200_000
NEAREST, BICUBIC = 0, 3
# Pillow's widest filter (Lanczos) reaches this many pixels to each side, in the coarser of the two grids.
WIDEST_FILTER = 3


@dataclass(frozen=True)
class Preprocessing:
    """Resize, centre crop, rescale and normalise, in this order; each step is optional.

    Attributes:
        shortest_edge: Resize so that the shorter side has this many pixels, or None.
        squash: Resize to exactly (height, width), or None.
        resample: Pillow's number of the filter: 0 nearest, 1 Lanczos, 2 bilinear, 3 bicubic, 4 box, 5 Hamming.
        crop: Crop (height, width) from the centre, with zeros where the picture is smaller; or None.
        rescale_factor: The factor for each byte.
        mean, std: For red, green and blue, after rescaling.
        pad: Resize to fit into (height, width) and pad with the mean colour, or None.
    """

    shortest_edge: int | None
    squash: tuple[int, int] | None
    resample: int
    crop: tuple[int, int] | None
    rescale_factor: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    pad: tuple[int, int] | None = None

    @property
    def output_size(self) -> tuple[int, int]:
        """(height, width) of every output picture."""
        size = self.crop or self.squash or self.pad
        if size is None:
            raise ValueError("a Preprocessing needs a crop, or a size to squash to or to fit into")
        return size

    @property
    def framing(self) -> Crop:
        """How a frame that is not square is treated: cropped to its centre, squashed, or padded."""
        return "pad" if self.pad else "center" if self.shortest_edge or not self.squash else "squash"

    def framed(self, crop: Crop | None) -> Preprocessing:
        """Return the preprocessing that crops, squashes or pads frames; None keeps the present framing."""
        if crop is None or crop == self.framing:
            return self
        size, resizes = self.output_size, self.shortest_edge is not None or self.squash is not None
        none = replace(
            self, shortest_edge=None, squash=None, crop=None, pad=None, resample=self.resample if resizes else BICUBIC
        )
        if crop == "squash":
            return replace(none, squash=size)
        if crop == "pad":
            return replace(none, pad=size)
        return replace(none, shortest_edge=max(size), crop=size)

    def settings(self) -> dict[str, object]:
        """Return what determines the pixel values, for the fingerprint; no ``pad`` if None, to keep old ones."""
        return {key: value for key, value in asdict(self).items() if key != "pad" or value is not None}

    @cached_property
    def _table(self) -> Floats:
        """float32 (3, 256), the value for each byte of each channel, rounded as transformers rounds."""
        values = (np.arange(256, dtype=np.float64) * self.rescale_factor).astype(np.float32)
        mean, std = np.array(self.mean, dtype=np.float32), np.array(self.std, dtype=np.float32)
        return np.asarray((values[None] - mean[:, None]) / std[:, None], dtype=np.float32)

    def apply(self, rgb: Image) -> Floats:
        """Return the pixel values of a picture.

        The arithmetic is that of transformers' slow CLIPImageProcessor, which uses Pillow.

        Args:
            rgb: uint8 (height, width, 3).

        Returns:
            float32 (3, height, width) of ``output_size``.
        """
        planes = np.ascontiguousarray(self.pixels(rgb).transpose(2, 0, 1))
        return np.stack([np.take(values, plane) for values, plane in zip(self._table, planes, strict=True)])

    def pixels(self, rgb: Image) -> Image:
        """Resize and crop (or pad) a picture, uint8 (height, width, 3), to ``output_size``."""
        height, width = self._resized(rgb.shape[0], rgb.shape[1])
        out_height, out_width = self.output_size
        top, left = (height - out_height) // 2, (width - out_width) // 2
        rows, columns = (max(0, top), min(height, top + out_height)), (max(0, left), min(width, left + out_width))
        kept = _resize_part(rgb, (height, width), rows, columns, self.resample)
        if kept.shape[:2] == (out_height, out_width):
            return kept
        canvas = np.full((out_height, out_width, 3), self._filling, dtype=np.uint8)
        canvas[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left] = kept
        return canvas

    @property
    def _filling(self) -> Image:
        """uint8 (3,), the colour around a picture that is too small: the mean for ``pad``, else black."""
        mean = np.array(self.mean) / self.rescale_factor if self.pad else np.zeros(3)
        return np.asarray(np.rint(mean.clip(0, 255)), dtype=np.uint8)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the whole picture after resizing, rounded as transformers rounds."""
        if self.squash is not None:
            return self.squash
        if self.pad is not None:
            scale = min(self.pad[0] / height, self.pad[1] / width)
            return max(1, round(height * scale)), max(1, round(width * scale))
        if self.shortest_edge is None:
            return height, width
        long = int(self.shortest_edge * max(height, width) / min(height, width))
        return (self.shortest_edge, long) if height <= width else (long, self.shortest_edge)


def _resize_part(
    rgb: Image, size: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], resample: int
) -> Image:
    """Resize to ``size`` (height, width) and keep ``rows`` and ``columns`` (start, end) of the result."""
    height, width = size
    if rgb.shape[:2] == size:
        return rgb[slice(*rows), slice(*columns)]
    new_size = (columns[1] - columns[0], rows[1] - rows[0])
    if new_size == (width, height) or (height * width <= MAX_RESIZED_PIXELS and not _worth_cutting(rgb, resample)):
        whole = Pillow.fromarray(np.ascontiguousarray(rgb)).resize((width, height), resample)
        return np.asarray(whole)[slice(*rows), slice(*columns)]
    # The margin is as wide as the filter, so that the result is the same.
    y0, y1, box_y = _source(rows, rgb.shape[0] / height, rgb.shape[0])
    x0, x1, box_x = _source(columns, rgb.shape[1] / width, rgb.shape[1])
    part = Pillow.fromarray(np.ascontiguousarray(rgb[y0:y1, x0:x1]))
    return np.asarray(part.resize(new_size, resample, box=(box_x[0], box_y[0], box_x[1], box_y[1])))


def _worth_cutting(rgb: Image, resample: int) -> bool:
    """Return whether to resize only the kept part of a picture for speed, where memory does not require it.

    Not for pictures over twice as high as wide: Pillow resizes columns first for the whole, but rows first for a part,
    and values differ by several of 255. Nor for nearest, which may pick another pixel.
    """
    height, width = rgb.shape[:2]
    return height * width >= LARGE_PIXELS and height <= 2 * width and resample != NEAREST


def _source(span: tuple[int, int], scale: float, length: int) -> tuple[int, int, tuple[float, float]]:
    """Return the source of ``span`` of a resized axis: a range of whole pixels, and the exact range inside it."""
    start, end = span[0] * scale, min(span[1] * scale, float(length))
    margin = math.ceil(WIDEST_FILTER * max(scale, 1.0)) + 1
    first, last = max(0, math.floor(start) - margin), min(length, math.ceil(end) + margin)
    return first, last, (start - first, end - first)
