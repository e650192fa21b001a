"""A library of vectors with the geometry of real ones, drawn in blocks, and captions that look for pictures in it.

Shots of 2 to 29 samples show pictures drawn from the mean and covariance of 500 COCO pictures (OpenAI CLIP ViT-B/16),
with these pictures planted among them, and move as handheld takes do. Where that file is missing, as in CI, pictures
and captions are drawn at random around two directions: good for seeing that all works, not for figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_core.types import Floats

REAL = Path(__file__).resolve().parents[3] / "shared" / "realclip" / "coco_pairs_clip_vitb16.npz"
QUERIES, BANK = 100, 300
SHOT_SAMPLES = (2, 30)
DIM = 512


def unit(values: Floats) -> Floats:
    """Return vectors of unit length."""
    return np.asarray(values / np.linalg.norm(values, axis=-1, keepdims=True), np.float32)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pictures and captions, float32 (500, 512), and where they are from."""

    pictures: Floats
    captions: Floats
    source: str

    @property
    def queries(self) -> Floats:
        """The captions to look for."""
        return self.captions[:QUERIES]

    @property
    def bank(self) -> Floats:
        """The captions that stand for the null bank."""
        return self.captions[QUERIES : QUERIES + BANK]


def pairs() -> Pairs:
    """Return the real pairs, or made ones where the file is missing."""
    if REAL.exists():
        with np.load(REAL) as file:
            return Pairs(unit(file["images"]), unit(file["captions"]), "500 COCO pairs of CLIP ViT-B/16")
    rng = np.random.default_rng(0)
    meaning, towards = rng.normal(size=(500, DIM)) / DIM**0.5, unit(rng.normal(size=(2, DIM)))
    pictures = unit(0.7 * towards[0] + 0.7 * unit(meaning + rng.normal(size=(500, DIM)) / DIM**0.5))
    return Pairs(pictures, unit(0.8 * towards[1] + 0.6 * unit(meaning)), "made pairs")


def videos(known: Pairs, count: int, samples: int, seed: int = 1) -> Iterator[tuple[Floats, np.ndarray]]:
    """Yield the vectors of each video, float32 (samples, 512), and the shot of each sample, counted over all videos."""
    rng, mean = np.random.default_rng(seed), known.pictures.mean(0)
    values, directions = np.linalg.eigh(np.cov((known.pictures - mean).T))
    spread = (directions * np.sqrt(np.maximum(values, 0))).astype(np.float32)
    words = np.linalg.svd(known.captions - known.captions.mean(0), full_matrices=False)[2][:64].astype(np.float32)
    planted = iter(rng.permutation(len(known.pictures)).tolist())
    every = max(1, count * samples // 16 // (len(known.pictures) + 1))  # one planted picture in so many shots
    shots = 0
    for _ in range(count):
        lengths = rng.integers(*SHOT_SAMPLES, size=samples // SHOT_SAMPLES[0] + 1)
        lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), samples)) + 1]
        bases = unit(mean + rng.standard_normal((len(lengths), DIM), np.float32) @ spread.T)
        for k in range(len(lengths)):
            if (shots + k) % every == 0 and (row := next(planted, None)) is not None:
                bases[k] = known.pictures[row]
        of = np.repeat(np.arange(len(lengths)), lengths)[:samples]
        yield unit(bases[of] + _movement(rng, lengths, spread, words)[:samples]), shots + of
        shots += len(lengths)


def _movement(rng: np.random.Generator, lengths: np.ndarray, spread: Floats, words: Floats) -> Floats:
    """Return what each sample is moved by, like the "moving" films of shared/realclip/judge.py."""
    n, first = int(lengths.sum()), np.cumsum(lengths) - lengths
    noise = rng.standard_normal((n, DIM), np.float32) @ spread.T
    for place in range(1, int(lengths.max())):
        rows = first[lengths > place] + place
        noise[rows] = 0.6 * noise[rows - 1] + 0.8 * noise[rows]
    extra = rng.standard_normal((n, DIM), np.float32) / np.float32(DIM**0.5)
    extra -= (extra @ words.T) @ words  # in directions that captions do not name
    unrest = np.repeat(np.exp(rng.normal(0, 0.45, len(lengths))), lengths).astype(np.float32)[:, None]
    return np.asarray(unrest * (0.32 * noise + 0.2 * extra), np.float32)
