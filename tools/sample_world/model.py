"""The two towers of the sample CLIP: small enough to train on two CPU cores within about an hour."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.sample_world.text import MAX_TOKENS, PAD_ID, UNKNOWN_ID

IMAGE_SIZE = 80
DIM = 128


class PlainBlock(nn.Module):
    """Two 3 x 3 convolutions with a short cut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps (n, channels, h, w) to the same shape."""
        return functional.relu(x + self.body(x))


class WideBlock(nn.Module):
    """A depthwise 5 x 5 convolution and a two-layer perceptron per position, with a short cut."""

    def __init__(self, channels: int, expansion: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, channels * expansion, 1),
            nn.ReLU(),
            nn.Conv2d(channels * expansion, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps (n, channels, h, w) to the same shape."""
        out: Tensor = x + self.body(x)
        return out


class ImageTower(nn.Module):
    """Pictures (n, 3, 80, 80), normalised to -1..1, to embeddings (n, DIM), not normalised."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 48, 4, stride=4, bias=False),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            PlainBlock(48),
            nn.Conv2d(48, 96, 2, stride=2),
            PlainBlock(96),
            PlainBlock(96),
            nn.Conv2d(96, 192, 2, stride=2),
            WideBlock(192),
            WideBlock(192),
            nn.BatchNorm2d(192),
        )
        self.attention = nn.Conv2d(192, heads, 1)
        self.project = nn.Linear(192 * heads, DIM)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pictures; each head looks where it finds something and reads the features there."""
        features = self.features(pixels)
        weights = self.attention(features).flatten(2).softmax(-1)
        pooled = weights @ features.flatten(2).transpose(1, 2)
        embedding: Tensor = self.project(pooled.flatten(1))
        return embedding


class TextTower(nn.Module):
    """Token ids (n, length), padded with 0, to embeddings (n, DIM), not normalised."""

    def __init__(self, n_words: int, width: int = 96, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.head_width = heads, width // heads
        self.embed = nn.Embedding(n_words, width, padding_idx=PAD_ID)
        self.position = nn.Parameter(torch.zeros(MAX_TOKENS, width))
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.project = nn.Linear(width, DIM)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed texts; one without any word is read as an unknown word, which fits nothing."""
        blank = ids.eq(PAD_ID).all(1, keepdim=True)
        first = torch.where(blank, torch.full_like(ids[:, :1], UNKNOWN_ID), ids[:, :1])
        ids = torch.cat([first, ids[:, 1:]], dim=1)
        known = ids.ne(PAD_ID)
        x = self.embed(ids) + self.position[: ids.shape[1]]
        x = x + self._attend(self.norm_attention(x), known)
        x = x + self.perceptron(x)
        mask = known.unsqueeze(-1).to(x.dtype)
        mean = (x * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        embedding: Tensor = self.project(mean)
        return embedding

    def _attend(self, x: Tensor, known: Tensor) -> Tensor:
        n, length, _ = x.shape
        parts = self.query_key_value(x).reshape(n, length, 3, self.heads, self.head_width)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        scores = query @ key.transpose(-1, -2) / math.sqrt(self.head_width)
        # A large finite number, not infinity: a text without any word must not become NaN.
        scores = scores + (~known).to(x.dtype)[:, None, None, :] * -1e4
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        out: Tensor = self.mix(mixed)
        return out


class SampleClip(nn.Module):
    """Both towers with the learned scale and bias of the sigmoid loss (SigLIP, Zhai et al. 2023)."""

    def __init__(self, n_words: int) -> None:
        super().__init__()
        self.image = ImageTower()
        self.text = TextTower(n_words)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-8.0))

    def logits(self, image_embeds: Tensor, text_embeds: Tensor) -> Tensor:
        """Scaled cosine plus bias, (n_images, n_texts)."""
        cosine = functional.normalize(image_embeds, dim=-1) @ functional.normalize(text_embeds, dim=-1).T
        return cosine * self.log_scale.exp() + self.bias
