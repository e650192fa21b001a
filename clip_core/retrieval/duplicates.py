"""Near-duplicates: videos, or parts of them, that show the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clip_core.retrieval.every_stretch import every_stretch
from clip_core.retrieval.results import Elsewhere
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import Stretches
from clip_core.types import Floats, Ints

LEAST_COSINE = 0.97
"""Of two stretches that show the same pictures, or equally plain ones: copies of a file in another size or quality are
above it. Real CLIP vectors a second apart in one take have a median of 0.95, and 1 of 100 steps between takes is above
0.86. Of 500 real pictures no two are above 0.963; plain skies of different takes reach 0.999, so no higher value tells
them from copies."""
MOST_MATCHES = 20
"""When a stretch has so many matches, no further ones are looked for: black pictures occur in every video."""
_STEPS = ((1, 1), (1, 0), (0, 1), (2, 2), (2, 1), (1, 2))
"""How a run goes on, in stretches of either video: one may be split in two, or a short one may match nothing."""
DIRECTIONS, BLOCK = 24, 2048


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two spans that show the same pictures in the same order.

    Attributes:
        first, second: Where; of one video, the earlier one is first.
        cosine: The mean cosine similarity of their stretches.
        share: Which share of the shorter video the spans are, in [0, 1]: near 1, one video is contained in the other.
    """

    first: Elsewhere
    second: Elsewhere
    cosine: float
    share: float


def find_duplicates(
    store: EmbeddingStore, fingerprint: str, *, least: float = LEAST_COSINE, limit: int = 200
) -> list[Duplicate]:
    """Return spans of the stored videos that show the same pictures, the longest first.

    Within one video, only what comes again after something else counts. The stretches must have been built.

    Args:
        store: Holds the videos.
        fingerprint: The model.
        least: The least cosine similarity of two stretches.
        limit: At most so many.
    """
    known = every_stretch(store, fingerprint)
    if known is None:
        return []
    ids, names, every, edges, of = known.ids, known.names, known.stretches, known.edges, known.of
    duplicates = []
    for run in matching_runs(known.vectors, of, least):
        first, second = (
            _span(ids[of[rows[0]]], names, every[of[rows[0]]], rows - edges[of[rows[0]]]) for rows in run[:2]
        )
        shorter = min(float(every[of[rows[0]]].end_s[-1]) for rows in run[:2])
        length = min(span.end_s - span.start_s for span in (first, second))
        duplicates.append(Duplicate(first, second, run[2], min(1.0, length / max(shorter, 1e-9))))
    duplicates.sort(key=lambda one: (one.first.start_s - one.first.end_s, one.first.video_id, one.first.start_s))
    return duplicates[:limit]


def _span(video_id: str, names: Mapping[str, str], stretches: Stretches, rows: Ints) -> Elsewhere:
    start_s, end_s = float(stretches.start_s[rows.min()]), float(stretches.end_s[rows.max()])
    return Elsewhere(video_id, names[video_id], start_s, end_s)


def matching_runs(vectors: Floats, of: Ints, least: float) -> Iterator[tuple[Ints, Ints, float]]:
    """Yield runs of stretches that match in order: their rows, those of the others, and their mean cosine.

    Args:
        vectors: float32 (n, dim), unit length, of the stretches of all videos, each in time order.
        of: int64 (n,), the number of each one's video, rising.
        least: The least cosine similarity.
    """
    first, second, cosines = _matches(vectors, of, least)
    known = {pair: place for place, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True))}
    run = np.arange(len(known))
    for (i, j), place in known.items():  # in rising order, so that what comes before has its run already
        for back, other_back in _STEPS:
            other = known.get((i - back, j - other_back))
            if other is not None and of[i - back] == of[i] and of[j - other_back] == of[j]:
                run[place] = run[other]
                break
    order = np.argsort(run, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(run[order])) + 1).tolist(), len(order)]
    for start, stop in pairwise(edges):
        own = order[start:stop]
        if len(own):
            yield first[own], second[own], float(cosines[own].mean())


def _matches(vectors: Floats, of: Ints, least: float) -> tuple[Ints, Ints, Floats]:
    """Return pairs of rows, the first lower, whose cosine is at least ``least``, in rising order."""
    pairs, cosines = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    matches = np.zeros(len(vectors), np.int64)
    for near in _close_pairs(vectors, least):
        close = near[matches[near[:, 0]] < MOST_MATCHES]
        values = _cosines(vectors, close)
        close, values = close[values >= least], values[values >= least]
        best = _best_of_each(close[:, 0], values)
        close, values = close[best], values[best]
        kept = np.array([of[i] != of[j] or _comes_again(vectors, i, j, least) for i, j in close.tolist()], bool)
        pairs.append(close[kept])
        cosines.append(values[kept])
        matches += np.bincount(close[kept, 0], minlength=len(vectors))
    found, all_values = np.concatenate(pairs), np.concatenate(cosines)
    order = np.lexsort((found[:, 1], found[:, 0]))
    return found[order, 0], found[order, 1], all_values[order]


def _cosines(vectors: Floats, pairs: Ints) -> Floats:
    """Return the cosines of pairs of rows, float32 (n,)."""
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), BLOCK):
        i, j = pairs[start : start + BLOCK].T
        found[start : start + BLOCK] = np.einsum("nd,nd->n", vectors[i], vectors[j])
    return found


def _best_of_each(rows: Ints, cosines: Floats) -> Ints:
    """Return the places of the highest cosines of each row, at most ``MOST_MATCHES`` of each."""
    order = np.lexsort((np.negative(cosines), rows))
    rank = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])
    return np.asarray(order[rank < MOST_MATCHES], np.int64)


def _comes_again(vectors: Floats, i: int, j: int, least: float) -> bool:
    """Return whether something else is shown between two stretches of one video."""
    return bool(j > i + 1 and (vectors[i + 1 : j] @ vectors[i]).min() < least)


def _close_pairs(vectors: Floats, least: float) -> Iterator[Ints]:
    """Yield pairs of rows, int64 (k, 2), among which are all whose cosine is at least ``least``; the first is lower.

    Two vectors are at least as far apart as their parts in a few directions, so only these are compared: those in
    which the vectors differ most.
    """
    sample = vectors[:: max(1, len(vectors) // 4096)]
    directions = np.linalg.eigh(np.cov(sample.T) if len(sample) > 1 else np.eye(vectors.shape[1]))[1]
    parts = vectors @ directions[:, -DIRECTIONS:].astype(np.float32)
    half = np.einsum("nd,nd->n", parts, parts)[:, None] / 2
    one = np.ones_like(half)
    left, right = np.concatenate([parts, -half, one], axis=1), np.concatenate([parts, one, -half], axis=1)
    furthest = least - 1 - 1e-5  # minus half the squared distance of unit vectors with that cosine
    for start in range(0, len(vectors), BLOCK):
        for other in range(start, len(vectors), BLOCK):
            near = left[start : start + BLOCK] @ right[other : other + BLOCK].T >= furthest
            pairs = np.argwhere(near) + np.array([start, other])
            if len(pairs := pairs[pairs[:, 0] < pairs[:, 1]]):
                yield pairs
