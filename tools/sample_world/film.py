"""The sample video's frames, painted from the storyboard, and the truth computed from them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from tools.sample_world.paint import (
    Picture,
    Placement,
    gradient,
    mix,
    paint_below,
    paint_glow,
    paint_glyph,
    share_inside,
)
from tools.sample_world.storyboard import ABSENT, ACTORS, SHOTS, Actor, Palette, Shot

WIDTH, HEIGHT, FPS = 640, 360, 30
SHOWN_SHARE, SHOWN_OPACITY = 0.5, 0.5
"""An actor is visible with at least this share of its pixels in the frame, at at least this opacity."""


@dataclass(frozen=True)
class Span:
    """Presentation times between which a prompt's object is visible, half-open."""

    prompt: str
    start_s: float
    end_s: float


def paint_frame(time_s: float, glyphs: dict[str, Image.Image]) -> Picture:
    """The frame that is shown at a time."""
    shot = _shot_at(time_s)
    picture = _paint_backdrop(shot, _palette_at(shot, time_s), time_s)
    for actor in ACTORS:
        at = place(actor, time_s)
        if at is not None:
            paint_glyph(picture, glyphs[actor.glyph], at, actor.shadow)
    return picture


def place(actor: Actor, time_s: float) -> Placement | None:
    """Where an actor is at a time, None while it is not on stage or the shot in which it came is over."""
    keys = actor.keys
    on_stage = keys[0].time_s <= time_s < keys[-1].time_s
    if not on_stage or _shot_at(time_s) != _shot_at(keys[0].time_s):
        return None
    before, after = next(pair for pair in pairwise(keys) if pair[0].time_s <= time_s < pair[1].time_s)
    t = (time_s - before.time_s) / (after.time_s - before.time_s)
    # Slow moves go evenly; entrances and exits ease, so that nothing stops with a jerk.
    smooth = t * t * (3 - 2 * t)
    now = [a + (b - a) * smooth for a, b in zip(astuple(before), astuple(after), strict=True)]
    bob = actor.bob * np.sin(time_s * 2.1 + keys[0].time_s)
    return Placement(now[1] * WIDTH, (now[2] + bob) * HEIGHT, actor.side * HEIGHT, now[3], actor.mirror, now[4])


def visible_spans(actor: Actor, glyph: Image.Image, n_frames: int) -> list[Span]:
    """When an actor is visible, measured on the pixels of every frame."""
    flags = [False] * (n_frames + 1)
    for k in range(n_frames):
        at = place(actor, k / FPS)
        if at is not None and at.opacity >= SHOWN_OPACITY:
            flags[k] = share_inside(glyph, WIDTH, HEIGHT, at) >= SHOWN_SHARE
    edges = [k for k, (a, b) in enumerate(pairwise([False, *flags])) if a != b]
    times = [round(k / FPS, 4) for k in edges]
    return [Span(actor.prompt, start, end) for start, end in zip(times[::2], times[1::2], strict=True)]


def truth(glyphs: dict[str, Image.Image], n_frames: int) -> dict[str, object]:
    """What sample.truth.json says: all visible spans by start, and the prompts that never appear."""
    spans = [span for actor in ACTORS for span in visible_spans(actor, glyphs[actor.glyph], n_frames)]
    spans.sort(key=lambda span: span.start_s)
    visible = [{"prompt": s.prompt, "start_s": s.start_s, "end_s": s.end_s} for s in spans]
    return {"visible": visible, "absent": list(ABSENT)}


def _shot_at(time_s: float) -> Shot:
    return [shot for shot in SHOTS if shot.start_s <= time_s][-1]


def _palette_at(shot: Shot, time_s: float) -> Palette:
    values = np.array([_flat(palette) for palette in shot.palettes])
    mixed = [float(np.interp(time_s, values[:, 0], column)) for column in values.T]
    top, bottom, far, near, glow = ((mixed[k], mixed[k + 1], mixed[k + 2]) for k in range(1, 16, 3))
    return Palette(time_s, top, bottom, far, near, glow, sun=(mixed[16], mixed[17]), night=mixed[18])


def _flat(p: Palette) -> list[float]:
    return [p.time_s, *p.sky_top, *p.sky_bottom, *p.far, *p.near, *p.glow, *p.sun, p.night]


def _paint_backdrop(shot: Shot, palette: Palette, time_s: float) -> Picture:
    picture = gradient(WIDTH, HEIGHT, palette.sky_top, palette.sky_bottom)
    _paint_stars(picture, palette.night)
    x, y = palette.sun[0] * WIDTH, palette.sun[1] * HEIGHT
    paint_glow(picture, x, y, 150, palette.glow, 0.45)
    paint_glow(picture, x, y, 45, palette.glow, 0.55)
    along = np.linspace(0, 1, WIDTH, dtype=np.float32)
    if shot.sea:
        _paint_sea(picture, palette, along, time_s)
    else:
        _paint_hills(picture, palette, along, time_s)
    return picture


def _paint_hills(picture: Picture, palette: Palette, along: np.ndarray, time_s: float) -> None:
    for depth in range(3):
        t = depth / 2
        colour = mix(palette.far, palette.near, t)
        shade = mix(palette.far, palette.near, t, light=0.92 - 0.12 * t)
        drift = time_s * 0.004 * (depth + 1)
        wave = np.sin((along + drift) * (5 + 3 * depth) + depth * 2) + 0.4 * np.sin((along + drift) * 17 + depth)
        ridge = HEIGHT * (0.62 + 0.13 * depth + (0.05 - 0.008 * depth) * wave)
        paint_below(picture, ridge.astype(np.float32), colour, shade, 2.5)


def _paint_sea(picture: Picture, palette: Palette, along: np.ndarray, time_s: float) -> None:
    horizon = np.full(WIDTH, 0.64 * HEIGHT, np.float32)
    paint_below(picture, horizon, palette.far, palette.near, 2.0)
    for row in range(5):
        y = (0.70 + 0.065 * row) * HEIGHT
        ridge = y + (2 + row) * np.sin(along * (26 - 3 * row) + time_s * (0.6 + 0.1 * row) + row * 1.7)
        colour = mix(palette.far, palette.near, 0.2 * (row + 1), light=0.97)
        paint_below(picture, ridge.astype(np.float32), colour, palette.near, 5.0)


def _paint_stars(picture: Picture, night: float) -> None:
    if night <= 0:
        return
    rng = np.random.default_rng(7)
    for x, y, strength in rng.uniform((0, 0, 0.3), (WIDTH, 0.5 * HEIGHT, 0.8), (45, 3)):
        window = picture[max(0, int(y) - 4) : int(y) + 5, max(0, int(x) - 4) : int(x) + 5]
        paint_glow(window, x - max(0, int(x) - 4), y - max(0, int(y) - 4), 0.9, (1.0, 1.0, 0.95), strength * night)
