"""What happens in the sample video: who is where when, and how sky and land look. All positions are frame shares."""

from __future__ import annotations

from dataclasses import dataclass

from tools.sample_world.paint import Colour

DURATION_S = 50.0
CUT_S = 24.0
ABSENT = ("an elephant",)
"""Prompts that the video never shows."""


@dataclass(frozen=True)
class Key:
    """An actor's state at a time; between two keys it moves smoothly.

    Attributes:
        time_s: presentation time.
        x, y: centre as a share of the frame's width and height.
        angle_deg: turn, counter-clockwise.
        opacity: 0..1.
    """

    time_s: float
    x: float
    y: float
    angle_deg: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True)
class Actor:
    """A glyph with its way through the video; it is on stage from its first key to its last.

    Attributes:
        prompt: the natural prompt that describes it.
        side: side of the glyph's square as a share of the frame's height.
        bob: height of a gentle up and down, as a share of the frame's height.
        shadow: darkness of its soft shadow, 0..1.
    """

    prompt: str
    glyph: str
    side: float
    keys: tuple[Key, ...]
    mirror: bool = False
    bob: float = 0.012
    shadow: float = 0.28


@dataclass(frozen=True)
class Palette:
    """The colours of sky and land at a time; between two palettes of a shot they change evenly.

    Attributes:
        night: 0..1, how clearly the stars show.
        sun: where the glow stands, x and y as frame shares.
    """

    time_s: float
    sky_top: Colour
    sky_bottom: Colour
    far: Colour
    near: Colour
    glow: Colour
    sun: tuple[float, float]
    night: float = 0.0


@dataclass(frozen=True)
class Shot:
    """A stretch between cuts, over hills or over a sea."""

    start_s: float
    sea: bool
    palettes: tuple[Palette, ...]


SHOTS = (
    Shot(
        0.0,
        sea=False,
        palettes=(
            Palette(0, (0.55, 0.76, 0.92), (0.93, 0.94, 0.86), (0.62, 0.77, 0.62), (0.44, 0.66, 0.42),
                    (1.0, 0.97, 0.82), (0.15, 0.45)),
            Palette(10, (0.40, 0.67, 0.93), (0.80, 0.91, 0.96), (0.52, 0.72, 0.56), (0.36, 0.60, 0.36),
                    (1.0, 1.0, 0.93), (0.45, 0.12)),
            Palette(17, (0.45, 0.55, 0.82), (0.97, 0.78, 0.62), (0.55, 0.55, 0.58), (0.36, 0.44, 0.40),
                    (1.0, 0.85, 0.60), (0.75, 0.35)),
            Palette(24, (0.36, 0.32, 0.60), (0.96, 0.60, 0.50), (0.46, 0.36, 0.50), (0.28, 0.26, 0.36),
                    (1.0, 0.70, 0.48), (0.88, 0.60)),
        ),
    ),
    Shot(
        CUT_S,
        sea=True,
        palettes=(
            Palette(24, (0.47, 0.77, 0.90), (0.90, 0.96, 0.95), (0.30, 0.62, 0.72), (0.16, 0.42, 0.60),
                    (1.0, 1.0, 0.95), (0.30, 0.15)),
            Palette(33, (0.42, 0.65, 0.85), (0.96, 0.90, 0.80), (0.34, 0.56, 0.68), (0.17, 0.36, 0.54),
                    (1.0, 0.95, 0.80), (0.55, 0.35)),
            Palette(38, (0.28, 0.30, 0.56), (0.90, 0.62, 0.58), (0.36, 0.36, 0.54), (0.16, 0.20, 0.38),
                    (1.0, 0.75, 0.60), (0.70, 0.58)),
            Palette(43, (0.10, 0.13, 0.32), (0.34, 0.34, 0.56), (0.17, 0.22, 0.42), (0.08, 0.11, 0.26),
                    (0.60, 0.60, 0.80), (0.75, 0.60), 1.0),
            Palette(50, (0.08, 0.10, 0.27), (0.26, 0.28, 0.50), (0.13, 0.18, 0.37), (0.06, 0.09, 0.22),
                    (0.50, 0.55, 0.78), (0.75, 0.60), 1.0),
        ),
    ),
)  # fmt: skip

ACTORS = (
    Actor("a dog", "🐕", 0.56, (
        Key(1.0, -0.18, 0.68), Key(1.7, 0.22, 0.66), Key(7.4, 0.36, 0.67, 3), Key(8.0, -0.18, 0.70))),
    Actor("a balloon", "🎈", 0.54, (
        Key(4.2, 1.16, 0.40), Key(4.8, 0.80, 0.40, 8), Key(7.5, 0.72, 0.36, -6), Key(10.4, 0.64, 0.33, 6),
        Key(11.0, 0.68, -0.34)), bob=0.025),
    Actor("a rocket", "🚀", 0.58, (
        Key(12.4, 0.30, 1.34), Key(13.1, 0.32, 0.66), Key(18.4, 0.38, 0.42), Key(18.9, 0.42, -0.36))),
    Actor("a sunflower", "🌻", 0.54, (
        Key(16.2, 0.74, 1.32), Key(16.9, 0.73, 0.66, 4), Key(20.0, 0.72, 0.64, -5), Key(24.5, 0.68, 0.65, 4))),
    Actor("a sailboat", "⛵", 0.60, (
        Key(25.0, 1.20, 0.52), Key(28.6, 0.72, 0.50), Key(33.4, 0.53, 0.50), Key(34.1, -0.20, 0.51)), bob=0.02),
    Actor("the moon", "🌙", 0.50, (
        Key(38.6, 0.75, 0.40, 0, 0.0), Key(39.1, 0.75, 0.40), Key(44.6, 0.70, 0.31, 5), Key(45.2, 0.70, 0.31, 5, 0.0)),
        bob=0.0, shadow=0.0),
    Actor("a dog", "🐕", 0.56, (
        Key(41.4, -0.18, 0.66), Key(42.1, 0.24, 0.66), Key(47.4, 0.34, 0.66, -3), Key(48.0, -0.18, 0.68)), mirror=True),
    Actor("pizza", "🍕", 0.50, (
        Key(28.0, 0.16, -0.34), Key(28.6, 0.17, 0.32, 8), Key(30.6, 0.18, 0.34, -8), Key(32.6, 0.17, 0.33, 6),
        Key(33.2, 0.16, -0.34)), bob=0.02),
)  # fmt: skip
