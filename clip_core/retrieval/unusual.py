"""Unusual shots: those that are unlike everything in the other videos."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from clip_core.retrieval.every_stretch import every_stretch
from clip_core.retrieval.results import Elsewhere
from clip_core.store.store import EmbeddingStore
from clip_core.types import Floats, Ints

SAMPLED, CHECKED, BLOCK = 4096, 512, 2048
MOST_OF_VIDEO = 3
FEWEST_SAMPLES = 2
"""A stretch of one sample is mostly a passing blur."""


@dataclass(frozen=True, slots=True)
class UnusualShot:
    """A span that is unlike the others.

    Attributes:
        place: Where it is.
        picture_pts: The frame to show.
        likeness: The cosine similarity of the most similar stretch in another video (in the same one, if there is no
            other).
    """

    place: Elsewhere
    picture_pts: int
    likeness: float


def find_unusual(store: EmbeddingStore, fingerprint: str, *, limit: int = 50) -> list[UnusualShot]:
    """Return the shots that are least like anything else, the least alike first, at most three of one video.

    The stretches must have been built. In a large library those unlike a sample of it are compared with all.
    """
    known = every_stretch(store, fingerprint)
    if known is None:
        return []
    ids, names, every, edges, of = known.ids, known.names, known.stretches, known.edges, known.of
    shots, taken = list[UnusualShot](), Counter[int]()
    for row, likeness in unlike_others(known.vectors, of):
        video, k = int(of[row]), row - int(edges[of[row]])
        if every[video].counts[k] < FEWEST_SAMPLES:
            continue
        taken[video] += 1
        if taken[video] <= MOST_OF_VIDEO and len(shots) < limit:
            span = float(every[video].start_s[k]), float(every[video].end_s[k])
            place = Elsewhere(ids[video], names[ids[video]], *span)
            shots.append(UnusualShot(place, int(every[video].picture_pts[k]), likeness))
    return shots


def unlike_others(vectors: Floats, of: Ints) -> list[tuple[int, float]]:
    """Return the rows that are least like any of another video, with their highest cosine to one, rising.

    Args:
        vectors: float32 (n, dim), unit length.
        of: int64 (n,), the number of each one's video; if all are of one, a row is compared with all but itself.
    """
    groups = of if len(of) and of[0] != of[-1] else np.arange(len(of))
    sample = np.unique(np.linspace(0, len(vectors) - 1, min(SAMPLED, len(vectors))).astype(np.int64))
    likeness = _highest(vectors, groups, np.arange(len(vectors)), sample)
    rows = np.argsort(likeness, kind="stable")[:CHECKED]
    exact = _highest(vectors, groups, rows, np.arange(len(vectors)))
    order = np.argsort(exact, kind="stable")
    return [(int(rows[k]), float(exact[k])) for k in order if exact[k] >= -1]


def _highest(vectors: Floats, groups: Ints, rows: Ints, others: Ints) -> Floats:
    """Return the highest cosine of each row to those of other groups, float32 (len(rows),); -2 without any."""
    best = np.full(len(rows), -2, np.float32)
    for start in range(0, len(rows), BLOCK):
        for other in range(0, len(others), BLOCK):
            own, with_ = rows[start : start + BLOCK], others[other : other + BLOCK]
            cosines = vectors[own] @ vectors[with_].T
            cosines[groups[own][:, None] == groups[with_]] = -2
            block = slice(start, start + BLOCK)
            best[block] = np.maximum(best[block], cosines.max(axis=1))
    return best
