"""Vectors from elsewhere: out and back gives equal scores, and each wrong row is refused before any is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video, score_prompts
from clip_core.errors import NotIndexedError, ReadOnlyError, VectorsFileError
from clip_core.export.vectors_file import VectorsAbout, VectorsFile, npz_of, parquet_of, read_vectors
from clip_core.indexing import import_vectors as module
from clip_core.indexing.import_vectors import import_vectors, stored_vectors
from clip_core.types import Progress
from tests.support import video_maker
from tests.support.fakes import FakeEncoder

NOTHING = VectorsAbout()
ENCODER = FakeEncoder()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 frames at 30 frames per second."""
    return video_maker.planted(tmp_path_factory.mktemp("films"), "film", 90, video_maker.VideoSpec()).path


@pytest.fixture(scope="module")
def indexed(film: Path, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    store = EmbeddingStore(tmp_path_factory.mktemp("indexed"))
    for _ in index_video(film, ENCODER, store, samples_per_second=10.0):
        pass
    return store


@pytest.fixture(scope="module")
def exported(indexed: EmbeddingStore) -> VectorsFile:
    return stored_vectors(indexed.videos()[0], ENCODER, indexed)


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "embeddings")


def taken(film: Path, file: VectorsFile, store: EmbeddingStore, encoder: FakeEncoder = ENCODER) -> Progress:
    return list(import_vectors(film, file, encoder, store))[-1]


@pytest.mark.parametrize("write", [npz_of, parquet_of])
def test_out_and_back_gives_equal_scores_and_the_same_run(
    film: Path, indexed: EmbeddingStore, exported: VectorsFile, store: EmbeddingStore, tmp_path: Path,
    write: Callable[[VectorsFile], bytes],
) -> None:  # fmt: skip
    (tmp_path / "file").write_bytes(write(exported))
    last = taken(film, read_vectors(tmp_path / "file"), store)
    assert (last.done, last.total, last.stage, last.warnings) == (len(exported), len(exported), "done", ())
    (before,), (after,) = indexed.videos(), store.videos()
    assert after.video_id == before.video_id
    assert after.table.confirmed
    scores = [score_prompts(before.video_id, ["a dog", "pizza"], ENCODER, of) for of in (indexed, store)]
    assert np.array_equal(scores[0].values, scores[1].values)
    assert np.array_equal(scores[0].times_s, scores[1].times_s)
    runs = [of.run(before.video_id, ENCODER.fingerprint) for of in (indexed, store)]
    assert runs[0] is not None
    assert runs[1] is not None
    assert replace(runs[0], epoch="") == replace(runs[1], epoch="")
    pictures = ENCODER.pictures
    assert [p.stage for p in index_video(film, ENCODER, store, samples_per_second=10.0)] == ["done"]
    assert ENCODER.pictures == pictures, "nothing is left to embed"


def test_what_is_stored_stays_and_only_the_rest_is_added(
    film: Path, exported: VectorsFile, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    half = VectorsFile(exported.vectors[::2], exported.times_s, exported.pts, exported.about)
    half = replace(half, times_s=exported.times_s[::2], pts=exported.pts[::2])  # type: ignore[index]
    taken(film, half, store)
    other = replace(exported, vectors=np.roll(exported.vectors, 1, axis=1))
    reports = list(import_vectors(film, other, ENCODER, store))
    assert reports[-1].warnings == (f"{len(half)} frames stored before, and kept as they were.",)
    dones = [report.done for report in reports if report.stage == "dense"]
    assert dones == [*range(len(half) + 10, len(exported), 10), len(exported)], "a commit for each batch"
    found, _ = store.read(store.videos()[0].video_id, ENCODER.fingerprint)
    assert np.abs(found.vectors[::2] - exported.vectors[::2]).max() < 1e-3
    assert np.abs(found.vectors[1::2] - other.vectors[1::2]).max() < 1e-3


def test_times_lead_to_the_nearest_frame_and_vectors_to_unit_length(film: Path, store: EmbeddingStore) -> None:
    times_s = np.arange(0, 3, 0.5) + 0.01
    vectors = np.eye(16, dtype=np.float32)[:6] * 7
    last = taken(film, VectorsFile(vectors, times_s, None), store)
    assert last.warnings == (
        "The file does not name its model; it is taken to be fake.",
        "6 vectors brought to unit length (7 to 7 before).",
    )
    record = store.videos()[0]
    found, _ = store.read(record.video_id, ENCODER.fingerprint)
    assert found.times_s.tolist() == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
    assert np.array_equal(found.vectors, np.eye(16, dtype=np.float32)[:6])
    run = store.run(record.video_id, ENCODER.fingerprint)
    assert run is not None
    assert (run.samples_per_second, run.finished) == (2.0, True), "they reach from the start to the end"


def test_vectors_of_a_part_leave_the_run_unfinished(film: Path, store: EmbeddingStore) -> None:
    taken(film, VectorsFile(np.eye(16, dtype=np.float32)[:3], np.array([0.0, 0.5, 1.0]), None), store)
    run = store.run(store.videos()[0].video_id, ENCODER.fingerprint)
    assert run is not None
    assert not run.finished


def changed(**changes: Callable[[VectorsFile], object]) -> Callable[[VectorsFile], VectorsFile]:
    return lambda file: replace(
        file, **{key: value(file) if callable(value) else value for key, value in changes.items()}
    )


def put(name: str, place: int, value: object) -> Callable[[VectorsFile], VectorsFile]:
    def act(file: VectorsFile) -> VectorsFile:
        array = getattr(file, name).copy()
        array[place] = value
        return replace(file, **{name: array})

    return act


def about(**changes: object) -> Callable[[VectorsFile], VectorsFile]:
    return lambda file: replace(file, about=replace(file.about, **changes))


def times_only(file: VectorsFile, **changes: object) -> VectorsFile:
    return replace(file, pts=None, about=NOTHING)


WRONG: list[tuple[Callable[[VectorsFile], VectorsFile], str]] = [
    (about(fingerprint="00" * 32), "not of fake"),
    (about(fingerprint="", model="other"), "vectors are of other"),
    (about(video_id="cd" * 32), "of another video, cdcdcdcdcdcd"),
    (about(time_base=Fraction(1, 7)), "pts count in 1/7 s"),
    (changed(vectors=lambda file: file.vectors[:, :8]), "have 8 numbers, and those of fake have 16"),
    (put("vectors", 3, np.nan), "^Rows hold what is no number .*: 1 of .*, the first is row 4"),
    (put("vectors", 3, np.inf), "no number"),
    (put("vectors", 2, 0), "zero vectors"),
    (put("times_s", 3, np.nan), "have no time"),
    (put("times_s", 3, 0.0), "go back in time"),
    (put("pts", 3, 0), "go back in time"),
    (put("pts", 3, 7), "no frame of the video has"),
    (put("pts", -1, 2**62), "no frame of the video has"),
    (changed(times_s=lambda file: file.times_s + 0.05), "have a time that is not that of a frame"),
    (lambda file: put("times_s", -1, 99.0)(times_only(file)), "a time at which the video has no frame: 1 of "),
    (lambda file: changed(times_s=lambda f: f.times_s - 1)(times_only(file)), "no frame"),
    (lambda file: changed(times_s=lambda f: f.times_s * 0)(times_only(file)), "same frame as the row before"),
    (lambda file: changed(times_s=lambda f: np.repeat(f.times_s[::2], 2)[: len(f)])(times_only(file)), "same frame"),
]


@pytest.mark.parametrize(("wrong", "what"), WRONG)
def test_a_wrong_file_is_refused_and_nothing_of_it_is_stored(
    film: Path, exported: VectorsFile, store: EmbeddingStore, wrong: Callable[[VectorsFile], VectorsFile], what: str
) -> None:
    with pytest.raises(VectorsFileError, match=what):
        taken(film, wrong(exported), store)
    assert store.videos() == []


def test_a_stopped_import_keeps_its_batches_and_goes_on(
    film: Path, exported: VectorsFile, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 8)
    run = import_vectors(film, exported, ENCODER, store)
    assert next(report for report in run if report.stage == "dense").done == 8
    run.close()  # type: ignore[attr-defined]
    video_id = store.videos()[0].video_id
    state = store.run(video_id, ENCODER.fingerprint)
    assert state is not None
    assert (len(store.stored_pts(video_id, ENCODER.fingerprint)), state.finished) == (8, False)
    taken(film, exported, store)
    assert store.stored_pts(video_id, ENCODER.fingerprint).tolist() == exported.pts.tolist()  # type: ignore[union-attr]


def test_forgotten_meanwhile_busy_and_read_only(film: Path, exported: VectorsFile, store: EmbeddingStore) -> None:
    video_id = exported.about.video_id
    run = import_vectors(film, exported, ENCODER, store)
    next(report for report in run if report.stage == "identifying")
    with store.indexing(video_id, ENCODER.fingerprint), pytest.raises(VectorsFileError, match="being indexed"):
        taken(film, exported, store)
    with pytest.raises(ReadOnlyError):
        taken(film, exported, EmbeddingStore(store.location, read_only=True))
    with pytest.raises(NotIndexedError):
        stored_vectors(store.videos()[0], ENCODER, store)
