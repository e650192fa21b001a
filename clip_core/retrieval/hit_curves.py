"""The query's curve around a hit, and the sampled frames of its span: what a card of the page Search shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clip_core.analysis.score_prompts import text_vectors
from clip_core.encoders.base import Encoder
from clip_core.retrieval.query import SearchQuery
from clip_core.retrieval.results import Hit
from clip_core.retrieval.target import Target
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, FrameEmbeddings, Ints, Times

MOST_FRAMES = 12
"""So many frames of a span are named, evenly spread."""
LEAST_AROUND_S = 4.0
MOST_SAMPLES = 400
"""Of a longer stretch, evenly spread samples are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class HitCurve:
    """The curve of a query around a hit.

    Attributes:
        times_s: float64 (n,), at most ``MOST_SAMPLES`` samples in the span and as much before and after it, at least
            ``LEAST_AROUND_S``.
        values: float32 (n,), their scores in the unit of the search.
        frames_pts: int64 (m,), at most ``MOST_FRAMES`` sampled frames of the span, in order.
    """

    times_s: Times
    values: Floats
    frames_pts: Ints


def hit_curves(hits: Sequence[Hit], target: Target, encoder: Encoder, store: EmbeddingStore) -> list[HitCurve]:
    """Return the curves of hits, in their order; empty ones of videos that are not stored any more.

    Args:
        hits: All frames of their videos are read at once, so give those of a few videos.
        target: What they were found with.
        encoder: The model that was searched with.
        store: Holds the videos.
    """
    videos = store.frames_of_videos(encoder.fingerprint, {hit.video_id for hit in hits})
    return [_curve(hit, videos.get(hit.video_id), target) for hit in hits]


def _curve(hit: Hit, frames: FrameEmbeddings | None, target: Target) -> HitCurve:
    if frames is None or not len(frames):
        return HitCurve(np.empty(0), np.empty(0, np.float32), np.empty(0, np.int64))
    times_s = frames.times_s
    around_s = max(LEAST_AROUND_S, hit.end_s - hit.start_s)
    shown = _spread(times_s, hit.start_s - around_s, hit.end_s + around_s, MOST_SAMPLES)
    inside = _spread(times_s, hit.start_s, hit.end_s, MOST_FRAMES)
    return HitCurve(times_s[shown], target.scores(frames.vectors[shown]), frames.pts[inside])


def _spread(times_s: Times, start_s: float, end_s: float, most: int) -> Ints:
    """Return the indices of at most ``most`` samples in [start_s, end_s), evenly spread, with both ends."""
    first, stop = np.searchsorted(times_s, [start_s, end_s]).tolist()
    return np.unique(np.linspace(first, stop - 1, min(stop - first, most)).round().astype(np.int64))


def best_text(hit: Hit, query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> str:
    """Return which of ``query.judged_as`` fits the hit's best frame best; "" if there is none.

    Raises:
        EncoderError: The model failed.
    """
    texts = query.judged_as
    if len(texts) < 2:
        return texts[0] if texts else ""
    frames, _ = store.read(hit.video_id, encoder.fingerprint)
    peak = frames.vectors[frames.pts == hit.peak_pts][:1]
    vectors = text_vectors(texts, encoder, store)
    return max(texts, key=lambda text: float((peak @ vectors[text]).sum()))
