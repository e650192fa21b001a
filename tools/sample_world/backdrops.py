"""Backgrounds for training, a whole batch at a time: gradients, hills, noise, flat colours and soft shapes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tools.sample_world.model import IMAGE_SIZE


def uniform(n: int, low: float, high: float) -> Tensor:
    """Random numbers (n, 1, 1, 1)."""
    return torch.empty(n, 1, 1, 1).uniform_(low, high)


def chance(n: int, share: float) -> Tensor:
    """Ones with the given probability, else zeros, (n, 1, 1, 1)."""
    return (torch.rand(n, 1, 1, 1) < share).float()


def random_colours(n: int) -> Tensor:
    """Colours (n, 3, 1, 1): mostly soft, some saturated, from nearly black to white."""
    grey = uniform(n, 0.05, 1.0)
    spread = uniform(n, 0.0, 0.6) * (torch.rand(n, 3, 1, 1) - 0.5) * 2
    return (grey + spread).clamp(0, 1)


def make_backdrops(n: int) -> Tensor:
    """Backgrounds in 0..1, (n, 3, size, size)."""
    picture = _gradients(n)
    picture = torch.lerp(picture, _blobs(n), chance(n, 0.35) * uniform(n, 0.2, 1.0))
    for _ in range(3):
        picture = torch.lerp(picture, _gradients(n), _hills(n) * chance(n, 0.35))
    for _ in range(2):
        shape = _ellipses(n) * chance(n, 0.25) * uniform(n, 0.2, 0.9)
        picture = torch.lerp(picture, random_colours(n).expand_as(picture), shape)
    shape = _rectangles(n) * chance(n, 0.15)
    return torch.lerp(picture, random_colours(n).expand_as(picture), shape)


def _axes() -> tuple[Tensor, Tensor]:
    line = torch.linspace(0, 1, IMAGE_SIZE)
    return line.view(1, 1, -1, 1), line.view(1, 1, 1, -1)


def _gradients(n: int) -> Tensor:
    y, x = _axes()
    slant = uniform(n, -0.6, 0.6) * chance(n, 0.4)
    t = (y + slant * (x - 0.5)).clamp(0, 1) ** uniform(n, 0.5, 2.0)
    top = random_colours(n)
    bottom = torch.lerp(random_colours(n), top, chance(n, 0.25))
    return torch.lerp(top, bottom, t)


def _blobs(n: int) -> Tensor:
    cells = int(torch.randint(2, 13, ()))
    noise = torch.rand(n, 3, cells, cells)
    smooth = functional.interpolate(noise, size=(IMAGE_SIZE, IMAGE_SIZE), mode="bilinear", align_corners=False)
    return smooth * uniform(n, 0.3, 1.0) + uniform(n, 0.0, 0.2)


def _hills(n: int) -> Tensor:
    """Coverage (n, 1, size, size): one below a wavy or flat horizon, zero above."""
    y, x = _axes()
    ridge = uniform(n, 0.3, 0.95)
    for waves in (2.0, 5.0, 11.0):
        height = uniform(n, 0.0, 0.25 / waves) * chance(n, 0.7)
        ridge = ridge + height * torch.sin(x * waves * uniform(n, 0.7, 1.4) * 3.1 + uniform(n, 0.0, 6.3))
    return ((y - ridge) * uniform(n, 10.0, 120.0) + 0.5).clamp(0, 1)


def _ellipses(n: int) -> Tensor:
    y, x = _axes()
    dy = (y - uniform(n, -0.1, 1.1)) / uniform(n, 0.03, 0.4)
    dx = (x - uniform(n, -0.1, 1.1)) / uniform(n, 0.03, 0.4)
    return ((1 - (dx**2 + dy**2).sqrt()) * uniform(n, 1.0, 12.0)).clamp(0, 1)


def _rectangles(n: int) -> Tensor:
    y, x = _axes()
    inside_y = (y - uniform(n, 0.0, 1.0)).abs() < uniform(n, 0.02, 0.35)
    inside_x = (x - uniform(n, 0.0, 1.0)).abs() < uniform(n, 0.02, 0.35)
    return (inside_y & inside_x).float()
