"""Neutral captions as a yardstick: whether a prompt is there, where z only says when.

A prompt that is in no frame scores like a caption about nothing in particular. So its cosine is held
against those of some 300 such captions, at each sample (``beats``) and over the whole video
(``false_alarm_rates``). Both are on raw cosines of the same model.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.curves import Curves
from clip_core.values import Floats, Scores

LEVELS = (50, 75, 90, 95, 98, 99, 100)
"""The shares of the bank, in %, that a prompt can be asked to beat: what is kept of each sample."""
BLOCK_SAMPLES = 2048


def null_captions() -> tuple[str, ...]:
    """The captions that ship, in the order of the file."""
    text = Path(__file__).with_name("null_captions.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


class NullBank:
    """What the bank scores on the frames of one video, without keeping every cosine.

    Frames are taken in as they come, in blocks: memory holds 2,048 × m cosines at most, and for each
    sample its levels. Not for several threads at once.

    Args:
        captions: float32 (m, dim), unit length: the captions' vectors under the model, m ≥ 1.

    Attributes:
        peaks: float32 (m,), the highest cosine of each caption so far; -1 before the first frame.
        captions: As given.
        computed_cells: How many (frame, caption) cells were ever computed.
    """

    def __init__(self, captions: Floats) -> None:
        if captions.ndim != 2 or len(captions) == 0:
            raise ValueError(f"captions must be (m, dim) with m ≥ 1, not {captions.shape}")
        self.captions = captions
        self._across = np.ascontiguousarray(captions.T)
        m = len(captions)
        self._ranks = [math.ceil(level * m / 100) - 1 for level in LEVELS]
        self.computed_cells = 0
        self._generation = 0
        self._forget()

    def _forget(self) -> None:
        self.peaks: Floats = np.full(self._across.shape[1], -1.0, np.float32)
        self._levels: Floats = np.empty((0, len(LEVELS)), np.float32)

    def __len__(self) -> int:
        return len(self._levels)

    def follow(self, curves: Curves) -> Floats:
        """Take in the frames of ``curves`` that are new, and return the levels of all, sorted by time.

        Args:
            curves: Always the same object; if its frames were dropped, the bank begins anew.

        Returns:
            float32 (n, 7): row by row the samples of ``curves.scores``, column by column ``LEVELS``.
        """
        if curves.generation != self._generation:
            self._generation = curves.generation
            self._forget()
        self.extend(curves.vectors(len(self)))
        return self._levels[curves.order]

    def extend(self, vectors: Floats) -> None:
        """Take in frames: float32 (k, dim), unit length."""
        new = np.empty((len(vectors), len(LEVELS)), np.float32)
        room = np.empty((min(BLOCK_SAMPLES, len(vectors)), self._across.shape[1]), np.float32)
        for start in range(0, len(vectors), BLOCK_SAMPLES):
            block = vectors[start : start + BLOCK_SAMPLES]
            cosines = np.matmul(block, self._across, out=room[: len(block)])
            np.maximum(self.peaks, cosines.max(axis=0), out=self.peaks)
            cosines.sort(axis=1)  # measured: 8 times as fast as np.partition with seven ranks
            new[start : start + len(block)] = cosines[:, self._ranks]
        self.computed_cells += len(vectors) * self._across.shape[1]
        self._levels = np.concatenate([self._levels, new])

    def rate_on(self, vector: Floats, cosine: float) -> float:
        """Share of the bank, in [0, 1], that scores at least ``cosine`` on one frame, float32 (dim,)."""
        return float(np.mean(vector @ self._across >= np.float32(cosine)))


def beats(values: Floats, levels: Floats, percent: int) -> NDArray[np.bool_]:
    """Where a prompt scores above ``percent`` % of the bank: that many captions lie strictly below it.

    Args:
        values: float32 (n, p), raw cosines sorted by time.
        levels: float32 (n, 7), of the same samples.
        percent: One of ``LEVELS``.

    Returns:
        bool (n, p).

    Raises:
        ValueError: There is no such level.
    """
    if percent not in LEVELS:
        raise ValueError(f"the levels of the bank are {', '.join(map(str, LEVELS))} %, not {percent} %")
    above: NDArray[np.bool_] = values > levels[:, LEVELS.index(percent), None]
    return above


def false_alarm_rates(raw: Scores, peaks: Floats) -> dict[str, float]:
    """Share of the bank whose best sample in the video is at least as high as the prompt's best.

    Each caption had as many samples to reach its best as the prompt had, so that a long video makes
    no prompt look better: were the prompt as neutral as the captions, this is how often it would come
    out as high. A caption that happens to fit the video raises the rate: it errs to the safe side.

    Args:
        raw: Raw cosines.
        peaks: float32 (m,), of ``NullBank`` on the same samples.

    Returns:
        Prompt → share in [0, 1]; 1 without samples.
    """
    if len(raw) == 0:
        return dict.fromkeys(raw.prompts, 1.0)
    best = raw.values.max(axis=0)
    return {prompt: float(np.mean(peaks >= top)) for prompt, top in zip(raw.prompts, best, strict=True)}
