"""What a query becomes under a model: vectors, and the score of a frame, a stretch or a segment for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clip_core.analysis.score_prompts import text_vectors
from clip_core.encoders.base import Encoder
from clip_core.errors import NotIndexedError
from clip_core.indexing.embed_frames import checked
from clip_core.prompts import Prompt
from clip_core.retrieval.query import Like, SearchQuery
from clip_core.scoring.null_bank import SHARPNESS, BankKind, NullBank, bank_levels, bank_texts, kind_of
from clip_core.scoring.stretches import bank_peaks
from clip_core.scoring.templates import ensemble, filled
from clip_core.scoring.units import log_odds
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import StretchSummary
from clip_core.types import Floats, FrameEmbeddings, Unit

BLOCK_ROWS = 2048
TEXT_SHARE = 2.0
"""How many times as wide a picture's cosines spread as a text's (0.081 and 0.043 on COCO): where both are looked for
together, texts count so much more, or they would change nothing."""


@dataclass(frozen=True, eq=False)
class Target:
    """A query under a model.

    The score of a vector is its cosine with the query, less the level of the null bank as far as the query consists of
    texts: for texts alone it is the corrected score, as in detection. If a negative text fits better than the neutral
    ones, the score falls by the difference.

    Attributes:
        vector: float32 (dim,), unit length: the weighted mean of all that is looked for.
        unit: "corrected" for a query of texts alone, else "cosine".
        kind: The null bank that the query is compared with.
        own: The index of the text of the bank that is the query itself, if any.
        text_share: How much of the level is taken off: 1 for texts alone, 0 without texts.
    """

    vector: Floats
    unit: Unit
    kind: BankKind
    own: int | None
    text_share: float
    _bank: Floats | None
    _sharpness: float
    _negatives: Floats
    _odds: Floats

    @property
    def has_negatives(self) -> bool:
        """Whether there are negative texts."""
        return len(self._negatives) > 0

    @property
    def level_factors(self) -> Floats | None:
        """How much of the levels of names and captions ``nearest_stretches`` takes off: float32 (1, 2), or None."""
        if self.text_share == 0:
            return None
        return np.array([[self.kind == "names", self.kind == "captions"]], np.float32) * np.float32(self.text_share)

    def cosines(self, vectors: Floats) -> Floats:
        """Return the cosines of float32 (n, dim) with the query, float32 (n,)."""
        return np.asarray((vectors @ self.vector).clip(-1, 1), np.float32)

    def scores(self, vectors: Floats) -> Floats:
        """Return the scores of vectors: float32 (n, dim) → float32 (n,). Means of vectors need not have unit length."""
        blocks = [self._scores(vectors[i : i + BLOCK_ROWS]) for i in range(0, len(vectors), BLOCK_ROWS)]
        return np.concatenate([np.empty(0, np.float32), *blocks])

    def _scores(self, vectors: Floats) -> Floats:
        scores = (vectors @ self.vector).astype(np.float64)
        if self._bank is None:
            return scores.astype(np.float32)
        cosines = vectors @ self._bank.T
        levels = bank_levels(cosines, self._sharpness)
        level = levels.level if self.own is None else levels.without(self.own, cosines[:, self.own])
        if self.has_negatives:
            rivals = (vectors @ self._negatives.T + self._odds).max(axis=1)
            factor = 1.0 if self.unit == "corrected" else TEXT_SHARE
            scores -= factor * np.maximum(rivals - level, 0)
        return np.asarray(scores - self.text_share * level, np.float32)

    def bank_peaks(self, vectors: Floats) -> Floats | None:
        """Return what the neutral texts reach on float32 (n, dim), as ``peaks`` does for a video's stretches."""
        if self.unit != "corrected" or self._bank is None:
            return None
        peaks = bank_peaks(vectors, np.zeros(1, np.int64), self._bank, self._sharpness / SHARPNESS)[0]
        return peaks if self.own is None else np.delete(peaks, self.own)

    def peaks(self, summary: StretchSummary) -> Floats | None:
        """Return what the neutral texts reach in a video, in a fixed order: float32 (m,), or None if not compared."""
        peaks = summary.names if self.kind == "names" else summary.captions
        if self.unit != "corrected" or peaks is None:
            return None
        return peaks if self.own is None else np.delete(peaks, self.own)


def target_of(query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> Target:
    """Embed a checked query; vectors of texts come from the store if it has them, and are stored.

    Raises:
        NotIndexedError: The video of ``like`` is not stored, or not indexed with this model.
        EncoderError: The model failed.
    """
    positives = [text for text in query.texts if not text.negative]
    negatives = [text for text in query.texts if text.negative]
    by_texts = not query.pictures and query.like is None
    kinds = [kind_of(text.text) for text in (positives or negatives)]
    kind: BankKind = "captions" if "captions" in kinds else "names"
    bank = _bank(kind, encoder, store) if query.texts else None
    vectors = _vectors(query.texts, encoder, store)
    share = 1.0 if by_texts else TEXT_SHARE
    parts = [share * text.weight * vectors[text.text] for text in positives]
    of_texts = share * sum(text.weight for text in positives)
    parts += _pictures(query, encoder)
    parts += [] if query.like is None else [mean_of(frames_like(query.like, encoder, store).vectors)]
    unit: Unit = "corrected" if by_texts else "cosine"
    odds = log_odds([text.text for text in negatives], {t.text: t.weight for t in negatives}, encoder.logit_scale)
    return Target(
        vector=mean_of(np.stack(parts)),
        unit=unit,
        kind=kind,
        text_share=1.0 if by_texts else min(1.0, of_texts / max(float(np.linalg.norm(np.sum(parts, axis=0))), 1e-9)),
        own=bank.place_of(positives[0].text) if bank is not None and by_texts and len(positives) == 1 else None,
        _bank=None if bank is None else bank.vectors,
        _sharpness=SHARPNESS * encoder.logit_scale,
        _negatives=np.array([vectors[text.text] for text in negatives], np.float32).reshape(-1, encoder.dim),
        _odds=odds,
    )


def mean_of(vectors: Floats) -> Floats:
    """Return the mean of float32 (n, dim), n ≥ 1, as float32 (dim,) of unit length; the first if they cancel out."""
    mean = vectors.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-9 else vectors[0], np.float32)


def frames_like(like: Like, encoder: Encoder, store: EmbeddingStore) -> FrameEmbeddings:
    """Return the stored frames of a place: those of its span, or the nearest one.

    Raises:
        NotIndexedError: The video is not stored, or not indexed with this model.
    """
    if store.video(like.video_id) is None:
        raise NotIndexedError(f"No video with the id {like.video_id[:12]} is stored.", "Index it, or name another one.")
    frames, _ = store.read(like.video_id, encoder.fingerprint)
    if len(frames) == 0:
        raise NotIndexedError("No frame of this video is stored with this model.", "Index it first.")
    rows = np.flatnonzero((frames.times_s >= like.start_s) & (frames.times_s < like.end_s))
    if len(rows) == 0:
        rows = np.array([np.abs(frames.times_s - (like.start_s + like.end_s) / 2).argmin()])
    return FrameEmbeddings(frames.pts[rows], frames.times_s[rows], frames.vectors[rows])


def _bank(kind: BankKind, encoder: Encoder, store: EmbeddingStore) -> NullBank:
    texts = bank_texts(kind)
    vectors = text_vectors(texts, encoder, store)
    return NullBank(texts, np.stack([vectors[text] for text in texts]), encoder.logit_scale)


def _vectors(texts: tuple[Prompt, ...], encoder: Encoder, store: EmbeddingStore) -> dict[str, Floats]:
    """Return text → float32 (dim,), its ensemble over the templates that settings have by default."""
    wordings = {text.text: filled(text.text, Settings().templates) for text in texts}
    known = text_vectors(sorted({wording for own in wordings.values() for wording in own}), encoder, store)
    return {text: ensemble(np.stack([known[wording] for wording in own])) for text, own in wordings.items()}


def _pictures(query: SearchQuery, encoder: Encoder) -> list[Floats]:
    if not query.pictures:
        return []
    found = encoder.embed_images([picture.rgb for picture, _ in query.pictures])
    vectors = checked(found, len(query.pictures), encoder)
    return [weight * vector for (_, weight), vector in zip(query.pictures, vectors, strict=True)]
