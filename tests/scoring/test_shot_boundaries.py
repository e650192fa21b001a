"""Cuts of planted shots: random directions that drift, with jumps between them."""

import json
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, load_encoder
from clip_core.scoring import segments as module
from clip_core.scoring.segments import Neighbours, find_shot_boundaries


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def shots(lengths: list[int], seed: int = 0, drift: float = 0.02, noise: float = 0.1, dim: int = 64) -> np.ndarray:
    """Vectors of shots of so many samples: each starts at a random direction, which drifts; noise on each sample."""
    rng = np.random.default_rng(seed)
    parts = []
    for n in lengths:
        path = unit(rng.normal(size=dim)) + np.cumsum(rng.normal(0, drift, (n, dim)), axis=0) / np.sqrt(dim)
        parts.append(path + rng.normal(0, noise, (n, dim)) / np.sqrt(dim))
    return unit(np.concatenate(parts))


def boundaries_of(vectors: np.ndarray, times: np.ndarray | None = None) -> list[float]:
    order = np.arange(len(vectors))
    return find_shot_boundaries(Neighbours().distances(vectors, order), order / 2 if times is None else times).tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("drift", [0.0, 0.02, 0.1])
def test_all_planted_cuts_and_no_others(seed: int, drift: float) -> None:
    lengths = np.random.default_rng(seed).integers(4, 60, 30).tolist()
    expected = np.cumsum(lengths)[:-1] / 2 - 0.25
    assert boundaries_of(shots(lengths, seed, drift)) == expected.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_shots_of_two_or_three_samples_are_found_too(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(2, 4, 60).tolist()
    found = boundaries_of(shots(lengths, seed, drift=0.0, noise=0.2))
    assert found == (np.cumsum(lengths)[:-1] / 2 - 0.25).tolist()


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("drift", [0.0, 0.1, 0.5])
def test_one_scene_has_none_however_it_moves(noise: float, drift: float) -> None:
    """Up to 0.1 from one sample to the next: three in four steps of real takes are shorter."""
    found = [len(boundaries_of(shots([3000], seed, drift, noise))) for seed in range(3)]
    assert sum(found) == 0


@pytest.mark.parametrize("noise", [0.5, 1.0, 3.0])
def test_a_scene_whose_every_sample_is_another_picture_has_few(noise: float) -> None:
    found = [len(boundaries_of(shots([3000], seed, 0.0, noise))) for seed in range(3)]
    assert max(found) <= 15


def test_a_boundary_is_far_and_half_as_far_again_as_the_steps_beside_it() -> None:
    times = np.arange(6.0)
    for jump, beside, count in ((0.18, 0.12, 1), (0.179, 0.0, 0), (0.3, 0.2, 1), (0.3, 0.201, 0), (1.0, 0.66, 1)):
        for where in (1, 3):
            steps = np.full(5, 0.05, np.float32)
            steps[2], steps[where] = jump, beside
            assert len(find_shot_boundaries(steps, times)) == count, (jump, beside)
    assert find_shot_boundaries(np.array([0.3, 0.3], np.float32), np.arange(3.0)).tolist() == []  # two alike: a pan
    steps = np.array([0.05, 0.25, 0.05], np.float32)
    assert find_shot_boundaries(steps, np.arange(4.0)).tolist() == [1.5]
    assert find_shot_boundaries(steps, np.arange(4.0), least=0.3).tolist() == []


def test_a_constant_video_a_pan_and_a_dissolve_have_none() -> None:
    a, b = unit(np.random.default_rng(1).normal(size=(2, 64)))
    assert boundaries_of(np.tile(a, (100, 1))) == []
    for steps in (4, 20, 200):
        weight = np.concatenate([np.zeros(30), np.linspace(0, 1, steps + 1), np.ones(30)])[:, None]
        assert boundaries_of(unit(a * (1 - weight) + b * weight)) == []


def test_what_changed_in_a_gap_is_no_cut() -> None:
    vectors = shots([20, 20])
    times = np.arange(40) / 2
    assert boundaries_of(vectors, times) == [9.75]
    times[20:] += 30
    assert boundaries_of(vectors, times) == []


def test_a_cut_next_to_either_end() -> None:
    assert boundaries_of(shots([1, 30, 1])) == [0.25, 15.25]
    assert boundaries_of(shots([1, 1])) == [0.25]


@pytest.mark.parametrize("n", [0, 1])
def test_no_pairs_no_cuts(n: int) -> None:
    assert boundaries_of(shots([n]) if n else np.empty((0, 8), np.float32)) == []


def test_samples_at_one_time() -> None:
    assert boundaries_of(shots([2, 2]), np.array([0.0, 0.0, 0.0, 0.0])) in ([], [0.0])


def test_distances_in_any_order_and_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", 7)
    vectors = shots([50])
    order = np.random.default_rng(0).permutation(50)
    sorted_vectors = vectors[order].astype(np.float64)
    expected = 1 - (sorted_vectors[1:] * sorted_vectors[:-1]).sum(axis=1)
    np.testing.assert_allclose(Neighbours().distances(vectors, order), expected, atol=1e-6)


def test_a_denser_pass_computes_the_new_pairs_only() -> None:
    vectors = shots([60])
    neighbours = Neighbours()
    coarse = np.arange(20)  # rows 0-19 lie at the times 0, 3, 6, …; then 20 rows come between the first ones
    neighbours.distances(vectors, coarse)
    assert neighbours.computed_pairs == 19
    neighbours.distances(vectors, coarse)
    assert neighbours.computed_pairs == 19
    dense = np.concatenate([np.ravel(np.column_stack([np.arange(10), np.arange(20, 30)])), np.arange(10, 20)])
    found = neighbours.distances(vectors, dense)
    assert neighbours.computed_pairs == 19 + 20
    np.testing.assert_array_equal(found, Neighbours().distances(vectors, dense))


def test_the_samples_cut_is_found_and_otherwise_only_objects_that_come_or_go(tmp_path: Path) -> None:
    """The sample model sees objects alone, so one that comes or goes within a step is a jump like a cut."""
    data = Path(__file__).parents[2] / "data"
    store, encoder = EmbeddingStore(tmp_path), load_encoder("sample")
    list(index_video(data / "sample.mp4", encoder, store, samples_per_second=5.0))
    embeddings, _ = store.read(store.videos()[0].video_id, encoder.fingerprint)
    order = np.argsort(embeddings.pts)
    cuts = find_shot_boundaries(Neighbours().distances(embeddings.vectors, order), embeddings.times_s[order])
    visible = json.loads((data / "sample.truth.json").read_text(encoding="utf-8"))["visible"]
    edges = np.array([edge for span in visible for edge in (span["start_s"], span["end_s"])])
    assert np.abs(cuts - 24.0).min() < 0.11  # the one cut of the storyboard
    assert len(cuts) <= 12
    assert [cut for cut in cuts.tolist() if np.abs(edges - cut).min() > 0.7] == []
