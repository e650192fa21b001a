"""The null bank (neutral texts): what a frame scores with any text, and how high a prompt scores that is not visible.

There are two banks of 300 texts: short names, and captions. A prompt is compared with texts of its own kind, because
cosines of captions spread about twice as wide as those of names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from clip_core.scoring.segments import Segments
from clip_core.types import Floats, Ints, Reals

BankKind: TypeAlias = Literal["names", "captions"]
LONGEST_NAME_WORDS = 3
SHARPNESS = 0.6
"""As a share of the model's logit scale, so 60 for CLIP; on real CLIP vectors 40 to 100 find prompts equally well."""
ROUNDING = 1e-5
"""Corrected scores closer than this are equal, so that nothing beats the bank if a model scores all texts alike."""
BLOCK_SAMPLES = 2048
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)", re.IGNORECASE)


def bank_texts(kind: BankKind) -> tuple[str, ...]:
    """Return the 300 texts of a bank that ships with the package, in file order."""
    text = Path(__file__).with_name(f"null_{kind}.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def kind_of(prompt: str) -> BankKind:
    """Return the bank that a prompt is compared with: "names" for at most three words without a leading article."""
    return "names" if len(_bare(prompt).split()) <= LONGEST_NAME_WORDS else "captions"


def _bare(text: str) -> str:
    """Normalise a text so that equal meanings compare equal: no leading article, no capitals, single spaces."""
    return " ".join(_ARTICLE.sub("", text.strip(), count=1).casefold().split())


@dataclass(frozen=True, eq=False)
class BankLevels:
    """The scores of a bank of m texts on n frames.

    The level is their log-mean-exp, (1/β) ln mean_b exp(β s_b), between the mean and the maximum (query-bank
    normalisation, Bogolin et al. 2022).

    Attributes:
        sharpness: β.
        count: m, at least 2.
        level: float64 (n,), over all texts.
        top: int64 (n,), index of the text that scores highest.
        level_without_top: float64 (n,), over the other texts.
    """

    sharpness: float
    count: int
    level: Reals
    top: Ints
    level_without_top: Reals

    def without(self, text: int, cosines: Floats) -> Reals:
        """Return the level over all texts but one, float64 (n,); ``cosines``, float32 (n,), are that one's."""
        share = np.exp(self.sharpness * (cosines.astype(np.float64) - self.level)) / self.count
        others = np.maximum(1 - share, 1e-12) * self.count / (self.count - 1)
        return np.where(self.top == text, self.level_without_top, self.level + np.log(others) / self.sharpness)

    def take(self, rows: Ints) -> BankLevels:
        """Return the levels of these frames, in this order."""
        return replace(self, level=self.level[rows], top=self.top[rows], level_without_top=self.level_without_top[rows])


def bank_levels(cosines: Floats, sharpness: float) -> BankLevels:
    """Compute the levels from cosines, float32 (n, m), m ≥ 2."""
    n, m = cosines.shape
    top = cosines.argmax(axis=1) if n else np.empty(0, np.int64)
    highest = cosines[np.arange(n), top].astype(np.float64)
    terms = np.exp(np.float32(sharpness) * (cosines - highest[:, None].astype(np.float32)))
    terms[np.arange(n), top] = 0
    others = terms.sum(axis=1, dtype=np.float64)
    level = highest + np.log((others + 1) / m) / sharpness
    without = highest + np.log(np.maximum(others, 1e-300) / (m - 1)) / sharpness
    return BankLevels(sharpness, m, level, top, without)


class NullBank:
    """A bank's levels on the frames of one video; each frame is scored once.

    Holds at most 2,048 x m cosines in memory. Not thread-safe.

    Args:
        texts: m ≥ 2 texts.
        vectors: float32 (m, dim), unit length: their vectors under the model.
        logit_scale: The model's.

    Attributes:
        computed_cells: How many (frame, text) cells have been computed so far.
    """

    def __init__(self, texts: Sequence[str], vectors: Floats, logit_scale: float) -> None:
        if vectors.ndim != 2 or len(vectors) != len(texts) or len(texts) < 2:
            raise ValueError(f"vectors must be (m, dim) for m ≥ 2 texts, not {vectors.shape} for {len(texts)}")
        self.texts, self.vectors, self.sharpness = tuple(texts), vectors, SHARPNESS * logit_scale
        self._places = {_bare(text): place for place, text in enumerate(texts)}
        self.computed_cells = 0
        self.forget()

    def forget(self) -> None:
        """Forget all frames."""
        self._levels = bank_levels(np.empty((0, len(self.texts)), np.float32), self.sharpness)

    def __len__(self) -> int:
        return len(self._levels.level)

    def place_of(self, prompt: str) -> int | None:
        """Return the index of the text that equals the prompt (ignoring article and capitals), or None."""
        return self._places.get(_bare(prompt))

    def extend(self, vectors: Floats) -> None:
        """Add frames: float32 (k, dim), unit length."""
        blocks = (vectors[start : start + BLOCK_SAMPLES] for start in range(0, len(vectors), BLOCK_SAMPLES))
        parts = [self._levels, *(bank_levels(block @ self.vectors.T, self.sharpness) for block in blocks)]
        self.computed_cells += len(vectors) * len(self.texts)
        names = ("level", "top", "level_without_top")
        joined = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        self._levels = BankLevels(self.sharpness, len(self.texts), *joined)

    def levels(self, order: Ints) -> BankLevels:
        """Return the levels of all added frames; ``order`` lists their rows."""
        return self._levels.take(order)


@dataclass(frozen=True, eq=False)
class PromptBank:
    """How the other texts of its bank score beside one prompt.

    Attributes:
        level: float32 (n,), their level on each sample, see ``BankLevels``.
        segment_level: float32 (k,), the same on each segment's mean vector.
        peaks: float32 (m,), increasing: the corrected score of each text in its best segment.
        means: float32 (m,), increasing: the same over the whole video.
    """

    level: Floats
    segment_level: Floats
    peaks: Floats
    means: Floats

    def beaten_by(self, peak: float) -> float:
        """Return the share of texts whose best segment scores lower, in [0, 1]: the confidence of a verdict."""
        return float(np.searchsorted(self.peaks, np.float32(peak - ROUNDING), side="left")) / len(self.peaks)

    def ceiling(self, confidence: float) -> float:
        """Return the level above which a segment beats more than this share of the texts; for 1, all of them."""
        return float(self.peaks[min(len(self.peaks) - 1, int(confidence * len(self.peaks)))]) + ROUNDING


def beats_text(share: float, texts: int, *, stands_out: bool) -> str:
    """Return such as "beats 97 % of 300 neutral texts: about 3 in 100 absent ones come as high", for a sentence.

    The share is rounded down, so that less than all texts never shows as 100 %.
    """
    beats = f"{int(100 * share)} % of {texts} neutral texts"
    others = max(1, round(100 * (1 - share)))
    return f"beats {beats}: about {others} in 100 absent ones come as high" if stands_out else f"beats only {beats}"


def scores_of_bank(cosines: Floats, levels: BankLevels) -> Floats:
    """Return the corrected score of each text of a bank against the others, float32 (m, n).

    Args:
        cosines: float32 (n, m).
        levels: Of the same cosines.
    """
    shares = np.exp(levels.sharpness * (cosines.astype(np.float64) - levels.level[:, None])) / levels.count
    others = np.maximum(1 - shares, 1e-12) * levels.count / (levels.count - 1)
    without = levels.level[:, None] + np.log(others) / levels.sharpness
    rows = np.arange(len(cosines))
    without[rows, levels.top] = levels.level_without_top  # more exact where one text is nearly the whole level
    return np.ascontiguousarray((cosines - without).T, np.float32)


NO_SAMPLES = PromptBank(*(np.empty(0, np.float32) for _ in range(4)))
"""For a video without samples."""


def bank_of_peaks(peaks: Floats) -> PromptBank:
    """Return a bank of which only is known what each text reaches, float32 (m,) in any order."""
    return replace(NO_SAMPLES, peaks=np.sort(peaks))


def prompt_banks(
    prompts: Sequence[str], bank: NullBank, vectors: Floats, order: Ints, segments: Segments
) -> dict[str, PromptBank]:
    """Compare prompts with all texts of one bank, except a text that equals the prompt.

    Each text of the bank is compared with the others in the same way, so that the comparison is fair.

    Args:
        bank: May hold the first rows of ``vectors`` already; the rest are added here.
        vectors: float32 (n, dim), in row order.
        order: int64 (n,), the rows sorted by time.
    """
    bank.extend(vectors[len(bank) :])
    levels, cosines = bank.levels(order), segments.means @ bank.vectors.T
    on_segments = bank_levels(cosines, bank.sharpness)
    own = scores_of_bank(cosines, on_segments)
    peaks = own.max(axis=1, initial=-np.inf)
    means = own @ (segments.lengths_s / max(float(segments.lengths_s.sum()), 1e-9)).astype(np.float32)
    shared = _prompt_bank(levels.level, on_segments.level, peaks, means)
    found = {}
    for prompt in prompts:
        text = bank.place_of(prompt)
        if text is None:
            found[prompt] = shared
        else:
            level = levels.without(text, (vectors @ bank.vectors[text])[order])
            rest = np.delete(peaks, text), np.delete(means, text)
            found[prompt] = _prompt_bank(level, on_segments.without(text, cosines[:, text]), *rest)
    return found


def _prompt_bank(level: Reals, segment_level: Reals, peaks: Floats, means: Floats) -> PromptBank:
    return PromptBank(level.astype(np.float32), segment_level.astype(np.float32), np.sort(peaks), np.sort(means))
