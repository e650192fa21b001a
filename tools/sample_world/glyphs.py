"""Emoji glyphs as pictures, from Noto Color Emoji."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT_FILE = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
BITMAP_FONT_SIZE = 109
"""The one size at which the font holds bitmaps."""

LEVELS = (10, 14, 20, 28, 40, 56)
"""Side lengths in pixels to which glyphs are reduced in advance, so that drawing them small does not alias."""

LEVEL_STORE = 64
"""All reduced glyphs are stored at this side length, enlarged again, so that one tensor holds them."""


def draw_glyph(text: str, font_file: Path = FONT_FILE) -> Image.Image:
    """One emoji as a square RGBA picture, cropped to its ink and centred (about 128 pixels a side).

    Raises:
        FileNotFoundError: the font is missing; the message names the Debian package.
        ValueError: the font has no picture for this text.
    """
    canvas = Image.new("RGBA", (320, 180), (0, 0, 0, 0))
    ImageDraw.Draw(canvas).text((20, 20), text, font=_font(font_file), embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        raise ValueError(f"the font {font_file} draws nothing for {text!r}; take that glyph out of concepts.txt")
    ink = canvas.crop(box)
    if ink.width > 150:
        raise ValueError(f"the font {font_file} draws {text!r} as several glyphs; take it out of concepts.txt")
    side = max(ink.size)
    square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return square


def resize_premultiplied(glyph: Image.Image, width: int, height: int) -> NDArray[np.float32]:
    """A glyph resized with anti-aliasing.

    Returns:
        float32 (height, width, 4) in 0..1, colours premultiplied by alpha.
    """
    reduced = glyph.convert("RGBa").resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(reduced, dtype=np.float32) / 255.0


def build_levels(glyphs: list[Image.Image]) -> NDArray[np.uint8]:
    """All glyphs reduced to every pair of LEVELS (height, width), premultiplied.

    Returns:
        uint8 (n_glyphs, n_levels, n_levels, 4, 64, 64).
    """
    n = len(LEVELS)
    out = np.empty((len(glyphs), n, n, 4, LEVEL_STORE, LEVEL_STORE), dtype=np.uint8)
    for g, glyph in enumerate(glyphs):
        source = glyph.convert("RGBa")
        for i, height in enumerate(LEVELS):
            for j, width in enumerate(LEVELS):
                reduced = source.resize((width, height), Image.Resampling.BICUBIC)
                stored = reduced.resize((LEVEL_STORE, LEVEL_STORE), Image.Resampling.BILINEAR)
                out[g, i, j] = np.asarray(stored).transpose(2, 0, 1)
    return out


@lru_cache(maxsize=2)
def _font(font_file: Path) -> ImageFont.FreeTypeFont:
    if not font_file.is_file():
        raise FileNotFoundError(f"{font_file} is missing: install the package fonts-noto-color-emoji, or pass --font")
    return ImageFont.truetype(str(font_file), BITMAP_FONT_SIZE)
