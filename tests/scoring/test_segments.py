"""Planted stretches of vectors that stay alike are found, at every rate, and as the slow, obvious way finds them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from clip_core.scoring import segments as module
from clip_core.scoring.segments import PENALTY_S, Segmenter, Segments, segment_shot
from clip_core.scoring.spans import sample_spans
from clip_core.types import Floats, Ints, Times

DIM = 64


def unit(vectors: np.ndarray) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def planted(
    lengths_s: Sequence[int], *, per_s: int = 1, noise: float = 0.2, seed: int = 0, lean: float = 1.0
) -> tuple[Floats, list[int]]:
    """Vectors of stretches of so many seconds, and the samples at which all but the first begin.

    Args:
        lengths_s: Of the stretches.
        per_s: Samples a second; the noise is drawn once a second and held.
        noise: Length of the noise on each sample.
        seed: Of all that is random.
        lean: How far the stretches lie apart: each is a random direction of this length beside a common one.
    """
    rng = np.random.default_rng(seed)
    common = rng.normal(size=DIM)
    bases = unit(unit(common) + lean * unit(rng.normal(size=(len(lengths_s), DIM))))
    clean = np.repeat(bases, lengths_s, axis=0)
    moved = unit(clean + noise * unit(rng.normal(size=clean.shape)))
    return np.repeat(moved, per_s, axis=0), (np.cumsum(lengths_s)[:-1] * per_s).tolist()


def segmented(
    vectors: Floats,
    times_s: Sequence[float] | Times | None = None,
    shot_boundaries_s: Sequence[float] = (),
    *,
    per_s: int = 1,
) -> Segments:
    times = np.arange(len(vectors)) / per_s if times_s is None else np.asarray(times_s, np.float64)
    end_s = float(times[-1]) + 1 / per_s if len(times) else 1.0
    spans = sample_spans(times, 0.0, end_s)
    return Segmenter().segments(
        vectors, np.arange(len(vectors)), spans, times, np.asarray(shot_boundaries_s, np.float64)
    )


def edges_of(vectors: Floats, weights: Times | None = None) -> list[int]:
    starts, _ = segment_shot(vectors, np.ones(len(vectors)) if weights is None else weights)
    return starts.tolist()[1:]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4])
def test_planted_edges_are_found_to_the_sample(seed: int, noise: float) -> None:
    lengths = np.random.default_rng(seed).integers(6, 40, 12).tolist()
    vectors, truth = planted(lengths, noise=noise, seed=seed)
    assert edges_of(vectors) == truth


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.5])
def test_what_stays_alike_is_one_segment(noise: float) -> None:
    vectors, _ = planted([3000], noise=noise)
    assert edges_of(vectors) == []


@pytest.mark.parametrize("lasts_s", [1, 3, 10, 40])
def test_a_change_must_explain_the_penalty(lasts_s: int) -> None:
    """Between stretches of 40 s and of t s, 40t / (40 + t) · distance² must reach it."""
    for times, edges in ((0.99, []), (1.01, [40])):
        squared = times * PENALTY_S * (40 + lasts_s) / (40 * lasts_s)
        angle = 2 * np.arcsin(np.sqrt(squared) / 2)
        turned = np.zeros((2, DIM), np.float32)
        turned[:, :2] = [1, 0], [np.cos(angle), np.sin(angle)]
        assert edges_of(np.repeat(turned, [40, lasts_s], axis=0)) == edges


@pytest.mark.parametrize("seed", range(5))
def test_the_same_signal_has_the_same_edges_in_seconds_at_every_rate(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(3, 20, 10).tolist()
    found = {}
    for per_s in (1, 2, 5):
        vectors, truth = planted(lengths, per_s=per_s, noise=0.5, lean=0.6, seed=seed)
        segments = segmented(vectors, per_s=per_s)
        found[per_s] = (segments.starts / per_s).tolist()
        assert set(truth) & set(segments.starts.tolist())
    assert found[1] == found[2] == found[5]


def test_no_segment_reaches_over_a_shot_boundary_or_a_gap() -> None:
    vectors, _ = planted([60])
    assert segmented(vectors).starts.tolist() == [0]
    assert segmented(vectors, shot_boundaries_s=[9.5, 30.5]).starts.tolist() == [0, 10, 31]
    times = np.arange(60.0)
    times[20:] += 100
    assert segmented(vectors, times, [9.5]).starts.tolist() == [0, 10, 20]


def spread_of(vectors: Floats, weights: Times, rows: Sequence[int]) -> float:
    """Sum of squared distances from the mean, weighted."""
    own, of_own = vectors[list(rows)].astype(np.float64), weights[list(rows)]
    mean = np.average(own, axis=0, weights=of_own)
    return float(of_own @ ((own - mean) ** 2).sum(axis=1))


def slow_merge(vectors: Floats, weights: Times) -> list[int]:
    """One merge at a time, the cheapest of all: the first samples of the segments."""
    parts = [[k] for k in range(len(vectors))]
    while len(parts) > 1:
        pairs = list(itertools.pairwise(parts))
        costs = [spread_of(vectors, weights, a + b) for a, b in pairs]
        costs = [
            cost - spread_of(vectors, weights, a) - spread_of(vectors, weights, b)
            for cost, (a, b) in zip(costs, pairs, strict=True)
        ]
        best = int(np.argmin(costs))
        if costs[best] >= PENALTY_S:
            break
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return [part[0] for part in parts]


def total_cost(starts: Sequence[int], vectors: Floats, weights: Times) -> float:
    """What segments leave unexplained, and the penalty of each."""
    edges = [*starts, len(vectors)]
    return sum(PENALTY_S + spread_of(vectors, weights, range(a, b)) for a, b in itertools.pairwise(edges))


def least_cost(vectors: Floats, weights: Times) -> float:
    """The least total cost of all ways to cut, by dynamic programming."""
    best = [0.0]
    for stop in range(1, len(vectors) + 1):
        ways = [best[first] + spread_of(vectors, weights, range(first, stop)) for first in range(stop)]
        best.append(PENALTY_S + min(ways))
    return best[-1]


def random_case(seed: int, most_noise: float) -> tuple[Floats, Times]:
    rng = np.random.default_rng(seed)
    noise, lean = float(rng.uniform(0.2, most_noise)), float(rng.uniform(0.5, 1))
    vectors, _ = planted(rng.integers(1, 12, 8).tolist(), noise=noise, lean=lean, seed=seed)
    return vectors, rng.uniform(0.2, 2.0, len(vectors))


@pytest.mark.parametrize("seed", range(15))
def test_merging_many_at_once_gives_what_one_at_a_time_gives(seed: int) -> None:
    vectors, weights = random_case(seed, 0.5)
    found = module._merge(vectors, weights, np.arange(len(vectors)), PENALTY_S)
    assert found.tolist() == slow_merge(vectors, weights)


@pytest.mark.parametrize("seed", range(8))
def test_in_heavy_noise_it_costs_at_most_1_percent_more_and_the_whole_2_more_than_the_best_of_all(seed: int) -> None:
    vectors, weights = random_case(100 + seed, 1.2)
    found = module._merge(vectors, weights, np.arange(len(vectors)), PENALTY_S).tolist()
    slow = total_cost(slow_merge(vectors, weights), vectors, weights)
    assert total_cost(found, vectors, weights) <= 1.01 * slow
    starts, _ = segment_shot(vectors, weights)
    assert total_cost(starts.tolist(), vectors, weights) <= 1.02 * least_cost(vectors, weights)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_doubled_samples_and_constant_vectors_are_one_segment(n: int) -> None:
    vectors = np.tile(planted([1])[0], (n, 1))
    segments = segmented(vectors)
    assert (len(segments), segments.lengths_s.tolist()) == (1, [float(n)])
    np.testing.assert_allclose(segments.means, vectors[:1], atol=1e-6)
    at_once = segmented(vectors, np.zeros(n))  # all at one time: they stand for no time at all
    assert at_once.starts[0] == 0
    assert np.isfinite(at_once.means).all()
    assert np.all(at_once.lengths_s > 0)


def test_no_samples_one_and_two() -> None:
    none = segmented(np.empty((0, DIM), np.float32))
    assert (len(none), none.means.shape, none.edges.tolist()) == (0, (0, DIM), [0])
    assert none.average(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert none.spread_out(np.empty((0, 3), np.float32)).shape == (0, 3)
    vectors, _ = planted([1, 1], noise=0.0)
    one = segmented(vectors[:1], [0.0])
    assert (one.starts.tolist(), one.lengths_s.tolist()) == ([0], [1.0])
    apart = float(((vectors[1] - vectors[0]) ** 2).sum()) / 2  # what it costs to merge two samples of 1 s
    assert segmented(vectors).starts.tolist() == ([0] if apart < PENALTY_S else [0, 1])
    opposite = np.stack([vectors[0], -vectors[0]])
    assert segmented(opposite).starts.tolist() == [0, 1]


def test_long_shots_are_merged_in_blocks_and_edges_at_their_seams_are_no_edges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lengths = [150, 1, 300, 40, 77, 500, 30]
    vectors, truth = planted(lengths, noise=0.3)
    whole = edges_of(vectors)
    assert whole == truth
    for size in (1, 7, 64, 256):
        monkeypatch.setattr(module, "BLOCK_SAMPLES", size)
        assert edges_of(vectors) == whole
    monkeypatch.undo()
    long, truth = planted([1500, 1200, 3000], noise=0.3)
    assert len(long) > 2 * module.BLOCK_SAMPLES
    assert edges_of(long) == truth


def test_edges_are_moved_to_where_they_explain_most() -> None:
    """Whatever the merging gave: each edge is the best of all places between its neighbours."""
    vectors, truth = planted([20, 15, 30], noise=0.4, lean=0.7)
    weights = np.ones(len(vectors))
    assert module._move_edges(vectors, weights, np.array([0, 17, 39])).tolist() == [0, *truth]
    starts, _ = segment_shot(vectors, weights)
    edges = [*starts.tolist(), len(vectors)]
    for a, edge, c in zip(edges, edges[1:], edges[2:], strict=False):
        left = [spread_of(vectors, weights, range(a, k)) + spread_of(vectors, weights, range(k, c))
                for k in range(a + 1, c)]  # fmt: skip
        assert a + 1 + int(np.argmin(left)) == edge


class _Counted:
    """Notes the length of each shot that is looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[int] = []
        monkeypatch.setattr(module, "segment_shot", self)

    def __call__(self, vectors: Floats, weights: Times) -> tuple[Ints, Floats]:
        self.seen.append(len(vectors))
        return segment_shot(vectors, weights)

    def new(self) -> list[int]:
        seen, self.seen = self.seen, []
        return seen


def test_only_shots_that_changed_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, _ = planted([10, 20, 30], lean=1.5)
    counted, segmenter, shot_boundaries_s = _Counted(monkeypatch), Segmenter(), np.array([9.5, 29.5])

    def look(rows: Sequence[int], times_s: Sequence[float], end_s: float) -> Segments:
        times = np.array(times_s, np.float64)
        spans = sample_spans(times, 0.0, end_s)
        return segmenter.segments(vectors, np.array(rows), spans, times, shot_boundaries_s)

    first = look(range(50), range(50), 50.0)
    assert counted.new() == [10, 20, 20]
    assert np.array_equal(look(range(50), range(50), 50.0).starts, first.starts)
    assert counted.new() == []
    grown = look(range(60), range(60), 60.0)
    assert counted.new() == [30]
    assert grown.starts.tolist() == [0, 10, 30]
    denser = look([*range(5), 59, *range(5, 60)], [*range(5), 4.5, *range(5, 60)], 60.0)  # a sample within a shot
    assert counted.new()[0] == 11
    assert 11 in denser.starts.tolist()
    look(range(60), range(60), 60.0)
    assert 10 in counted.new()  # what is not asked for is not kept for ever
    assert len(segmenter._known) == 3


def test_segments_follow_the_order_of_time_not_of_rows() -> None:
    vectors, _ = planted([10, 20, 30])
    order = np.random.default_rng(0).permutation(60)
    shuffled = np.empty_like(vectors)
    shuffled[order] = vectors
    times, spans = np.arange(60.0), sample_spans(np.arange(60.0), 0.0, 60.0)
    found = Segmenter().segments(shuffled, order, spans, times, np.empty(0))
    expected = segmented(vectors)
    assert found.starts.tolist() == expected.starts.tolist() == [0, 10, 30]
    np.testing.assert_array_equal(found.means, expected.means)


def test_means_are_weighted_by_time_and_their_product_is_the_mean_of_the_cosines() -> None:
    vectors, _ = planted([10, 20, 30], noise=0.4)
    times = np.cumsum(np.random.default_rng(1).uniform(0.7, 1.3, 60))
    segments = segmented(vectors, times, [float(times[9]) + 0.01, float(times[29]) + 0.01])
    assert segments.starts.tolist() == [0, 10, 30]
    weights, edges = segments.samples_s, segments.edges.tolist()
    assert edges == [0, 10, 30, 60]
    np.testing.assert_allclose(segments.lengths_s, [weights[a:b].sum() for a, b in itertools.pairwise(edges)])
    slow = [np.average(vectors[a:b], axis=0, weights=weights[a:b]) for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(segments.means, slow, atol=1e-6)
    assert segments.means.dtype == np.float32
    texts = unit(np.random.default_rng(2).normal(size=(5, DIM)))
    averaged = segments.average(vectors @ texts.T)
    assert (averaged.shape, averaged.dtype) == ((3, 5), np.float32)
    np.testing.assert_allclose(averaged, segments.means @ texts.T, atol=1e-6)


def test_levels_are_spread_out_over_the_samples_of_their_segments() -> None:
    segments = Segments(np.array([0, 2, 3]), np.array([2.0, 1.0, 3.0]), np.zeros((3, 4), np.float32), np.ones(6))
    assert segments.edges.tolist() == [0, 2, 3, 6]
    levels = np.array([[1, 10], [2, 20], [3, 30]], np.float32)
    assert segments.spread_out(levels)[:, 0].tolist() == [1, 1, 2, 3, 3, 3]
    assert segments.average(segments.spread_out(levels)).tolist() == levels.tolist()
