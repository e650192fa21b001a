"""Painting at full frame size: skies, hills, glows, and emoji with soft shadows. Used for evaluation and the video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Picture = NDArray[np.float32]
"""float32 (height, width, 3) RGB in 0..1."""

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Placement:
    """Where and how a glyph is drawn.

    Attributes:
        x: centre in pixels from the left; may lie outside the frame.
        y: centre in pixels from the top.
        side: side of the glyph's square in pixels.
        angle_deg: turn, counter-clockwise.
        mirror: flipped left to right.
        opacity: 0..1.
    """

    x: float
    y: float
    side: float
    angle_deg: float = 0.0
    mirror: bool = False
    opacity: float = 1.0


def mix(a: Colour, b: Colour, t: float, light: float = 1.0) -> Colour:
    """The colour between a (t = 0) and b (t = 1), times light."""
    red, green, blue = ((p + (q - p) * t) * light for p, q in zip(a, b, strict=True))
    return red, green, blue


def gradient(width: int, height: int, top: Colour, bottom: Colour) -> Picture:
    """A vertical gradient."""
    t = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    column = np.asarray(top, np.float32) * (1 - t) + np.asarray(bottom, np.float32) * t
    return np.repeat(column, width, axis=1)


def paint_below(picture: Picture, ridge: NDArray[np.float32], top: Colour, bottom: Colour, soft: float = 1.5) -> None:
    """Fill below a ridge line, in place.

    Args:
        ridge: float32 (width,), height of the ridge in pixels from the top.
        top, bottom: colours at the ridge's highest point and at the frame's lower edge.
        soft: width of the ridge's blurred edge in pixels.
    """
    height = picture.shape[0]
    y = np.arange(height, dtype=np.float32)[:, None]
    cover = np.clip((y - ridge[None, :]) / soft + 0.5, 0, 1)[..., None]
    t = np.clip((y - ridge.min()) / max(1.0, height - float(ridge.min())), 0, 1)[..., None]
    fill = np.asarray(top, np.float32) * (1 - t) + np.asarray(bottom, np.float32) * t
    picture += (fill - picture) * cover


def paint_glow(picture: Picture, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
    """A soft round light, in place."""
    yy, xx = np.ogrid[: picture.shape[0], : picture.shape[1]]
    cover = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * radius**2)).astype(np.float32) * strength
    picture += (np.asarray(colour, np.float32) - picture) * cover[..., None]


def glyph_layer(glyph: Image.Image, width: int, height: int, at: Placement) -> Picture:
    """A glyph placed on an empty frame with sub-pixel accuracy.

    Returns:
        float32 (height, width, 4) in 0..1, colours not premultiplied, opacity not applied.
    """
    scale = glyph.width / at.side
    angle = np.deg2rad(at.angle_deg)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    flip = -1.0 if at.mirror else 1.0
    a, b, d, e = flip * cos, -flip * sin, sin, cos
    c = glyph.width / 2 - a * at.x - b * at.y
    f = glyph.height / 2 - d * at.x - e * at.y
    placed = glyph.transform((width, height), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC)
    return np.asarray(placed, dtype=np.float32) / 255.0


def paint_glyph(picture: Picture, glyph: Image.Image, at: Placement, shadow: float = 0.0) -> None:
    """Draw a glyph with an optional soft shadow (its darkness in 0..1), in place."""
    height, width = picture.shape[:2]
    layer = glyph_layer(glyph, width, height, at)
    if shadow > 0:
        alpha = Image.fromarray((layer[..., 3] * 255).astype(np.uint8))
        soft = np.asarray(alpha.filter(ImageFilter.GaussianBlur(at.side / 22)), np.float32) / 255.0
        lower = round(at.side / 18)
        dark = np.pad(soft, ((lower, 0), (0, 0)), mode="edge")[:height] * (shadow * at.opacity)
        picture *= 1 - dark[..., None]
    alpha_seen = layer[..., 3:] * at.opacity
    picture += (layer[..., :3] - picture) * alpha_seen


def share_inside(glyph: Image.Image, width: int, height: int, at: Placement) -> float:
    """Share of a placed glyph's opaque pixels that lie in the frame, 0..1."""
    margin = int(at.side * 1.5)
    moved = Placement(at.x + margin, at.y + margin, at.side, at.angle_deg, at.mirror)
    solid = glyph_layer(glyph, width + 2 * margin, height + 2 * margin, moved)[..., 3] >= 0.5
    whole = int(solid.sum())
    if whole == 0:
        return 0.0
    return float(solid[margin : margin + height, margin : margin + width].sum()) / whole


def to_image(picture: Picture) -> Image.Image:
    """The picture as 8-bit RGB."""
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
