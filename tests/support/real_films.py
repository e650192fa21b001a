"""Films of real pictures' vectors with their captions as prompts: the pictures are real, their movement is simulated.

Stills are moved by AR(1) noise of the pictures' own covariance, so that neighbours inside a shot are 0.01 to 0.03
apart. Moving shots are as unsteady as handheld takes, each with its own unrest and most of it in directions that
captions do not name, and follow one another by likeness, as the shots of one scene do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_core.types import Floats, Times

FIXTURE = Path(__file__).parents[1] / "fixtures" / "realclip" / "coco_pairs_clip_vitb16.npz"
BANK, DIM, CAPTION_DIRECTIONS = 300, 512, 64
KEEP, AMOUNT, EXTRA = 0.6, 0.32, 0.2


@dataclass(frozen=True, eq=False)
class RealFilm:
    """A film at one sample a second.

    Attributes:
        vectors: float32 (n, 512), unit length.
        truth: Row of a caption → [first, stop) in seconds, when its picture is shown.
        absent: Rows of captions whose picture is not shown.
        bank: 300 other rows of captions.
        boundaries_s: float64 (k,), in the middle between two samples.
    """

    vectors: Floats
    truth: dict[int, tuple[float, float]]
    absent: list[int]
    bank: list[int]
    boundaries_s: Times


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


class Pairs:
    """The pictures and captions of the fixture, float32 (500, 512), and how pictures differ."""

    def __init__(self) -> None:
        with np.load(FIXTURE) as file:
            self.images, self.captions = (unit(file[name].astype(np.float32)) for name in ("images", "captions"))
        values, vectors = np.linalg.eigh(np.cov((self.images - self.images.mean(axis=0)).T))
        self._spread = vectors * np.sqrt(np.maximum(values, 0))
        self._words = np.linalg.svd(self.captions - self.captions.mean(axis=0), full_matrices=False)[2]
        self._words = self._words[:CAPTION_DIRECTIONS]

    def film(self, lengths_s: list[int], seed: int, *, moving: bool = False) -> RealFilm:
        """Cut shots of so many seconds."""
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(self.images))
        shown, absent, bank = rows[: len(lengths_s)], rows[len(lengths_s) : -BANK], rows[-BANK:]
        if moving:
            shown = self._by_likeness(shown)
        shots = [self._shot(rng, self.images[row], n, moving) for row, n in zip(shown, lengths_s, strict=True)]
        edges = np.concatenate([[0.0], np.cumsum(lengths_s)])
        return RealFilm(
            unit(np.concatenate(shots)).astype(np.float32),
            {int(row): (float(edges[k]), float(edges[k + 1])) for k, row in enumerate(shown)},
            absent.tolist(),
            bank.tolist(),
            edges[1:-1] - 0.5,
        )

    def _shot(self, rng: np.random.Generator, picture: np.ndarray, n: int, moving: bool) -> np.ndarray:
        unrest = float(np.exp(rng.normal(0, 0.45))) if moving else 1.0
        noise = rng.normal(size=(n, DIM))
        for k in range(1, n):
            noise[k] = KEEP * noise[k - 1] + np.sqrt(1 - KEEP**2) * noise[k]
        samples = picture + AMOUNT * unrest * (noise @ self._spread.T)
        if moving:
            extra = rng.normal(size=(n, DIM)) / np.sqrt(DIM)
            samples += EXTRA * unrest * (extra - extra @ self._words.T @ self._words)
        return np.asarray(samples)

    def _by_likeness(self, rows: np.ndarray) -> np.ndarray:
        left, chain = rows[1:].tolist(), [int(rows[0])]
        while left:
            nearest = max(left, key=lambda row: float(self.images[row] @ self.images[chain[-1]]))
            left.remove(nearest)
            chain.append(nearest)
        return np.array(chain)
