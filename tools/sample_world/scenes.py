"""Seeded evaluation scenes at video size, drawn by other code than the training batches."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tools.sample_world.paint import (
    Colour,
    Picture,
    Placement,
    gradient,
    paint_below,
    paint_glow,
    paint_glyph,
    to_image,
)
from tools.sample_world.vocabulary import Vocabulary

FRAME_SIZES = ((640, 360), (640, 360), (640, 360), (480, 360), (360, 640), (360, 360))
SMALLEST_SIDE, LARGEST_SIDE = 0.35, 0.90
"""Objects' size as a share of the frame's shorter side."""


@dataclass(frozen=True)
class Scene:
    """A picture and the concepts that it shows (indices into the vocabulary; empty for an empty scene)."""

    image: Image.Image
    shown: tuple[int, ...]


class SceneMaker:
    """Makes scene number k of a seed; the same two numbers always give the same scene."""

    def __init__(self, vocabulary: Vocabulary, glyphs: dict[str, Image.Image]) -> None:
        self._vocabulary = vocabulary
        self._glyphs = glyphs

    def make(self, seed: int, number: int) -> Scene:
        """One scene: no object in 6 %, one in 64 %, two in 24 %, three in 6 %, hardly overlapping."""
        rng = np.random.default_rng((seed, number))
        width, height = FRAME_SIZES[rng.integers(len(FRAME_SIZES))]
        picture = make_background(rng, width, height)
        shown: list[int] = []
        taken: list[Placement] = []
        for k in range(int(rng.choice(4, p=(0.06, 0.64, 0.24, 0.06)))):
            at = _free_place(rng, width, height, taken, LARGEST_SIDE if k == 0 else 0.5)
            if at is None:
                break
            concept = int(rng.integers(len(self._vocabulary.concepts)))
            glyph = str(rng.choice(self._vocabulary.concepts[concept].glyphs))
            paint_glyph(picture, self._glyphs[glyph], at, shadow=float(rng.choice((0.0, 0.3))))
            taken.append(at)
            shown.append(concept)
        return Scene(_filmed(rng, picture), tuple(shown))


def make_background(rng: np.random.Generator, width: int, height: int) -> Picture:
    """A sky, up to three ranges of hills or a sea, glows, and a little texture."""
    picture = gradient(width, height, _colour(rng), _colour(rng))
    for _ in range(int(rng.integers(0, 3))):
        where = rng.uniform(0, width), rng.uniform(0, height)
        paint_glow(picture, *where, rng.uniform(0.1, 0.5) * height, _colour(rng), rng.uniform(0.2, 0.8))
    x = np.linspace(0, 1, width, dtype=np.float32)
    for level in sorted(rng.uniform(0.35, 0.95, int(rng.integers(0, 4)))):
        ridge = np.full(width, level, np.float32)
        for waves in (1.0, 2.3, 5.1):
            ridge += rng.uniform(0, 0.08) / waves * np.sin(6.28 * (waves * x + rng.uniform()))
        paint_below(picture, ridge * height, _colour(rng), _colour(rng), rng.uniform(1, 12))
    if rng.uniform() < 0.3:
        cells = rng.uniform(0, 255, (rng.integers(3, 12), rng.integers(3, 12), 3)).astype(np.uint8)
        noise = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC), np.float32)
        picture += (noise / 255.0 - picture) * np.float32(rng.uniform(0.1, 0.7))
    return picture


def _colour(rng: np.random.Generator) -> Colour:
    grey = rng.uniform(0.1, 0.95)
    red, green, blue = np.clip(grey + rng.uniform(0, 0.5) * rng.uniform(-1, 1, 3), 0, 1)
    return float(red), float(green), float(blue)


def _free_place(
    rng: np.random.Generator, width: int, height: int, taken: list[Placement], largest: float
) -> Placement | None:
    for _ in range(30):
        side = float(rng.uniform(SMALLEST_SIDE, largest)) * min(width, height)
        x, y = rng.uniform(side / 2, width - side / 2), rng.uniform(side / 2, height - side / 2)
        if all(max(abs(x - o.x), abs(y - o.y)) > 0.85 * (side + o.side) / 2 for o in taken):
            return Placement(float(x), float(y), side, float(rng.uniform(-18, 18)), bool(rng.integers(2)))
    return None


def _filmed(rng: np.random.Generator, picture: Picture) -> Image.Image:
    """Exposure, sensor noise and lossy compression."""
    out = picture * rng.uniform(0.85, 1.15) + rng.normal(0, rng.uniform(0, 0.03), picture.shape).astype(np.float32)
    buffer = io.BytesIO()
    to_image(out).save(buffer, "JPEG", quality=int(rng.integers(35, 95)))
    return Image.open(buffer).convert("RGB")
