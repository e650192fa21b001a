"""Stretches: planted shots, drifts and gaps against a slow, obvious splitter; levels and peaks of the null banks."""

from __future__ import annotations

import numpy as np
import pytest

from clip_core.scoring.null_bank import bank_levels
from clip_core.scoring.stretches import LONGEST_S, bank_peaks, find_stretches, levels_of, nearness
from clip_core.stretches import Stretches
from clip_core.types import Floats, FrameEmbeddings, Ints

DIM = 64


def unit(values: np.ndarray) -> Floats:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def frames_at(vectors: np.ndarray, times_s: np.ndarray) -> FrameEmbeddings:
    return FrameEmbeddings((times_s * 1000).astype(np.int64), times_s.astype(np.float64), unit(vectors))


def shots(rng: np.random.Generator, lengths: list[int], noise: float = 0.3) -> np.ndarray:
    """A picture for each shot, moved a little in each sample."""
    pictures = unit(rng.normal(size=(len(lengths), DIM)))
    return np.repeat(pictures, lengths, axis=0) + noise * unit(rng.normal(size=(sum(lengths), DIM)))


def slow_starts(frames: FrameEmbeddings, least: float) -> list[int]:
    """Where a sample leaves the mean of those before it, or 30 s are over, in plain steps."""
    starts = [0]
    for i in range(1, len(frames)):
        own = frames.vectors[starts[-1] : i].astype(np.float64).mean(axis=0)
        cosine = float(own @ frames.vectors[i] / np.linalg.norm(own))
        if cosine < least or frames.times_s[i] - frames.times_s[starts[-1]] >= LONGEST_S:
            starts.append(i)
    return starts


def firsts(stretches: Stretches) -> Ints:
    return np.concatenate([[0], np.cumsum(stretches.counts)[:-1]])


def test_each_shot_is_a_stretch_with_its_mean_and_its_span() -> None:
    rng, lengths = np.random.default_rng(0), [8, 5, 12, 7]
    frames = frames_at(shots(rng, lengths), np.arange(32) / 2)
    found = find_stretches(frames, end_s=16.0)
    assert found.counts.tolist() == lengths
    assert found.first_pts.tolist() == [0, 4000, 6500, 12500]
    assert found.last_pts.tolist() == [3500, 6000, 12000, 15500]
    assert found.start_s.tolist() == [0.0, 3.75, 6.25, 12.25]
    assert found.end_s.tolist() == [3.75, 6.25, 12.25, 16.0]
    for k, (first, count) in enumerate(zip(firsts(found), lengths, strict=True)):
        own = frames.vectors[first : first + count]
        mean = own.mean(axis=0) / np.linalg.norm(own.mean(axis=0))
        np.testing.assert_allclose(found.vectors[k], mean, atol=1e-6)
        assert found.picture_pts[k] == frames.pts[first + int((own @ mean).argmax())]


@pytest.mark.parametrize("seed", range(5))
def test_a_slow_drift_is_split_where_the_slow_way_splits_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = frames_at(np.cumsum(0.12 * rng.normal(size=(150, DIM)), axis=0) + 2 * rng.normal(size=DIM), np.arange(150))
    distances = 1 - np.einsum("nd,nd->n", frames.vectors[1:], frames.vectors[:-1])
    assert distances.max() < 0.18  # no shot boundary
    expected = slow_starts(frames, nearness(frames.vectors, distances))
    assert len(expected) > 4
    assert firsts(find_stretches(frames, 150.0)).tolist() == expected


def test_a_still_picture_is_split_after_thirty_seconds_and_at_a_gap() -> None:
    times_s = np.concatenate([np.arange(80), 200 + np.arange(10)])
    found = find_stretches(frames_at(np.ones((90, DIM)), times_s), end_s=210.0)
    assert found.counts.tolist() == [30, 30, 20, 10]
    assert found.start_s[3] > found.end_s[2]


def test_the_nearness_depends_on_the_video_alone_and_is_clipped() -> None:
    rng = np.random.default_rng(1)
    still, lively = unit(np.ones((40, DIM)) + 0.01 * rng.normal(size=(40, DIM))), unit(rng.normal(size=(40, DIM)))
    between = unit(rng.normal(size=DIM) * 1.6 + shots(rng, [10] * 4, noise=0.2) * 8)

    def of(vectors: Floats) -> float:
        return nearness(vectors, 1 - np.einsum("nd,nd->n", vectors[1:], vectors[:-1]))

    assert of(still) == 0.9
    assert of(lively) == 0.75
    neighbours = np.median(np.einsum("nd,nd->n", between[1:], between[:-1]))
    apart = np.median([between[i] @ between[i + step] for step in (20, 13) for i in range(40 - step)])
    assert 0.75 < of(between) < 0.9
    assert of(between) == pytest.approx((neighbours + apart) / 2, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_samples(count: int) -> None:
    found = find_stretches(
        frames_at(np.ones((count, DIM)), np.arange(count)), end_s=3.0, levels=np.ones((count, 2), np.float32)
    )
    assert found.counts.tolist() == [count][: min(count, 1)]
    assert found.vectors.shape == (min(count, 1), DIM)
    assert found.levels is not None
    assert found.levels.shape == (min(count, 1), 2)


def test_vectors_without_a_direction_stay_what_they_are() -> None:
    found = find_stretches(FrameEmbeddings(np.arange(3), np.arange(3.0), np.zeros((3, DIM), np.float32)), 3.0)
    assert found.counts.sum() == 3
    assert np.isfinite(found.vectors).all()


def test_the_level_of_a_stretch_is_the_mean_of_its_frames() -> None:
    rng = np.random.default_rng(2)
    frames, texts = frames_at(shots(rng, [6, 4]), np.arange(10)), unit(rng.normal(size=(2, 20, DIM)))
    levels = levels_of(frames.vectors, *texts, logit_scale=100.0)
    for kind in (0, 1):
        np.testing.assert_allclose(levels[:, kind], bank_levels(frames.vectors @ texts[kind].T, 60.0).level, atol=1e-6)
    found = find_stretches(frames, 10.0, levels)
    assert found.levels is not None
    np.testing.assert_allclose(found.levels, [levels[:6].mean(axis=0), levels[6:].mean(axis=0)], atol=1e-6)


def test_the_peak_of_a_text_is_its_score_against_the_others_in_its_best_stretch() -> None:
    rng = np.random.default_rng(3)
    means, texts = unit(rng.normal(size=(7, DIM))), unit(rng.normal(size=(5, DIM)))
    peaks = bank_peaks(means, np.array([0, 4]), texts, 20.0)
    cosines = means.astype(np.float64) @ texts.T.astype(np.float64)
    for text in range(5):
        others = np.delete(cosines, text, axis=1)
        own = cosines[:, text] - np.log(np.exp(12.0 * others).mean(axis=1)) / 12.0
        np.testing.assert_allclose(peaks[:, text], [own[:4].max(), own[4:].max()], atol=1e-5)
