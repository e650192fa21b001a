"""Stretches of everything stored: built once, again when frames are added, without a model that can be asked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core.errors import EncoderError, StoreError
from clip_core.retrieval import build_stretches
from clip_core.retrieval.build_stretches import refresh_stretches
from clip_core.retrieval.search import search
from clip_core.scoring.null_bank import bank_levels, bank_texts
from clip_core.store.store import EmbeddingStore
from clip_core.stretches import StretchSummary
from clip_core.types import Floats, FrameEmbeddings, TimeTable, VideoRecord
from tests.support.fakes import FakeEncoder
from tests.support.records import HEADER

DIM, EACH = 32, 10
VIDEOS = tuple(f"{number:064x}" for number in range(5))


def unit(values: np.ndarray) -> Floats:
    return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)


def add_video(store: EmbeddingStore, encoder: FakeEncoder, video_id: str, pictures: Floats) -> Floats:
    """Store a video that shows each picture for ten samples at two a second; return the vectors of its frames."""
    n = len(pictures) * EACH
    table = TimeTable(np.arange(2 * n), Fraction(1, 4), 0, n / 2, True, np.array([0]))
    record = VideoRecord(
        video_id=video_id, path="x", name=video_id, table=table, unreadable_after_s=None, added_s=1.0, **HEADER
    )
    store.remember_video(record)
    store.begin(video_id, encoder.fingerprint, encoder.id, 2.0)
    noise = np.random.default_rng(len(pictures)).normal(size=(n, DIM))
    vectors = unit(np.repeat(pictures, EACH, axis=0) + 0.02 * noise)
    store.append(video_id, encoder.fingerprint, FrameEmbeddings(np.arange(n) * 2, np.arange(n) / 2, vectors))
    return vectors


def built(store: EmbeddingStore, encoder: FakeEncoder) -> dict[str, list[int]]:
    found = store.stretches_of(VIDEOS, encoder.fingerprint)
    return {video_id: own.counts.tolist() for video_id, own in found.items()}


class SilentEncoder(FakeEncoder):
    """A model on a server that does not answer."""

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        raise EncoderError("The server does not answer.", "Try again.")


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


def test_what_is_missing_or_outdated_is_built_and_nothing_else(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_stretches, "FRAMES_AT_ONCE", 60)
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(20, DIM)))
    for k, video_id in enumerate(VIDEOS):
        add_video(store, encoder, video_id, pictures[3 * k : 3 * k + 3])
    reports = list(refresh_stretches(store, encoder))
    assert [(report.done, report.total) for report in reports] == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert built(store, encoder) == dict.fromkeys(VIDEOS, [EACH] * 3)
    assert [(report.total, report.stage) for report in refresh_stretches(store, encoder)] == [(0, "done")]
    later = FrameEmbeddings(np.array([60]), np.array([15.0]), pictures[19:])
    store.append(VIDEOS[1], encoder.fingerprint, later)
    store.forget(VIDEOS[4])
    assert [report.total for report in refresh_stretches(store, encoder)] == [1, 1]
    assert built(store, encoder) == dict.fromkeys([VIDEOS[0], *VIDEOS[2:4]], [EACH] * 3) | {VIDEOS[1]: [EACH] * 3 + [1]}


def test_the_levels_are_the_mean_levels_of_the_frames(store: EmbeddingStore) -> None:
    encoder = FakeEncoder(DIM)
    vectors = add_video(store, encoder, VIDEOS[0], unit(np.random.default_rng(0).normal(size=(2, DIM))))
    for _ in refresh_stretches(store, encoder):
        pass
    found = store.stretches_of([VIDEOS[0]], encoder.fingerprint).get(VIDEOS[0])
    assert found is not None
    assert found.levels is not None
    for column, kind in enumerate(("names", "captions")):
        texts = encoder.embed_texts(bank_texts(kind))  # type: ignore[arg-type]
        levels = bank_levels(vectors @ texts.T, 60.0).level.reshape(2, EACH).mean(axis=1)
        np.testing.assert_allclose(found.levels[:, column], levels, atol=2e-3)


def test_without_a_model_to_ask_they_have_no_levels_until_it_answers(store: EmbeddingStore) -> None:
    silent, encoder = SilentEncoder(DIM), FakeEncoder(DIM)
    pictures = unit(np.random.default_rng(0).normal(size=(2, DIM)))
    add_video(store, encoder, VIDEOS[0], pictures)
    for _ in refresh_stretches(store, silent):
        pass
    found = store.nearest_stretches(encoder.fingerprint, pictures[:1], np.array([[1, 0]], np.float32))
    assert (found.stretches.first_pts[0], found.stretches.levels) == (0, None)
    assert [report.total for report in refresh_stretches(store, silent)] == [0]
    assert [report.total for report in refresh_stretches(store, encoder)] == [1, 1]
    found = store.nearest_stretches(encoder.fingerprint, pictures[:1], np.array([[1, 0]], np.float32))
    assert found.stretches.levels is not None


def test_a_video_that_is_forgotten_and_indexed_again_while_its_stretches_are_built(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(5, DIM)))
    add_video(store, encoder, VIDEOS[0], pictures[:3])
    write = store.write_stretches

    def forget_first(*given: object) -> None:
        monkeypatch.undo()
        store.forget(VIDEOS[0])
        add_video(store, encoder, VIDEOS[0], pictures[3:])
        write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "write_stretches", forget_first)
    for _ in refresh_stretches(store, encoder):
        pass
    assert built(store, encoder) == {}
    for _ in refresh_stretches(store, encoder):
        pass
    assert built(store, encoder) == {VIDEOS[0]: [EACH] * 2}


def test_a_read_only_store_is_left_as_it_is(store: EmbeddingStore, tmp_path: Path) -> None:
    encoder = FakeEncoder(DIM)
    add_video(store, encoder, VIDEOS[0], unit(np.random.default_rng(0).normal(size=(2, DIM))))
    reports = list(refresh_stretches(EmbeddingStore(tmp_path / "store", read_only=True), encoder))
    assert [(report.total, report.stage) for report in reports] == [(0, "done")]
    assert built(store, encoder) == {}


@pytest.mark.parametrize("prefix", ["stretches16", "summaries"])
@pytest.mark.parametrize("files", ["_versions/*.manifest", "data/*.lance"])
@pytest.mark.parametrize("damage", ["cut", "gone", "table gone"])
def test_damaged_stretches_are_made_again_from_the_frames(
    store: EmbeddingStore, prefix: str, files: str, damage: str
) -> None:
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(6, DIM)))
    add_video(store, encoder, VIDEOS[0], pictures[:3])
    add_video(store, encoder, VIDEOS[1], pictures[3:])
    known = search("a dog", store, encoder)
    assert len(known.hits) > 1
    table = Path(store.location, f"{prefix}_{encoder.fingerprint}.lance")
    for file in table.glob(files):
        content = file.read_bytes()
        file.unlink()
        if damage == "cut":
            file.write_bytes(content[:-4])
    if damage == "table gone":
        shutil.rmtree(table)
    again = EmbeddingStore(store.location)
    assert search("a dog", again, encoder) == known
    again.optimize(encoder.fingerprint)
    assert built(again, encoder) == dict.fromkeys(VIDEOS[:2], [EACH] * 3)


def test_a_video_is_forgotten_and_another_stored_though_the_stretches_are_damaged(store: EmbeddingStore) -> None:
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(6, DIM)))
    for k in range(2):
        add_video(store, encoder, VIDEOS[k], pictures[3 * k : 3 * k + 3])
    assert [report.total for report in refresh_stretches(store, encoder)] == [2, 2]
    for newest in Path(store.location, f"stretches16_{encoder.fingerprint}.lance").glob("_versions/*"):
        newest.write_bytes(b"")
    again = EmbeddingStore(store.location)
    again.forget(VIDEOS[0])
    assert [report.total for report in refresh_stretches(again, encoder)] == [1, 1]
    assert built(again, encoder) == {VIDEOS[1]: [EACH] * 3}


def test_a_read_only_store_and_damaged_frames_are_told_and_nothing_is_deleted(store: EmbeddingStore) -> None:
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(3, DIM)))
    add_video(store, encoder, VIDEOS[0], pictures)
    search("a dog", store, encoder)
    frames, stretches = (Path(store.location, f"{p}_{encoder.fingerprint}.lance") for p in ("frames", "stretches16"))
    kept = sorted(stretches.rglob("*"))
    for place, read_only in ((frames, False), (stretches, True)):
        newest = min(place.glob("_versions/*.manifest"))
        content = newest.read_bytes()
        newest.write_bytes(content[:-4])
        with pytest.raises(StoreError, match="a file of them is damaged"):
            search("a dog", EmbeddingStore(store.location, read_only=read_only), encoder)
        newest.write_bytes(content)
    assert sorted(stretches.rglob("*")) == kept


def test_no_summary_is_left_of_a_video_that_is_forgotten_while_its_stretches_are_built(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, pictures = FakeEncoder(DIM), unit(np.random.default_rng(0).normal(size=(3, DIM)))
    add_video(store, encoder, VIDEOS[0], pictures)
    write = store.write_stretch_summaries

    def forget_first(fingerprint: str, summaries: Mapping[str, StretchSummary]) -> None:
        store.forget(VIDEOS[0])
        write(fingerprint, summaries)

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_stretch_summaries", forget_first)
        for _ in refresh_stretches(store, encoder):
            pass
    assert (store.stretch_summaries(encoder.fingerprint), built(store, encoder)) == ({}, {})
    write(encoder.fingerprint, {VIDEOS[0]: StretchSummary(3)})  # as a process that was killed leaves it
    assert [report.total for report in refresh_stretches(store, encoder)] == [1, 1]
    assert store.stretch_summaries(encoder.fingerprint) == {}
