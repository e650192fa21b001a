"""A video is its bytes; they are hashed once."""

import hashlib
from collections.abc import Generator
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.errors import VideoChangedError, VideoNotFoundError
from clip_core.library import identify as room
from clip_core.library.identify import identify, known_video, stamp_of
from clip_core.video.watched import WatchedFile


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


def found(path: Path, store: EmbeddingStore) -> tuple[str, list[str]]:
    notes, steps = [], identify(path, store, WatchedFile(path))
    while True:
        try:
            notes.append(next(steps))
        except StopIteration as end:
            return end.value, notes


def test_the_id_is_the_sha256_and_is_remembered(
    tmp_path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"abc" * 1000)
    assert found(path, store) == (hashlib.sha256(b"abc" * 1000).hexdigest(), [])

    def forbidden(file: WatchedFile) -> None:
        raise AssertionError("hashed twice")

    monkeypatch.setattr(WatchedFile, "hashing", forbidden)
    assert found(path, store)[0] == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_a_changed_file_is_hashed_again(tmp_path: Path, store: EmbeddingStore) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"one")
    found(path, store)
    path.write_bytes(b"another")
    assert found(path, store)[0] == hashlib.sha256(b"another").hexdigest()


def test_a_long_file_says_how_far_it_is(tmp_path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(bytes(9 * 1024 * 1024))
    monkeypatch.setattr(room, "SILENT_S", -1.0)
    assert found(path, store)[1] == [
        f"Reading the file: {read} of 9.44 MB" for read in ("4.19 MB", "8.39 MB", "9.44 MB")
    ]


def test_a_file_that_grows_under_our_eyes_is_not_remembered(
    tmp_path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"one")
    real = WatchedFile.hashing

    def growing(file: WatchedFile) -> Generator[int, None, str]:
        yield from real(file)
        path.write_bytes(b"one and more")
        return "f" * 64

    monkeypatch.setattr(WatchedFile, "hashing", growing)
    assert found(path, store) == ("f" * 64, [])
    assert store.known_id(path, path.stat().st_size, path.stat().st_mtime_ns) is None


def test_a_missing_file_and_one_never_seen(tmp_path: Path, store: EmbeddingStore) -> None:
    with pytest.raises(VideoNotFoundError, match=r"no file gone\.mp4"):
        known_video(tmp_path / "gone.mp4", store)
    (tmp_path / "new.mp4").write_bytes(b"x")
    assert known_video(tmp_path / "new.mp4", store) is None


def test_the_stamp_of_what_is_still_the_same_video(tmp_path: Path, store: EmbeddingStore) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"one")
    video_id, _ = found(path, store)
    assert stamp_of(path, video_id, store) == (3, path.stat().st_mtime_ns)
    with pytest.raises(VideoChangedError, match=r"v\.mp4 was changed since it was indexed\. Open it again\."):
        stamp_of(path, "0" * 64, store)
    path.write_bytes(b"another")
    with pytest.raises(VideoChangedError, match=r"v\.mp4 was changed since it was indexed"):
        stamp_of(path, video_id, store)
    path.unlink()
    with pytest.raises(VideoNotFoundError):
        stamp_of(path, video_id, store)
