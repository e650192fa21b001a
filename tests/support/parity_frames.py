"""Pictures like video frames, made by whole-number arithmetic alone: the same bytes on every machine.

Used by the parity tests and by ``tools/parity``, which stores each frame's SHA-256 beside the vectors that
the `transformers` library gave for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int32]
Pixels = NDArray[np.uint8]

# (width, height): common videos, portrait, a square of a true model's size, photographs, and odd ones.
SIZES = (
    (1920, 1080), (1080, 1920), (640, 360), (720, 576), (224, 224), (64, 48), (37, 211), (3000, 2000), (33, 31),
    (1, 1), (65, 64), (500, 20),
)  # fmt: skip
FLAT = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


def frames() -> Iterator[tuple[str, Pixels]]:
    """Yield (name, uint8 RGB (height, width, 3)): one scene of each size, then pure colours."""
    for scene, (width, height) in enumerate(SIZES):
        yield f"{width}x{height}", frame(width, height, scene)
    for name, colour in FLAT.items():
        yield name, np.full((180, 320, 3), colour, dtype=np.uint8)


def sha256(rgb: Pixels) -> str:
    """64 hex digits over a picture's bytes, row by row."""
    return hashlib.sha256(np.ascontiguousarray(rgb).tobytes()).hexdigest()


def frame(width: int, height: int, scene: int) -> Pixels:
    """A landscape of light, clouds, grain and things with hard edges, lines and lettering.

    Args:
        width, height: In pixels.
        scene: Which one; each has colours and places of its own.

    Returns:
        uint8 RGB (height, width, 3).
    """
    canvas = _light(width, height, scene)
    for octave, (share, strength) in enumerate(((3, 110), (11, 60), (40, 30))):
        cell = max(1, min(width, height) // share)
        canvas += (_clouds(width, height, cell, scene * 16 + octave)[..., None] - 128) * strength // 128
    for number in range(7):
        _thing(canvas, scene, number)
    _lines(canvas, scene)
    _lettering(canvas, scene)
    y, x = np.mgrid[:height, :width]
    canvas += (_dice(x, y, scene * 16 + 9) >> np.uint32(28)).astype(np.int32)[..., None] - 8  # grain, 16 levels
    return canvas.clip(0, 255).astype(np.uint8)


def _dice(x: NDArray[np.int64], y: NDArray[np.int64], seed: int) -> NDArray[np.uint32]:
    """32 bits for each place that look random: products and shifts modulo 2³², which numpy defines exactly."""
    start = np.uint32(seed * 0xC2B2AE3D % 2**32)
    bits = x.astype(np.uint32) * np.uint32(0x9E3779B1) + y.astype(np.uint32) * np.uint32(0x85EBCA77) + start
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(factor)
    return bits ^ (bits >> np.uint32(15))


def _rolls(scene: int, number: int, count: int) -> list[int]:
    """``count`` whole numbers from 0 to 65535 for one thing of a scene."""
    return [int(bits) >> 16 for bits in _dice(np.arange(count), np.full(count, number), scene * 16 + 10)]


def _light(width: int, height: int, scene: int) -> Whole:
    """One colour above, another below, a third to the right: int32 (height, width, 3)."""
    rolls = _rolls(scene, 0, 9)
    above, below, right = (np.array(rolls[k : k + 3], dtype=np.int32) >> 8 for k in (0, 3, 6))
    y = np.arange(height, dtype=np.int32)[:, None, None]
    x = np.arange(width, dtype=np.int32)[None, :, None]
    return above + (below - above) * y // height + (right - 128) * x // (2 * width)


def _clouds(width: int, height: int, cell: int, seed: int) -> Whole:
    """Smooth noise from 0 to 255 between lattice points ``cell`` pixels apart: int32 (height, width)."""
    y, x = np.mgrid[: height // cell + 2, : width // cell + 2]
    lattice = (_dice(x, y, seed) >> np.uint32(24)).astype(np.int32)
    rows, columns = np.arange(height), np.arange(width)
    down = (rows % cell).astype(np.int32)[:, None]
    wide = lattice[rows // cell] * (cell - down) + lattice[rows // cell + 1] * down
    across = (columns % cell).astype(np.int32)
    wide //= cell
    return (wide[:, columns // cell] * (cell - across) + wide[:, columns // cell + 1] * across) // cell


def _thing(canvas: Whole, scene: int, number: int) -> None:
    """Paint a disc or a box of one colour, with a hard edge."""
    height, width = canvas.shape[:2]
    across, down, size, *colour = _rolls(scene, number + 1, 6)
    x0, y0 = across * width >> 16, down * height >> 16
    radius = max(1, min(width, height) * (4096 + (size >> 2)) >> 16)
    part = canvas[max(0, y0 - radius) : y0 + radius, max(0, x0 - radius) : x0 + radius]
    if number % 2:
        part[:] = np.array(colour, dtype=np.int32) >> 8
        return
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    inside = (y - min(radius, y0)) ** 2 + (x - min(radius, x0)) ** 2 < radius**2
    part[inside] = np.array(colour, dtype=np.int32) >> 8


def _lines(canvas: Whole, scene: int) -> None:
    """Paint a grating of lines two pixels wide into a corner, and one of single pixels beside it."""
    height, width = canvas.shape[:2]
    left = (scene % 3) * width // 4
    fine = canvas[height // 8 : height * 3 // 8, left : left + width // 4]
    fine[:, ::2] = fine[:, ::2] * 3 // 8
    coarse = canvas[height * 5 // 8 : height * 7 // 8, left : left + width // 3]
    y, x = np.mgrid[: coarse.shape[0], : coarse.shape[1]]
    coarse[(x + y) // 2 % 3 == 0] = 250


def _lettering(canvas: Whole, scene: int) -> None:
    """Paint rows of made-up letters, 5 × 7 dots each, white on dark, as subtitles are."""
    height, width = canvas.shape[:2]
    dot = max(1, height // 180)
    top, tall = height * 3 // 4, 2 * 9 * dot
    strip = canvas[top : top + tall, width // 10 : width * 9 // 10]
    strip //= 4
    y, x = np.mgrid[: strip.shape[0], : strip.shape[1]] // dot
    letter = (y % 9 < 7) & (x % 6 < 5)
    strip[letter & (_dice(x, y, scene * 16 + 11) >> np.uint32(31) == 1)] = 245
