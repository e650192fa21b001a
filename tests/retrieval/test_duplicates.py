"""Near-duplicates and unusual shots: planted copies with an offset, repeats within a video, and one odd picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clip_core.retrieval import duplicates, unusual
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.duplicates import find_duplicates, matching_runs
from clip_core.retrieval.unusual import find_unusual, unlike_others
from clip_core.store.store import EmbeddingStore
from tests.retrieval.test_build_stretches import DIM, VIDEOS, add_video, unit
from tests.support.fakes import FakeEncoder


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


def prepared(store: EmbeddingStore, *videos: list[int], pictures: np.ndarray) -> str:
    """Store videos that show pictures with these numbers for 5 s each; return the model's fingerprint."""
    encoder = FakeEncoder(DIM)
    for video_id, numbers in zip(VIDEOS, videos, strict=False):
        add_video(store, encoder, video_id, unit(pictures[numbers]))
    for _ in refresh_stretches(store, encoder):
        pass
    return encoder.fingerprint


def test_a_copied_part_is_found_with_both_spans(store: EmbeddingStore) -> None:
    pictures = np.random.default_rng(0).normal(size=(20, DIM))
    model = prepared(store, [0, 1, 2, 3, 4], [10, 2, 3, 4, 11, 12], [13, 14], pictures=pictures)
    (found,) = find_duplicates(store, model)
    spans = {(one.video_id, one.start_s, one.end_s) for one in (found.first, found.second)}
    assert spans == {(VIDEOS[0], 9.75, 25.0), (VIDEOS[1], 4.75, 19.75)}
    assert found.share == pytest.approx(15.0 / 25, abs=0.02)
    assert found.cosine > 0.97


def test_within_a_video_only_what_comes_again_after_something_else(store: EmbeddingStore) -> None:
    pictures = np.random.default_rng(0).normal(size=(20, DIM))
    model = prepared(store, [0, 1, 2, 0], [3] * 14, pictures=pictures)  # the second is 70 s of one picture
    (found,) = find_duplicates(store, model)
    assert (found.first.video_id, found.first.start_s, found.first.end_s) == (VIDEOS[0], 0.0, 4.75)
    assert (found.second.video_id, found.second.start_s, found.second.end_s) == (VIDEOS[0], 14.75, 20.0)


def test_all_pairs_are_those_of_a_plain_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 16)
    rng = np.random.default_rng(1)
    base = unit(rng.normal(size=(60, DIM)))
    vectors = unit(np.concatenate([base, base + rng.uniform(0, 0.07, (60, 1)) * rng.normal(size=(60, DIM))]))
    of = np.repeat(np.arange(12), 10)
    found = {pair for first, second, _ in matching_runs(vectors, of, 0.97) for pair in zip(first, second, strict=True)}
    cosines = vectors @ vectors.T
    expected = {(i, j) for i in range(120) for j in range(i + 1, 120) if cosines[i, j] >= 0.97 and of[i] != of[j]}
    assert 10 < len(expected) < 60
    assert found == expected


def test_black_in_every_video_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_MATCHES", 3)
    rng = np.random.default_rng(2)
    vectors = unit(rng.normal(size=(400, DIM)))
    vectors[::4] = unit(np.ones(DIM))
    runs = list(matching_runs(vectors, np.repeat(np.arange(100), 4), 0.97))
    assert 100 <= len(runs) <= 300


def test_the_odd_shot_is_first(store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    pictures = rng.normal(size=DIM) + rng.normal(size=(20, DIM))
    pictures[7] = rng.normal(size=DIM)
    model = prepared(store, [0, 1, 2], [3, 7, 4], [5, 6], pictures=pictures)
    found = find_unusual(store, model)
    assert (found[0].place.video_id, found[0].place.start_s, found[0].place.end_s) == (VIDEOS[1], 4.75, 9.75)
    assert 10 * 2 <= found[0].picture_pts < 20 * 2
    assert len(found) == 8
    assert [one.likeness for one in found] == sorted(one.likeness for one in found)
    monkeypatch.setattr(unusual, "MOST_OF_VIDEO", 1)
    assert len(find_unusual(store, model)) == 3
    assert len(find_unusual(store, model, limit=2)) == 2


def test_likeness_is_the_highest_cosine_to_another_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unusual, "BLOCK", 16)
    rng = np.random.default_rng(4)
    vectors, of = unit(rng.normal(size=(90, DIM))), np.repeat(np.arange(9), 10)
    cosines = vectors @ vectors.T
    cosines[of[:, None] == of] = -2
    found = unlike_others(vectors, of)
    assert [likeness for _, likeness in found] == sorted(likeness for _, likeness in found)
    np.testing.assert_allclose([dict(found)[row] for row in range(90)], cosines.max(axis=1), atol=1e-6)
    alone = unlike_others(vectors[:10], of[:10])
    own = vectors[:10] @ vectors[:10].T - 3 * np.eye(10)
    np.testing.assert_allclose([dict(alone)[row] for row in range(10)], own.max(axis=1), atol=1e-6)


def test_an_empty_store_has_neither(store: EmbeddingStore) -> None:
    assert find_duplicates(store, "f0" * 32) == []
    assert find_unusual(store, "f0" * 32) == []
