"""Stretches in the store: replaced whole, found by their scores, read with their frames, and gone with their video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import StoreError
from clip_core.store import stretches_in_memory
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import FoundStretches, Stretches
from clip_core.types import Floats, FrameEmbeddings
from tests.store.test_store import MODEL, record

DIM = 8
VIDEOS = tuple(f"{number:064x}" for number in range(1, 6))


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def unit(values: np.ndarray) -> Floats:
    """Vectors of unit length, in the steps that mean vectors are stored in."""
    return np.rint(values / np.linalg.norm(values, axis=-1, keepdims=True) * 32767).astype(np.float32) / 32767


def begin(store: EmbeddingStore, video_id: str, vectors: Floats, times: int = 1) -> str:
    """Store a video with frames at pts 0, 10, 20 …; return the epoch of its run."""
    store.remember_video(record(video_id))
    store.begin(video_id, MODEL, "m", 2.0)
    pts = np.arange(len(vectors)) * 10
    for _ in range(times):
        store.append(video_id, MODEL, FrameEmbeddings(pts, pts / 10.0, vectors))
    run = store.run(video_id, MODEL)
    assert run is not None
    return run.epoch


def stretches(vectors: Floats, each: int = 1, levels: Floats | None = None) -> Stretches:
    """A stretch for each of ``each`` frames at pts 0, 10, 20 …"""
    first = np.arange(len(vectors)) * 10 * each
    last = first + 10 * (each - 1)
    counts = np.full(len(vectors), each)
    return Stretches(first, last, first, first / 10.0, last / 10.0 + 1, counts, vectors, levels)


def write(store: EmbeddingStore, video_id: str, built: Stretches, epoch: str, generation: int | None = None) -> None:
    made = store.next_generation(MODEL, [video_id]) if generation is None else generation
    store.write_stretches(MODEL, {video_id: built}, {video_id: epoch}, made)


def places(found: FoundStretches) -> list[tuple[str, int]]:
    return list(zip(found.video_ids, found.stretches.first_pts.tolist(), strict=True))


def test_they_come_back_as_they_were_written(store: EmbeddingStore) -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(6, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    assert store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0]) is None
    write(store, VIDEOS[0], stretches(vectors[:3], 2, np.array([[0.1, 0.2]] * 3, np.float32)), epoch)
    found = store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0])
    assert found is not None
    assert found.levels is not None
    assert (found.first_pts.tolist(), found.last_pts.tolist()) == ([0, 20, 40], [10, 30, 50])
    assert (found.start_s.tolist(), found.end_s.tolist(), found.counts.tolist()) == ([0, 2, 4], [2, 4, 6], [2, 2, 2])
    assert (found.vectors == vectors[:3]).all()
    np.testing.assert_allclose(found.levels, [[0.1, 0.2]] * 3, rtol=1e-6)
    assert store.stretches_of([VIDEOS[1]], MODEL).get(VIDEOS[1]) is None


def test_a_later_generation_replaces_an_earlier_one_and_not_the_other_way_round(store: EmbeddingStore) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    earlier = store.next_generation(MODEL, [VIDEOS[0]])
    write(store, VIDEOS[0], stretches(vectors), epoch)
    assert store.stretches_are_current(VIDEOS[0], MODEL)
    write(store, VIDEOS[0], stretches(vectors[:2]), epoch, earlier)  # a builder that read the frames before
    found = store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0])
    assert found is not None
    assert len(found) == 4
    assert store.stretches_are_current(VIDEOS[0], MODEL)
    write(store, VIDEOS[0], stretches(vectors[:3]), epoch)
    found = store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0])
    assert found is not None
    assert len(found) == 3


def test_a_clock_that_was_set_back_does_not_hide_new_ones(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    write(store, VIDEOS[0], stretches(vectors[:2]), epoch)
    monkeypatch.setattr("clip_core.store.tables.time.time_ns", lambda: 1000)
    write(store, VIDEOS[0], stretches(vectors), epoch)
    found = store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0])
    assert found is not None
    assert len(found) == 4


def test_two_generations_of_a_crash_are_read_as_the_newest_and_named_outdated(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    write(store, VIDEOS[0], stretches(vectors[:2]), epoch)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("clip_core.store.tables.Table.delete", killed)
        with pytest.raises(KeyboardInterrupt):
            write(store, VIDEOS[0], stretches(vectors), epoch)
    found = store.nearest_stretches(MODEL, vectors[:1])
    assert sorted(places(found)) == [(VIDEOS[0], pts) for pts in (0, 10, 20, 30)]
    assert store.outdated_stretches(MODEL) == [VIDEOS[0]]
    write(store, VIDEOS[0], stretches(vectors), epoch)
    assert store.outdated_stretches(MODEL) == []


def test_what_is_written_of_a_video_that_was_forgotten_meanwhile_is_deleted_again(store: EmbeddingStore) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    store.forget(VIDEOS[0])
    write(store, VIDEOS[0], stretches(vectors), epoch)
    assert store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0]) is None
    again = begin(store, VIDEOS[0], vectors)
    write(store, VIDEOS[0], stretches(vectors), again)
    write(store, VIDEOS[0], stretches(vectors[:1]), epoch, 1)
    found = store.stretches_of([VIDEOS[0]], MODEL).get(VIDEOS[0])
    assert found is not None
    assert len(found) == 4


def test_outdated_are_those_whose_frames_are_not_the_stored_ones(store: EmbeddingStore) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(6, DIM)))
    epochs = [begin(store, video_id, vectors, times=2) for video_id in VIDEOS]  # each frame is stored twice
    assert store.outdated_stretches(MODEL) == [*VIDEOS]
    for video_id, epoch in zip(VIDEOS, epochs, strict=True):
        write(store, video_id, stretches(vectors[:3], 2, np.zeros((3, 2), np.float32)), epoch)
    assert store.outdated_stretches(MODEL, levelled=True) == []
    store.append(VIDEOS[1], MODEL, FrameEmbeddings(np.array([5]), np.array([0.5]), vectors[:1]))
    write(store, VIDEOS[2], stretches(vectors), epochs[2])
    store.forget_frames(VIDEOS[3])
    assert store.outdated_stretches(MODEL) == [VIDEOS[1]]
    assert store.outdated_stretches(MODEL, levelled=True) == [VIDEOS[1], VIDEOS[2]]
    assert [store.stretches_are_current(video_id, MODEL) for video_id in VIDEOS] == [True, False, True, True, True]
    write(store, VIDEOS[4], stretches(vectors), "another")  # of a run that was forgotten: none are left
    assert store.outdated_stretches(MODEL) == [VIDEOS[1], VIDEOS[4]]


@pytest.mark.parametrize("at_once", [64, 4096])
def test_the_nearest_are_those_of_an_exact_comparison(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    for name in ("READ_AT_ONCE", "COMPARED_AT_ONCE"):
        monkeypatch.setattr(stretches_in_memory, name, at_once)
    rng = np.random.default_rng(1)
    vectors, levels = unit(rng.normal(size=(5, 100, DIM))), rng.uniform(0.1, 0.4, size=(5, 100, 2)).astype(np.float32)
    for k, video_id in enumerate(VIDEOS):
        write(store, video_id, stretches(vectors[k], levels=levels[k]), begin(store, video_id, vectors[k]))
        if k == 3:
            store.compact_stretches(MODEL)
    queries, factors = unit(rng.normal(size=(2, DIM))), np.array([[1, 0], [0, 1]], np.float32)
    exact = vectors.reshape(-1, DIM) @ queries.T - levels.reshape(-1, 2) @ factors.T
    best = {*np.argsort(-exact[:, 0])[:20].tolist(), *np.argsort(-exact[:, 1])[:20].tolist()}
    found = store.nearest_stretches(MODEL, queries, factors, limit=20)
    assert {VIDEOS.index(video_id) * 100 + pts // 10 for video_id, pts in places(found)} == best
    order = [VIDEOS.index(video_id) * 100 + pts // 10 for video_id, pts in places(found)]
    np.testing.assert_allclose(found.scores, exact[order], atol=1e-5)
    assert (np.diff(found.scores.max(axis=1)) <= 0).all()
    among = store.nearest_stretches(MODEL, queries[:1], limit=20, videos=VIDEOS[3:])
    cosines = vectors[3:].reshape(-1, DIM) @ queries[0]
    assert places(among) == [(VIDEOS[3 + k // 100], k % 100 * 10) for k in np.argsort(-cosines)[:20]]
    assert len(store.nearest_stretches(MODEL, queries, videos=())) == 0


def test_stretches_without_levels_neither_win_nor_vanish(store: EmbeddingStore) -> None:
    rng = np.random.default_rng(2)
    vectors = unit(rng.normal(size=(2, 50, DIM)))
    levels = np.full((50, 2), 0.3, np.float32)
    write(store, VIDEOS[0], stretches(vectors[0], levels=levels), begin(store, VIDEOS[0], vectors[0]))
    write(store, VIDEOS[1], stretches(vectors[1]), begin(store, VIDEOS[1], vectors[1]))
    query = unit(rng.normal(size=(1, DIM)))
    found = store.nearest_stretches(MODEL, query, np.array([[1, 0]], np.float32), limit=10)
    assert sorted(found.video_ids) == [VIDEOS[0]] * 10 + [VIDEOS[1]] * 10
    of_other = np.array([video_id == VIDEOS[1] for video_id in found.video_ids])
    np.testing.assert_allclose(
        found.scores[of_other, 0], np.sort(vectors[1] @ query[0])[::-1][:10] - 0.3, atol=1e-5
    )  # the usual level stands in


@pytest.mark.parametrize("times", [1, 2])
def test_the_frames_of_stretches_are_read_each_once_also_after_compaction(store: EmbeddingStore, times: int) -> None:
    rng = np.random.default_rng(3)
    vectors = unit(rng.normal(size=(5, 30, DIM)))
    for k, video_id in enumerate(VIDEOS):
        epoch = begin(store, video_id, vectors[k], times)
        write(store, video_id, stretches(vectors[k][::3], 3), epoch)
    for _ in range(2):
        found = store.nearest_stretches(MODEL, unit(rng.normal(size=(1, DIM))), limit=12)
        frames = store.frames_of_stretches(MODEL, found)
        assert frames.places.tolist() == [place for place in range(12) for _ in range(3)]
        for place, (video_id, first) in enumerate(places(found)):
            own = frames.places == place
            assert frames.pts[own].tolist() == [first, first + 10, first + 20]
            assert frames.times_s[own].tolist() == [first / 10, first / 10 + 1, first / 10 + 2]
            stored = vectors[VIDEOS.index(video_id)][first // 10 : first // 10 + 3]
            np.testing.assert_allclose(frames.vectors[own], stored, atol=1e-3)
        store.optimize(MODEL)
        store.forget(found.video_ids[0])


def test_frames_of_a_video_that_is_forgotten_meanwhile_are_left_out(store: EmbeddingStore) -> None:
    vectors = unit(np.random.default_rng(3).normal(size=(2, 4, DIM)))
    for k in (0, 1):
        write(store, VIDEOS[k], stretches(vectors[k]), begin(store, VIDEOS[k], vectors[k]))
    found = store.nearest_stretches(MODEL, vectors[0, :1])
    store.forget(VIDEOS[0])
    frames = store.frames_of_stretches(MODEL, found)
    assert {found.video_ids[place] for place in frames.places} == {VIDEOS[1]}
    store.forget(VIDEOS[1])
    assert len(store.frames_of_stretches(MODEL, found)) == 0
    assert len(store.nearest_stretches(MODEL, vectors[0, :1])) == 0


def test_nothing_stored_answers_with_nothing(store: EmbeddingStore) -> None:
    query = unit(np.ones((1, DIM)))
    assert len(store.nearest_stretches(MODEL, query)) == 0
    assert store.nearest_stretches(MODEL, query).stretches.vectors.shape == (0, DIM)
    assert len(store.frames_of_stretches(MODEL, store.nearest_stretches(MODEL, query))) == 0
    assert store.outdated_stretches(MODEL) == []
    store.compact_stretches(MODEL)
    store.drop_stretches(VIDEOS[0], MODEL)


def test_vectors_of_another_length_are_refused(store: EmbeddingStore) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(4, DIM)))
    epoch = begin(store, VIDEOS[0], vectors)
    write(store, VIDEOS[0], stretches(vectors), epoch)
    with pytest.raises(StoreError, match="8 numbers, and these have 7"):
        write(store, VIDEOS[0], stretches(unit(np.ones((2, 7)))), epoch)
