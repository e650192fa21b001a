"""What any store of embeddings must keep: read against a dictionary that is plainly right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import NotIndexedError, StoreError
from clip_core.store.embeddings import Revision
from clip_core.store.store import EmbeddingStore
from clip_core.types import Annotation, FrameEmbeddings, Ints
from tests.store.test_store import record as a_record

VIDEO, OTHER = "ab" * 32, "cd" * 32
MODEL, MODEL_2 = "f0" * 32, "f1" * 32
DIM = 16


def planted(pts: Ints | range, sign: float = 1.0, dim: int = DIM) -> FrameEmbeddings:
    """Vectors that follow from the pts alone, so that a reader can tell a mix-up."""
    pts = np.asarray(pts, dtype=np.int64)
    vectors = sign * np.cos(np.outer(pts % 997 + 1, np.arange(1, dim + 1)))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return FrameEmbeddings(pts, pts / 90_000, vectors)


def assert_planted(found: FrameEmbeddings, pts: Ints | range, sign: float = 1.0) -> None:
    truth = planted(pts, sign)
    assert found.pts.tolist() == truth.pts.tolist()
    assert found.times_s.tolist() == truth.times_s.tolist()
    assert found.vectors.dtype == np.float32
    np.testing.assert_allclose(found.vectors, truth.vectors, atol=5e-4)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1.0, atol=1e-6)


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store can be made: a folder or an address."""
    if request.param == "folder":
        return str(tmp_path / "embeddings")
    return f"s3://{request.getfixturevalue('s3').bucket()}/embeddings"


@pytest.fixture
def store(place: str) -> EmbeddingStore:
    made = EmbeddingStore(place)
    made.begin(VIDEO, MODEL, "sample", 2.0)
    return made


def test_a_batch_comes_back_sorted_and_of_unit_length(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted([9000, 0, 3000]))
    found, revision = store.read(VIDEO, MODEL)
    assert_planted(found, [0, 3000, 9000])
    assert not revision.restarted


def test_an_empty_run_reads_as_nothing_and_a_chain_from_it_sees_the_first_batch(store: EmbeddingStore) -> None:
    nothing, revision = store.read(VIDEO, MODEL)
    assert (len(nothing), nothing.vectors.shape) == (0, (0, 0))
    store.append(VIDEO, MODEL, planted(range(0)))
    assert store.stored_pts(VIDEO, MODEL).tolist() == []
    store.append(VIDEO, MODEL, planted(range(4)))
    found, _ = store.read(VIDEO, MODEL, revision)
    assert_planted(found, range(4))


def test_a_chain_hands_over_each_frame_once_however_often_it_was_appended(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted([5, 1, 3]))
    store.append(VIDEO, MODEL, planted([3, 4]))
    first, revision = store.read(VIDEO, MODEL)
    assert_planted(first, [1, 3, 4, 5])
    store.append(VIDEO, MODEL, planted([4, 2, 5, 2]))
    second, revision = store.read(VIDEO, MODEL, revision)
    assert_planted(second, [2])
    store.append(VIDEO, MODEL, planted([1, 2, 3]))
    third, revision = store.read(VIDEO, MODEL, revision)
    assert third.vectors.shape == (0, DIM)
    assert store.stored_pts(VIDEO, MODEL).tolist() == [1, 2, 3, 4, 5]
    assert_planted(store.read(VIDEO, MODEL)[0], range(1, 6))


def test_a_revision_can_be_used_twice(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted(range(3)))
    _, revision = store.read(VIDEO, MODEL)
    store.append(VIDEO, MODEL, planted(range(3, 6)))
    assert_planted(store.read(VIDEO, MODEL, revision)[0], range(3, 6))
    assert_planted(store.read(VIDEO, MODEL, revision)[0], range(3, 6))


def test_other_videos_and_models_do_not_mix(store: EmbeddingStore) -> None:
    store.begin(VIDEO, MODEL_2, "another of the same size", None)
    store.begin(OTHER, MODEL, "sample", 2.0)
    store.append(VIDEO, MODEL, planted(range(4)))
    store.append(VIDEO, MODEL_2, planted(range(2, 7), sign=-1.0))
    _, revision = store.read(VIDEO, MODEL)
    store.append(OTHER, MODEL, planted(range(50, 53)))
    assert len(store.read(VIDEO, MODEL, revision)[0]) == 0
    assert_planted(store.read(VIDEO, MODEL)[0], range(4))
    assert_planted(store.read(VIDEO, MODEL_2)[0], range(2, 7), sign=-1.0)
    assert_planted(store.read(OTHER, MODEL)[0], range(50, 53))


def test_another_length_of_vector_is_refused_and_nothing_is_lost(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted(range(4)))
    with pytest.raises(StoreError, match=r"have 16 numbers, and these have 12"):
        store.append(VIDEO, MODEL, planted(range(4, 8), dim=12))
    assert store.stored_pts(VIDEO, MODEL).tolist() == [0, 1, 2, 3]


def test_compaction_between_two_reads_neither_hides_nor_repeats(store: EmbeddingStore) -> None:
    for start in range(0, 30, 3):
        store.append(VIDEO, MODEL, planted(range(start, start + 3)))
    _, revision = store.read(VIDEO, MODEL)
    store.append(VIDEO, MODEL, planted(range(30, 33)))
    store.optimize(MODEL)
    store.append(VIDEO, MODEL, planted(range(33, 36)))
    found, revision = store.read(VIDEO, MODEL, revision)
    assert_planted(found, range(30, 36))
    store.finish(VIDEO, MODEL, 2.0)
    store.optimize()
    assert len(store.read(VIDEO, MODEL, revision)[0]) == 0
    assert_planted(store.read(VIDEO, MODEL)[0], range(36))


def test_a_second_object_sees_what_the_first_committed(store: EmbeddingStore) -> None:
    other = EmbeddingStore(store.location)
    store.append(VIDEO, MODEL, planted(range(4)))
    _, revision = other.read(VIDEO, MODEL)
    store.append(VIDEO, MODEL, planted(range(4, 6)))
    assert other.stored_pts(VIDEO, MODEL).tolist() == [0, 1, 2, 3, 4, 5]
    assert_planted(other.read(VIDEO, MODEL, revision)[0], range(4, 6))
    assert_planted(store.read(VIDEO, MODEL, revision)[0], range(4, 6))


def test_after_forget_and_a_new_run_an_old_revision_starts_over_and_says_so(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted(range(6)))
    _, old = store.read(VIDEO, MODEL)
    store.forget(VIDEO)
    with pytest.raises(NotIndexedError, match=r"never indexed"):
        store.read(VIDEO, MODEL, old)
    store.begin(VIDEO, MODEL, "sample", 1.0)
    store.append(VIDEO, MODEL, planted(range(2, 4)))
    found, new = store.read(VIDEO, MODEL, old)
    assert_planted(found, [2, 3])
    assert new.restarted
    again, newer = store.read(VIDEO, MODEL, new)
    assert (len(again), newer.restarted) == (0, False)


def test_beginning_again_keeps_the_chain(store: EmbeddingStore) -> None:
    store.append(VIDEO, MODEL, planted(range(3)))
    _, revision = store.read(VIDEO, MODEL)
    store.begin(VIDEO, MODEL, "sample", 5.0)
    store.append(VIDEO, MODEL, planted(range(3, 5)))
    found, revision = store.read(VIDEO, MODEL, revision)
    assert_planted(found, [3, 4])
    assert not revision.restarted


@pytest.mark.parametrize("video_id", [VIDEO, "x' OR '1'='1", ""])
def test_what_was_never_begun_is_not_indexed(place: str, video_id: str) -> None:
    store = EmbeddingStore(place)
    kind = NotIndexedError if video_id == VIDEO else StoreError
    with pytest.raises(kind, match=r"never indexed|is not an id"):
        store.read(video_id, MODEL)
    assert not Path(place).exists()
    assert store._tables.names() == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_history_reads_like_a_dictionary(place: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stores = [EmbeddingStore(place), EmbeddingStore(place)]
    stores[0].begin(VIDEO, MODEL, "sample", None)
    truth: set[int] = set()
    read: set[int] = set()
    revision: Revision | None = None
    for _ in range(60 if Path(place).is_absolute() else 30):
        store = stores[rng.integers(2)]
        what = rng.choice(
            ["append", "append", "append", "read", "read", "optimize", "forget"],
            p=[0.2, 0.2, 0.2, 0.17, 0.15, 0.05, 0.03],
        )
        if what == "append":
            pts = rng.integers(0, 200, size=rng.integers(1, 9))
            store.append(VIDEO, MODEL, planted(pts))
            truth |= set(pts.tolist())
        elif what == "optimize":
            store.optimize(MODEL)
        elif what == "forget":
            store.forget(VIDEO)
            store.begin(VIDEO, MODEL, "sample", None)
            truth = set()
        else:
            found, revision = store.read(VIDEO, MODEL, revision)
            read = set() if revision.restarted else read
            assert read.isdisjoint(found.pts.tolist())
            read |= set(found.pts.tolist())
            assert read == truth
            if len(found):
                assert_planted(found, found.pts)
    assert stores[0].stored_pts(VIDEO, MODEL).tolist() == sorted(truth)


def test_thumbnails_belong_to_the_video_whatever_the_model(store: EmbeddingStore) -> None:
    assert store.thumbnails(VIDEO, [0]) == {}
    assert store.thumbnail_pts(VIDEO).tolist() == []
    store.append_thumbnails(VIDEO, {3000: b"three", 0: b"none"})
    store.append_thumbnails(VIDEO, {3000: b"three", 6000: b"six"})
    store.append_thumbnails(OTHER, {3000: b"other"})
    store.append_thumbnails(VIDEO, {})
    assert store.thumbnail_pts(VIDEO).tolist() == [0, 3000, 6000]
    assert store.thumbnails(VIDEO, [6000, 3000, 9000, 3000]) == {3000: b"three", 6000: b"six"}
    assert store.thumbnails(OTHER, [3000]) == {3000: b"other"}
    many = range(0, 120_000, 100)
    store.append_thumbnails(OTHER, {pts: str(pts).encode() for pts in many})
    assert store.thumbnails(OTHER, [*many])[119_900] == b"119900"
    assert len(store.thumbnails(OTHER, [*many])) == 1200


def test_thumbnails_are_counted_and_forgotten_with_the_video(store: EmbeddingStore) -> None:
    store.remember_video(a_record(VIDEO))
    before = store.usage()[0].size_bytes
    store.append_thumbnails(VIDEO, {0: bytes(1000), 1: bytes(500)})
    store.append_thumbnails(OTHER, {0: b"other"})
    assert store.usage()[0].size_bytes == before + 1500
    store.forget(VIDEO)
    assert store.thumbnail_pts(VIDEO).tolist() == []
    assert store.thumbnail_pts(OTHER).tolist() == [0]


def test_of_edits_to_one_moment_the_newest_counts_until_it_is_withdrawn(store: EmbeddingStore) -> None:
    assert store.annotations(VIDEO) == ()
    first = Annotation("a “dog”\n=1", 4.25, 4.0, 4.5, "rejected", settings={"unit": "z", "threshold": 2.5})
    second = Annotation("a “dog”\n=1", 4.25, 3.5, 5.0, "accepted", "barks", {"unit": "cosine"})
    other = Annotation("pizza", 1.0, 0.5, 1.5, "added")
    for annotation in (first, other, second):
        store.put_annotation(VIDEO, annotation)
    assert store.annotations(VIDEO) == (other, second)
    assert store.annotations(OTHER) == ()
    again = EmbeddingStore(store.location)
    assert again.annotations(VIDEO)[1].settings == {"unit": "cosine"}
    again.withdraw_annotation(VIDEO, second)
    assert store.annotations(VIDEO) == (other,)
    store.put_annotation(VIDEO, first)
    assert store.annotations(VIDEO) == (other, first)
    store.forget(VIDEO)
    assert store.annotations(VIDEO) == ()
