"""The query's curve around a hit, and the sampled frames of its span: what a card of the page Search shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clip_core.analysis.analyse import Analysis
from clip_core.encoders.base import Encoder
from clip_core.retrieval.query import Like, SearchQuery
from clip_core.retrieval.results import Hit
from clip_core.scoring.detection import detect
from clip_core.settings import Settings
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, Ints, Times

MOST_FRAMES = 12
"""So many frames of a span are named, evenly spread."""
LEAST_AROUND_S = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class HitCurve:
    """The curve of a query around a hit.

    Attributes:
        text: The text of the query that fits best at the hit's peak; "" if it has none.
        times_s: float64 (n,), the samples in the span and as much before and after it, at least ``LEAST_AROUND_S``.
        values: float32 (n,), their scores: corrected and smoothed for a text, else cosines.
        frames_pts: int64 (m,), at most ``MOST_FRAMES`` sampled frames of the span, in order.
    """

    text: str
    times_s: Times
    values: Floats
    frames_pts: Ints


def hit_curves(hits: Sequence[Hit], query: SearchQuery, encoder: Encoder, store: EmbeddingStore) -> list[HitCurve]:
    """Return the curves of hits in one video, in their order.

    Args:
        hits: All of the same video.
        query: What they were found with.
        encoder: The model that it was searched with.
        store: Holds the video.

    Raises:
        NotIndexedError: The video was forgotten.
        EncoderError: The model failed.
    """
    frames, _ = store.read(hits[0].video_id, encoder.fingerprint)
    order = np.argsort(frames.times_s, kind="stable")
    times_s, pts = frames.times_s[order], frames.pts[order]
    texts, curves = _curves(hits[0].video_id, query, encoder, store)
    found = []
    for hit in hits:
        around_s = max(LEAST_AROUND_S, hit.end_s - hit.start_s)
        window = slice(*np.searchsorted(times_s, [hit.start_s - around_s, hit.end_s + around_s]).tolist())
        inside = pts[slice(*np.searchsorted(times_s, [hit.start_s, hit.end_s]).tolist())]
        spread = np.unique(np.linspace(0, len(inside) - 1, min(len(inside), MOST_FRAMES)).round().astype(np.int64))
        at = min(int(np.searchsorted(times_s, hit.peak_s)), len(times_s) - 1)
        best = int(np.argmax(curves[at]))
        found.append(HitCurve(texts[best], times_s[window], curves[window, best], inside[spread]))
    return found


def _curves(
    video_id: str, query: SearchQuery, encoder: Encoder, store: EmbeddingStore
) -> tuple[tuple[str, ...], Floats]:
    """Return the texts of the curves and their values over the whole video, float32 (n, len(texts))."""
    analysis = Analysis(video_id, encoder, store)
    if query.positives:
        settings = replace(Settings(), prompts=tuple(text.line for text in query.texts))
        detection = detect(settings, analysis.video_scores(settings))
        return detection.scores.prompts, detection.smoothed
    if query.pictures:
        pictures = {picture.picture_id: picture for picture, _ in query.pictures}
        scores = analysis.video_scores(Settings(), pictures=pictures, ask_bank=False).raw
        return ("",), scores.values.mean(axis=1, keepdims=True)
    frames, _ = store.read(video_id, encoder.fingerprint)
    vectors = frames.vectors[np.argsort(frames.times_s, kind="stable")]
    if query.like is None:
        return ("",), np.zeros((len(vectors), 1), np.float32)
    return ("",), (vectors @ _mean_vector(query.like, encoder, store))[:, None]


def _mean_vector(like: Like, encoder: Encoder, store: EmbeddingStore) -> Floats:
    """Return the unit mean of the frames in a place, or its nearest frame: float32 (dim,)."""
    frames, _ = store.read(like.video_id, encoder.fingerprint)
    inside = (frames.times_s >= like.start_s) & (frames.times_s < like.end_s)
    if not inside.any():
        inside[np.argmin(np.abs(frames.times_s - like.start_s))] = True
    mean = frames.vectors[inside].mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)
