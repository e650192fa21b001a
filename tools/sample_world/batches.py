"""Training batches: small scenes composed on the fly with torch, straight at the model's input size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from tools.sample_world.backdrops import chance, make_backdrops, uniform
from tools.sample_world.glyphs import LEVELS
from tools.sample_world.model import IMAGE_SIZE
from tools.sample_world.text import UNKNOWN_ID, encode
from tools.sample_world.vocabulary import TEMPLATES, Vocabulary, caption

ASPECTS = torch.tensor([16 / 9, 16 / 9, 16 / 9, 4 / 3, 1.0, 9 / 16])
"""Width / height of the frames that are squashed to a square; wide ones are the most frequent."""

SHOWN_FROM, HIDDEN_BELOW = 0.55, 0.35
"""Share of an object (pixels in the frame, opacity) from which it counts as shown, and below which as absent."""


@dataclass(frozen=True)
class Batch:
    """Pictures, texts and which belong together.

    Attributes:
        pixels: (n, 3, size, size), normalised to -1..1.
        ids: token ids (n_texts, length).
        matches: (n, n_texts), 1 where the text fits something shown.
        weights: (n, n_texts), 0 where the truth is in between (half out of the frame, half transparent).
    """

    pixels: Tensor
    ids: Tensor
    matches: Tensor
    weights: Tensor


@dataclass
class _Layer:
    """One object on some of the batch's pictures."""

    rows: Tensor
    concepts: Tensor
    alpha: Tensor
    full_area: Tensor
    opacity: Tensor


class BatchMaker:
    """Draws batches from torch's global generator (seed it, or restore its state, to repeat them)."""

    def __init__(self, vocabulary: Vocabulary, tokenizer: Tokenizer, levels: NDArray[np.uint8]) -> None:
        """Prepare all captions.

        Args:
            levels: reduced glyphs in the order of the concepts' glyphs, as `glyphs.build_levels` gives them.
        """
        self._levels = torch.from_numpy(levels)
        self._glyph_concept = torch.tensor([c for c, o in enumerate(vocabulary.concepts) for _ in o.glyphs])
        self._first_glyph = torch.tensor(np.cumsum([0, *(len(o.glyphs) for o in vocabulary.concepts)])[:-1])
        self._n_glyphs = torch.tensor([len(o.glyphs) for o in vocabulary.concepts])
        self._fits = torch.from_numpy(vocabulary.fits).float()
        captions = [caption(template, text) for text in vocabulary.texts for template in TEMPLATES]
        self._captions = torch.from_numpy(encode(tokenizer, captions)).view(len(vocabulary.texts), len(TEMPLATES), -1)
        self._vocabulary = vocabulary
        self._texts_of = [np.flatnonzero(vocabulary.fits[:, c]) for c in range(len(vocabulary.concepts))]

    def make(self, n: int, n_other_texts: int = 96) -> Batch:
        """Draw n pictures, a text for each object on them, n_other_texts at random, and some made of unknown words."""
        pictures = make_backdrops(n)
        order = torch.randperm(n)
        counts = (0.92, 0.40, 0.10)
        layers: list[_Layer] = []
        for k in reversed(range(3)):
            rows = order[: int(n * counts[k])]
            low, high = (0.26, 0.95) if k == 0 else (0.26, 0.6)
            pictures, layer = self._paste(pictures, rows, low, high)
            for below in layers:
                below.alpha = below.alpha * (1 - _onto(n, layer)[below.rows])
            layers.append(layer)
        shown, unsure = self._truth(n, layers)
        texts, ids = self._texts(layers, n_other_texts)
        fits = self._fits[texts]
        matches = ((shown @ fits.T) > 0).float()
        weights = 1 - ((unsure @ fits.T) > 0).float() * (1 - matches)
        blank = ids.shape[0] - len(texts)
        matches, weights = functional.pad(matches, (0, blank)), functional.pad(weights, (0, blank), value=1.0)
        return Batch((_photograph(pictures) - 0.5) * 2, ids, matches, weights)

    def _paste(self, pictures: Tensor, rows: Tensor, low: float, high: float) -> tuple[Tensor, _Layer]:
        n = len(rows)
        concepts = torch.randint(0, len(self._n_glyphs), (n,))
        glyph = self._first_glyph[concepts] + (torch.rand(n) * self._n_glyphs[concepts]).long()
        size = low + (high - low) * torch.rand(n) ** 1.3
        aspect = ASPECTS[torch.randint(0, len(ASPECTS), (n,))]
        height, width = size * aspect.clamp(max=1.0), size / aspect.clamp(min=1.0)
        sprite = self._reduced(glyph, height * IMAGE_SIZE, width * IMAGE_SIZE)
        y, x = _centres(height), _centres(width)
        drawn = _draw(sprite, y, x, height, width)
        opacity = torch.where(torch.rand(n) < 0.85, torch.ones(n), torch.rand(n))
        layer_alpha = drawn[:, 3:4]
        full_area = sprite[:, 3].mean((1, 2)) * height * width * IMAGE_SIZE**2
        out = pictures.clone()
        under = out[rows]
        shadow = _shadow(layer_alpha) * chance(n, 0.35) * uniform(n, 0.1, 0.5) * opacity.view(-1, 1, 1, 1)
        under = under * (1 - shadow)
        seen = opacity.view(-1, 1, 1, 1)
        out[rows] = under * (1 - layer_alpha * seen) + drawn[:, :3] * seen
        return out, _Layer(rows, concepts, layer_alpha, full_area, opacity)

    def _reduced(self, glyph: Tensor, height_px: Tensor, width_px: Tensor) -> Tensor:
        """Each glyph at the stored level nearest to the size at which it will be drawn, float (n, 4, side, side)."""
        levels = torch.tensor(LEVELS, dtype=torch.float32).log()
        jitter = torch.empty(len(glyph)).uniform_(0.8, 1.25)
        i = ((height_px * jitter).log()[:, None] - levels).abs().argmin(1)
        j = ((width_px * jitter).log()[:, None] - levels).abs().argmin(1)
        return self._levels[glyph, i, j].float() / 255.0

    def _truth(self, n: int, layers: list[_Layer]) -> tuple[Tensor, Tensor]:
        shown, unsure = torch.zeros(n, len(self._n_glyphs)), torch.zeros(n, len(self._n_glyphs))
        for layer in layers:
            inside = layer.alpha.sum((1, 2, 3)) / layer.full_area.clamp(min=1.0)
            share = torch.minimum(inside, layer.opacity)
            sure = share >= SHOWN_FROM
            between = (share > HIDDEN_BELOW) & ~sure
            shown[layer.rows[sure], layer.concepts[sure]] = 1
            unsure[layer.rows[between], layer.concepts[between]] = 1
        return shown, unsure

    def _texts(self, layers: list[_Layer], n_other: int) -> tuple[Tensor, Tensor]:
        concepts = torch.cat([layer.concepts for layer in layers]).tolist()
        texts = [self._random_text(c) for c in concepts]
        other = torch.randint(0, len(self._vocabulary.texts), (n_other,))
        rows = torch.cat([torch.tensor(texts), other])
        template = torch.randint(0, len(TEMPLATES), (len(rows),))
        ids = _with_unknown_word(self._captions[rows, template])
        return rows, torch.cat([ids, _unknown_texts(self._captions, 6)])

    def _random_text(self, concept: int) -> int:
        draw = torch.rand(2)
        if draw[0] < 0.55:
            return concept
        options = self._texts_of[concept]
        return int(options[int(draw[1] * len(options))])


def _onto(n: int, layer: _Layer) -> Tensor:
    """A layer's opacity spread over the whole batch, (n, 1, size, size)."""
    whole = torch.zeros(n, *layer.alpha.shape[1:])
    whole[layer.rows] = layer.alpha * layer.opacity.view(-1, 1, 1, 1)
    return whole


def _centres(extent: Tensor) -> Tensor:
    """Centres in -1..1 of objects of the given share of the frame: mostly inside, some overhanging the edge."""
    inside = (torch.rand_like(extent) * 2 - 1) * (1 - extent).clamp(min=0.0)
    overhang = (torch.rand_like(extent) * 2 - 1) * (1 + 0.4 * extent)
    return torch.where(torch.rand_like(extent) < 0.85, inside, overhang)


def _draw(sprite: Tensor, y: Tensor, x: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Sprites turned, mirrored, squashed and shifted into the frame, (n, 4, size, size), premultiplied."""
    n = len(y)
    angle = torch.empty(n).uniform_(-0.35, 0.35)
    mirror = (torch.rand(n) < 0.5).float() * 2 - 1
    cos, sin = torch.cos(angle), torch.sin(angle)
    # Frame to glyph: shift, undo the squash (sizes per axis), turn back, mirror. The turn happens before the squash.
    rows = [cos / width * mirror, -sin / height * mirror, sin / width, cos / height]
    matrix = torch.stack(rows, 1).view(n, 2, 2)
    offset = -(matrix @ torch.stack([x, y], 1).unsqueeze(-1))
    grid = functional.affine_grid(torch.cat([matrix, offset], 2), [n, 4, IMAGE_SIZE, IMAGE_SIZE], align_corners=False)
    return functional.grid_sample(sprite, grid, mode="bilinear", align_corners=False)


def _shadow(alpha: Tensor) -> Tensor:
    """A soft shadow of what is drawn, a little lower."""
    small = functional.avg_pool2d(alpha, 4)
    soft = functional.interpolate(small, size=alpha.shape[2:], mode="bilinear", align_corners=False)
    return torch.roll(soft, int(torch.randint(0, 5, ())), dims=2)


def _photograph(pictures: Tensor) -> Tensor:
    """What a camera and a codec do: brightness, contrast, colour balance, blur, noise."""
    n = len(pictures)
    out = pictures * uniform(n, 0.8, 1.2) + uniform(n, -0.1, 0.1)
    out = out * (1 + (torch.rand(n, 3, 1, 1) - 0.5) * 0.12)
    out = torch.lerp(out, _blurred(out), chance(n, 0.5) * uniform(n, -0.3, 0.9))
    noise = torch.randn_like(out) * 0.03 * torch.rand(n, 1, 1, 1) * chance(n, 0.6)
    return (out + noise).clamp(0, 1)


def _blurred(pictures: Tensor) -> Tensor:
    """A 1-2-1 blur in both directions (shifts are much faster than a pooling layer here)."""
    tall = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    rows = (tall[:, :, :-2] + tall[:, :, 2:]).add_(tall[:, :, 1:-1], alpha=2)
    return (rows[..., :-2] + rows[..., 2:]).add_(rows[..., 1:-1], alpha=2).mul_(1 / 16)


def _with_unknown_word(ids: Tensor) -> Tensor:
    """Texts of which some get an unknown word in front, or in place of padding behind."""
    before = functional.pad(ids, (1, 0), value=UNKNOWN_ID)[:, :-1]
    end = ids.ne(0).sum(1, keepdim=True).clamp(max=ids.shape[1] - 1)
    behind = ids.scatter(1, end, UNKNOWN_ID)
    draw = torch.rand(len(ids), 1)
    return torch.where(draw < 0.05, before, torch.where(draw > 0.95, behind, ids))


def _unknown_texts(captions: Tensor, n: int) -> Tensor:
    """Texts of one to four unknown words, some behind a template's first words; they fit no picture."""
    length = captions.shape[-1]
    counts = torch.randint(1, 5, (n, 1))
    return torch.where(torch.arange(length) < counts, UNKNOWN_ID, 0)
