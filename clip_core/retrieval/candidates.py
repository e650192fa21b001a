"""The stretches that fit a query best, those that follow one another with nearly equal pictures taken together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from clip_core.retrieval.target import Target
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import FoundStretches
from clip_core.types import Floats

NEAREST = 200
NEAREST_WITH_NEGATIVES = 1000
"""Negative texts change the order, and the index does not know them."""
GAP_S, AGREE = 2.0, 0.9
"""Stretches of one video less than so many seconds apart, with mean vectors at least so similar, are one place."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A place that may become a hit.

    Attributes:
        first_pts, at_s: The first frame of its best stretch, and the middle of that in seconds.
        start_s, end_s: From its first to its last stretch.
        score: Of its best stretch, as the target scores it.
        vector: float32 (dim,), the mean vector of its best stretch.
    """

    video_id: str
    first_pts: int
    at_s: float
    start_s: float
    end_s: float
    score: float
    vector: Floats


def nearest_candidates(
    target: Target, fingerprint: str, store: EmbeddingStore, videos: Collection[str] | None
) -> tuple[list[Candidate], bool]:
    """Return the places that fit best, the best first, and whether nothing else is stored.

    Args:
        target: The query.
        fingerprint: The model.
        store: Holds the stretches.
        videos: Ids of the videos to look in; None: all.
    """
    limit = NEAREST_WITH_NEGATIVES if target.has_negatives else NEAREST
    found = store.nearest_stretches(fingerprint, target.vector[None], target.level_factors, limit=limit, videos=videos)
    scores = target.scores(found.stretches.vectors)
    joined = [_joined(rows, found, scores) for rows in _places(found)]
    return sorted(joined, key=lambda place: -place.score), len(found) < limit


def _places(found: FoundStretches) -> list[list[int]]:
    """Return the rows of each place, in time order."""
    stretches, places = found.stretches, list[list[int]]()
    for row in np.lexsort((stretches.start_s, np.array(found.video_ids, dtype=np.str_))).tolist():
        last = places[-1][-1] if places else row
        follows = (
            last != row
            and found.video_ids[last] == found.video_ids[row]
            and stretches.start_s[row] - stretches.end_s[last] < GAP_S
            and float(stretches.vectors[last] @ stretches.vectors[row]) > AGREE
        )
        if follows:
            places[-1].append(row)
        else:
            places.append([row])
    return places


def _joined(rows: list[int], found: FoundStretches, scores: Floats) -> Candidate:
    best = max(rows, key=lambda row: float(scores[row]))
    stretches = found.stretches
    return Candidate(
        found.video_ids[best],
        int(stretches.first_pts[best]),
        float(stretches.start_s[best] + stretches.end_s[best]) / 2,
        float(stretches.start_s[rows[0]]),
        float(stretches.end_s[rows[-1]]),
        float(scores[best]),
        stretches.vectors[best],
    )
