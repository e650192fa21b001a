"""Files that were moved are found again by their bytes, and only their paths change."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.errors import ReadOnlyError
from clip_core.library import relink as module
from clip_core.library.identify import known_video
from clip_core.library.relink import offline_videos, relink
from clip_core.types import Progress, VideoRecord
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, planted

ENCODER = FakeEncoder()


@pytest.fixture
def library(tmp_path: Path) -> tuple[EmbeddingStore, list[Path]]:
    """Three indexed videos of different lengths, in a folder that is about to move."""
    store = EmbeddingStore(tmp_path / "store")
    (tmp_path / "old").mkdir()
    paths = [planted(tmp_path / "old", f"film{n}", 20 + 5 * n, VideoSpec()).path for n in range(3)]
    for path in paths:
        list(index_video(path, ENCODER, store, samples_per_second=5.0))
    return store, paths


def without_path(record: VideoRecord) -> list[object]:
    table = record.table
    values = [getattr(record, field.name) for field in fields(record) if field.name not in ("path", "table")]
    return [*values, table.pts.tolist(), table.confirmed]


def last(reports: object) -> Progress:
    return list(reports)[-1]  # type: ignore[call-overload, no-any-return]


def test_what_moved_gets_its_new_path_and_nothing_else_changes(
    library: tuple[EmbeddingStore, list[Path]], tmp_path: Path
) -> None:
    store, paths = library
    before = {record.video_id: record for record in store.videos()}
    vectors = {i: store.read(i, ENCODER.fingerprint)[0].vectors for i in before}
    new = tmp_path / "new"
    new.mkdir()
    moved = [paths[0].rename(new / "other name.mp4"), paths[1].rename(new / paths[1].name)]
    lookalike = new / "same size.mp4"
    lookalike.write_bytes(bytes(moved[0].stat().st_size))
    (new / "notes.mp4").write_bytes(b"no video")
    assert {record.name for record in offline_videos(store.summaries())} == {"film0.mp4", "film1.mp4"}
    final = last(relink([lookalike, new / "vanished.mp4", *sorted(new.iterdir())], store))
    assert (final.stage, final.note) == ("done", "2 of 2 offline videos were found.")
    after = {record.video_id: record for record in store.videos()}
    assert {record.path for record in after.values()} == {str(moved[0]), str(moved[1]), str(paths[2])}
    for video_id, record in after.items():
        assert without_path(record) == without_path(before[video_id])
        assert np.array_equal(store.read(video_id, ENCODER.fingerprint)[0].vectors, vectors[video_id])
    assert offline_videos(store.summaries()) == []
    found = known_video(moved[0], store)  # without hashing it once more
    assert found is not None
    assert found.video_id in before


def test_only_files_of_the_right_size_are_read(
    library: tuple[EmbeddingStore, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, paths = library
    new = tmp_path / "new"
    new.mkdir()
    moved = shutil.move(paths[0], new / "a.mp4")
    others = [new / f"other{n}.mp4" for n in range(5)]
    for n, other in enumerate(others):
        other.write_bytes(bytes(100 + n))
    read: list[Path] = []
    hashing = module.hashing
    monkeypatch.setattr(module, "hashing", lambda path: (read.append(path), hashing(path))[1])
    assert last(relink([*others, Path(moved)], store)).note == "1 of 1 offline video was found."
    assert read == [new / "a.mp4"]
    assert last(relink([*others, Path(moved)], store)).note == "0 of 0 offline videos were found."


def test_it_stops_when_it_is_closed_and_a_file_that_changes_meanwhile_is_no_match(
    library: tuple[EmbeddingStore, list[Path]], tmp_path: Path
) -> None:
    store, paths = library
    paths[0].unlink()
    grown = tmp_path / "grown.mp4"
    shutil.copy(paths[1], grown)
    shutil.move(paths[1], tmp_path / "gone.mp4")
    reports = relink([grown], store)
    assert next(reports).total == grown.stat().st_size
    next(reports)  # it has been read
    with grown.open("ab") as file:
        file.write(b"more")
    assert last(reports).note == "0 of 2 offline videos were found."
    reports = relink([tmp_path / "gone.mp4"], store)
    next(reports)
    reports.close()
    assert len(offline_videos(store.summaries())) == 2


def test_a_video_that_was_forgotten_meanwhile_stays_forgotten(
    library: tuple[EmbeddingStore, list[Path]], tmp_path: Path
) -> None:
    store, paths = library
    video = known_video(paths[0], store)
    assert video is not None
    moved = paths[0].rename(tmp_path / "moved.mp4")
    reports = relink([moved], store)
    next(reports)
    store.forget(video.video_id)
    assert last(reports).note == "0 of 1 offline video was found."
    assert store.video(video.video_id) is None


def test_a_read_only_store_refuses(library: tuple[EmbeddingStore, list[Path]]) -> None:
    store, _ = library
    with pytest.raises(ReadOnlyError):
        next(relink([], EmbeddingStore(store.location, read_only=True)))
