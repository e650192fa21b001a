"""Split a video's frames into stretches: runs of nearly equal samples, among which a search looks first."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clip_core.scoring.null_bank import BLOCK_SAMPLES, SHARPNESS, bank_levels, scores_of_bank
from clip_core.scoring.segments import Neighbours, find_shot_boundaries
from clip_core.scoring.spans import Spans, sample_spans, split_at
from clip_core.stretches import Stretches
from clip_core.types import Floats, FrameEmbeddings, Ints, Times

LONGEST_S = 30.0
LEAST_NEARNESS, MOST_NEARNESS = 0.75, 0.90
FEWEST_SAMPLES = 8
"""With fewer samples the nearness is the greatest one."""


def find_stretches(frames: FrameEmbeddings, end_s: float, levels: Floats | None = None) -> Stretches:
    """Return the stretches of one video: each ends where a sample is less near to the mean of those before it.

    Each also ends at a shot boundary, at a gap, and after 30 seconds. All depends on this video's samples alone.

    Args:
        frames: Sorted by time.
        end_s: Where the video ends, in seconds.
        levels: float32 (n, 2), the levels of the null banks on the samples, from ``levels_of``; None: unknown.
    """
    vectors, times_s = frames.vectors, frames.times_s
    if len(frames) == 0:
        none = np.empty(0, np.int64)
        return Stretches(none, none, none, np.empty(0), np.empty(0), none, vectors, levels)
    distances = Neighbours().distances(vectors, np.arange(len(frames)))
    spans = sample_spans(times_s, 0.0, max(end_s, float(times_s[-1])))
    shots = split_at(spans, times_s, find_shot_boundaries(distances, times_s)).stretch
    starts = _starts(vectors, times_s, np.diff(shots) > 0, nearness(vectors, distances))
    return _stretches_at(starts, frames, spans, levels)


def nearness(vectors: Floats, distances: Floats) -> float:
    """Return the least cosine similarity of a sample to its stretch.

    That is halfway between the median of neighbouring samples and that of samples far apart, between 0.75 and 0.90.
    A model whose vectors are all alike so gets a higher one, and a video with much movement a lower one.

    Args:
        vectors: float32 (n, dim), unit length, in time order.
        distances: float32 (n - 1,), the cosine distances of neighbours.
    """
    n = len(vectors)
    if n < FEWEST_SAMPLES:
        return MOST_NEARNESS
    apart = [np.einsum("nd,nd->n", vectors[: n - step], vectors[step:]) for step in (n // 2, n // 3)]
    middle = (1 - float(np.median(distances)) + float(np.median(np.concatenate(apart)))) / 2
    return min(max(middle, LEAST_NEARNESS), MOST_NEARNESS)


def _starts(vectors: Floats, times_s: Times, ends: NDArray[np.bool_], least: float) -> Ints:
    """Return the first sample of each stretch, int64 (m,); ``ends``, bool (n - 1,), are ends after a sample."""
    starts, total, squared, from_s = [0], vectors[0].copy(), 1.0, float(times_s[0])
    for i, (vector, time_s, ended) in enumerate(zip(vectors[1:], times_s[1:].tolist(), ends.tolist(), strict=True), 1):
        # The sum of the vectors so far has the direction of their mean; its squared length grows by 2 cosines + 1.
        product = float(vector @ total)
        if ended or product < least * math.sqrt(squared) or time_s - from_s >= LONGEST_S:
            starts.append(i)
            total[:] = vector
            squared, from_s = 1.0, time_s
        else:
            total += vector
            squared += 2 * product + 1
    return np.array(starts, np.int64)


def _stretches_at(starts: Ints, frames: FrameEmbeddings, spans: Spans, levels: Floats | None) -> Stretches:
    counts = np.diff(np.append(starts, len(frames)))
    last = starts + counts - 1
    sums = np.add.reduceat(frames.vectors, starts, axis=0)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    means = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    of, near = np.repeat(np.arange(len(starts)), counts), np.empty(len(frames), np.float32)
    for start in range(0, len(frames), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        near[block] = np.einsum("nd,nd->n", frames.vectors[block], means[of[block]])
    return Stretches(
        first_pts=frames.pts[starts],
        last_pts=frames.pts[last],
        picture_pts=frames.pts[_highest(near, starts, counts)],
        start_s=spans.left[starts],
        end_s=spans.right[last],
        counts=counts,
        vectors=means,
        levels=None if levels is None else np.asarray(np.add.reduceat(levels, starts) / counts[:, None], np.float32),
    )


def _highest(values: Floats, starts: Ints, counts: Ints) -> Ints:
    """Return the place of the first highest value of each stretch."""
    highest = np.repeat(np.maximum.reduceat(values, starts), counts)
    places = np.where(values >= highest, np.arange(len(values)), len(values))
    return np.asarray(np.minimum.reduceat(places, starts))


def levels_of(vectors: Floats, names: Floats, captions: Floats, logit_scale: float) -> Floats:
    """Return the levels of the two null banks on frames, float32 (n, 2).

    Args:
        vectors: float32 (n, dim), unit length.
        names, captions: float32 (k, dim), the vectors of the banks' texts.
        logit_scale: The model's.
    """
    found = np.empty((len(vectors), 2), np.float32)
    for column, texts in enumerate((names, captions)):
        for start in range(0, len(vectors), BLOCK_SAMPLES):
            block = slice(start, start + BLOCK_SAMPLES)
            found[block, column] = bank_levels(vectors[block] @ texts.T, SHARPNESS * logit_scale).level
    return found


def bank_peaks(vectors: Floats, starts: Ints, texts: Floats, logit_scale: float) -> Floats:
    """Return the corrected score of each text of a null bank in its best stretch of each video, float32 (k, m).

    Each text is compared with the others, so that a text that is not visible can be compared with the result.

    Args:
        vectors: float32 (n, dim), the mean vectors of the stretches of k videos.
        starts: int64 (k,), the first stretch of each video, increasing from 0.
        texts: float32 (m, dim), the vectors of the bank's texts.
        logit_scale: The model's.
    """
    found = np.empty((len(texts), len(vectors)), np.float32)
    for start in range(0, len(vectors), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        cosines = vectors[block] @ texts.T
        found[:, block] = scores_of_bank(cosines, bank_levels(cosines, SHARPNESS * logit_scale))
    return np.ascontiguousarray(np.maximum.reduceat(found, starts, axis=1).T)
