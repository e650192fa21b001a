"""Split a video into segments in which the picture stays similar; detected moments are built from segments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.spans import Spans, split_at
from clip_core.types import Floats, Ints, Times

PENALTY_S = 0.8
"""Squared distance x seconds that a change must explain, such as 8 s of a change of 0.05 in cosine.
Measured on real CLIP vectors: 0.6 to 1.0 find moments equally well."""
BLOCK_SAMPLES = 2048
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Segments:
    """Consecutive segments of n samples.

    Attributes:
        starts: int64 (k,), the first sample of each; begins with 0 unless there are no samples.
        lengths_s: float64 (k,), the duration that the samples of each stand for.
        means: float32 (k, dim), the mean vector of each, weighted by time and not normalised, so that its product with
            a text's vector is the mean of the cosines.
        samples_s: float64 (n,), the duration that each sample stands for.
    """

    starts: Ints
    lengths_s: Times
    means: Floats
    samples_s: Times

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def edges(self) -> Ints:
        """Segment i is the samples [edges[i], edges[i + 1]); int64 (k + 1,)."""
        return np.append(self.starts, len(self.samples_s))

    def average(self, values: Floats) -> Floats:
        """Return the mean over each segment, weighted by time: float32 (n, p) → float32 (k, p)."""
        if len(self) == 0:
            return np.empty((0, values.shape[1]), np.float32)
        weighted = values * self.samples_s[:, None].astype(np.float32)
        sums = np.add.reduceat(weighted, self.starts, axis=0)
        return np.asarray(sums / self.lengths_s[:, None], np.float32)

    def spread_out(self, levels: Floats) -> Floats:
        """Return each sample's segment value: (k, p) → (n, p)."""
        return np.repeat(levels, np.diff(self.edges), axis=0)


NO_SEGMENTS = Segments(np.empty(0, np.int64), np.empty(0), np.empty((0, 0), np.float32), np.empty(0))
"""For a video without samples."""


class Segmenter:
    """Finds segments shot by shot, and reuses the result of a shot whose samples have not changed.

    Make a new one after rows of ``vectors`` were dropped. Not thread-safe.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Ints, Floats]] = {}

    def segments(
        self, vectors: Floats, order: Ints, spans: Spans, times_s: Times, shot_boundaries_s: Times
    ) -> Segments:
        """Return the segments; none crosses a shot boundary or a gap.

        Args:
            vectors: float32 (n, dim), unit length; rows of an earlier call are unchanged, with new ones after them.
            order: int64 (n,), the rows sorted by time.
            spans: Of the samples in time order.
            times_s: float64 (n,), their times.
            shot_boundaries_s: float64 (k,), the times of the shot boundaries.
        """
        shot = split_at(spans, times_s, shot_boundaries_s).stretch
        edges = np.append(np.flatnonzero(np.diff(shot, prepend=-1)), len(order))
        samples_s = np.maximum(spans.lengths_s, 1e-6)
        starts, means, known = [np.empty(0, np.int64)], [np.empty((0, vectors.shape[1]), np.float32)], {}
        for first, stop in pairwise(edges.tolist()):
            rows, weights = order[first:stop], samples_s[first:stop]
            key = rows.tobytes() + weights.tobytes()
            if key not in self._known:
                self._known[key] = segment_shot(vectors[rows], weights)
            known[key] = self._known[key]
            starts.append(known[key][0] + first)
            means.append(known[key][1])
        self._known = known
        found = np.concatenate(starts)
        lengths_s = np.add.reduceat(samples_s, found) if len(found) else np.empty(0)
        return Segments(found, lengths_s, np.concatenate(means), samples_s)


def segment_shot(vectors: Floats, weights: Times, penalty_s: float = PENALTY_S) -> tuple[Ints, Floats]:
    """Split one shot where its vectors change.

    Neighbours are merged while that costs less than the penalty, the cheapest first (Ward 1963, restricted to
    neighbours in time). Then each edge moves to where it explains most. On test videos with real CLIP vectors this
    gives the moments of KernelCPD (Arlot et al. 2019; `ruptures`, linear kernel, same penalty) to within 0.002 in each
    measure, in O(n log n) instead of O(n²).

    Args:
        vectors: float32 (n, dim), n ≥ 1.
        weights: float64 (n,), the seconds that each stands for, > 0.
        penalty_s: Squared distance x seconds.

    Returns:
        The first sample of each segment, int64 (k,), beginning with 0; their mean vectors, float32 (k, dim).
    """
    blocks = range(0, len(vectors), BLOCK_SAMPLES)
    starts = np.concatenate([_merge_block(vectors, weights, begin, penalty_s) for begin in blocks])
    if len(starts) > 1:
        starts = _merge(vectors, weights, starts, penalty_s)
        starts = _merge(vectors, weights, _move_edges(vectors, weights, starts), penalty_s)
        starts = _move_edges(vectors, weights, starts)
    sums, lengths_s = _sums(vectors, weights, starts)
    return starts, np.asarray(sums / lengths_s[:, None], np.float32)


def _merge_block(vectors: Floats, weights: Times, begin: int, penalty_s: float) -> Ints:
    """Merge within one block only, starting from single samples, so that long shots need little memory."""
    block = slice(begin, begin + BLOCK_SAMPLES)
    return begin + _merge(vectors[block], weights[block], np.arange(len(vectors[block])), penalty_s)


def _sums(vectors: Floats, weights: Times, starts: Ints) -> tuple[NDArray[np.float64], Times]:
    """Return per segment the weighted sums of its vectors, float64 (k, dim), and of its weights, float64 (k,)."""
    parts = [
        weights[a:b] @ vectors[a:b] for a, b in zip(starts, np.append(starts[1:], len(vectors)), strict=True)
    ] if len(starts) < len(vectors) else weights[:, None] * vectors  # fmt: skip
    return np.asarray(parts, np.float64), np.add.reduceat(weights, starts)


def _merge(vectors: Floats, weights: Times, starts: Ints, penalty_s: float) -> Ints:
    """Merge neighbours, the cheapest first; all pairs that are cheaper than both adjacent ones merge at once.

    The cost of a merge is the increase in the sum of squared distances from the mean. On noise, merging one pair at a
    time may end with other segments, at the same cost to within 1 %: between neighbours in time only, a merge may make
    the next one cheaper.
    """
    sums, lengths = _sums(vectors, weights, starts)
    while len(starts) > 1:
        means = sums / lengths[:, None]
        apart = np.einsum("kd,kd->k", means[1:] - means[:-1], means[1:] - means[:-1])
        cost = lengths[1:] * lengths[:-1] / (lengths[1:] + lengths[:-1]) * apart
        before, after = np.append(np.inf, cost[:-1]), np.append(cost[1:], np.inf)
        joined = (cost < penalty_s) & (cost <= after) & (cost < before)
        if not joined.any():
            break
        kept = np.flatnonzero(np.append(True, ~joined))
        sums, lengths = np.add.reduceat(sums, kept, axis=0), np.add.reduceat(lengths, kept)
        starts = starts[kept]
    return starts


def _move_edges(vectors: Floats, weights: Times, starts: Ints) -> Ints:
    """Move each edge between its neighbours to where the two segments beside it explain most."""
    moved = starts.copy()
    changed = np.ones(len(starts) + 1, bool)
    for _ in range(ROUNDS):
        again, edges = np.zeros_like(changed), np.append(moved, len(vectors))
        for k in range(1, len(moved)):
            if not changed[k - 1 : k + 2].any():
                continue
            a, c = int(edges[k - 1]), int(edges[k + 1])
            edge = a + _best_split(vectors[a:c], weights[a:c])
            if edge != edges[k]:
                edges[k], again[k] = edge, True
        moved, changed = edges[:-1].copy(), again
        if not changed.any():
            break
    return moved


def _best_split(vectors: Floats, weights: Times) -> int:
    """Return where to split n ≥ 2 vectors in two: the first of the second part."""
    sums, lengths = np.cumsum(weights[:, None] * vectors, axis=0), np.cumsum(weights)
    left, right = sums[:-1], sums[-1] - sums[:-1]
    explained = np.einsum("kd,kd->k", left, left) / lengths[:-1] + np.einsum("kd,kd->k", right, right) / (
        lengths[-1] - lengths[:-1]
    )
    return 1 + int(explained.argmax())
