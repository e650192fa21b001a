"""An upload is kept once, under its hash, and nothing of its name gets into the path."""

import hashlib
import io
import os
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from clip_core import EmbeddingStore, index_video, open_video
from clip_core.errors import StoreError, StoreFullError, VideoError
from clip_core.library.add_video import add_upload
from clip_core.library.folders import EXTENSIONS
from clip_core.library.identify import known_video
from tests.support import video_maker
from tests.support.fakes import FakeEncoder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> video_maker.PlantedVideo:
    return video_maker.planted(tmp_path_factory.mktemp("v"), "v", 30, video_maker.VideoSpec())


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


def upload(data: bytes, name: str, folder: Path, store: EmbeddingStore) -> Path:
    return add_upload(io.BytesIO(data), len(data), name, folder, store)


@pytest.mark.parametrize(
    "name", ["holiday.mp4", "../../etc/passwd", "a 'b' \"c\".avi", "наш 🐕.mp4", "x" * 300, "a\nb"]
)
def test_it_lies_under_its_hash_with_the_extension_of_its_container(
    video: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path, name: str
) -> None:
    data = video.path.read_bytes()
    path = upload(data, name, tmp_path / "uploads", store)
    assert path == tmp_path / "uploads" / f"{hashlib.sha256(data).hexdigest()}.mp4"
    assert path.read_bytes() == data
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    record = known_video(path, store)
    assert record is not None
    assert record.path == str(path)
    assert "/" not in record.name
    assert "\n" not in record.name
    if name == "holiday.mp4":
        assert record.name == name


def test_the_same_bytes_are_kept_once(video: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path) -> None:
    data = video.path.read_bytes()
    first = upload(data, "one.mp4", tmp_path, store)
    stamp = first.stat().st_mtime_ns
    assert upload(data, "two.mp4", tmp_path, store) == first
    assert first.stat().st_mtime_ns == stamp
    assert len([p for p in tmp_path.iterdir() if p.is_file()]) == 1


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"ffconcat version 1.0\nfile 'other.mp4'\n", b"#EXTM3U\n/etc/passwd\n"]
)
def test_what_is_no_video_is_not_kept_and_named_as_the_visitor_names_it(
    store: EmbeddingStore, tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(VideoError, match=r"mine\.mp4"):
        upload(data, "mine.mp4", tmp_path / "u", store)
    assert list((tmp_path / "u").iterdir()) == []


def test_no_room_is_seen_before_anything_is_copied(
    store: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(StoreFullError, match=r"no room for big\.mp4: it has 2 GB, but only 1 MB are free"):
        add_upload(io.BytesIO(b"x"), 2_000_000_000, "big.mp4", tmp_path / "u", store)
    assert list((tmp_path / "u").iterdir()) == []


def test_a_folder_that_cannot_be_made(store: EmbeddingStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Uploads cannot be kept in uploads"):
        upload(b"x", "a.mp4", tmp_path / "file" / "uploads", store)


def test_a_broken_transfer_leaves_nothing(store: EmbeddingStore, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StoreFullError, match="could not be kept: Input/output error"):
        add_upload(Broken(), 10, "a.mp4", tmp_path / "u", store)
    assert list((tmp_path / "u").iterdir()) == []


def test_progress_counts_bytes(video: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path) -> None:
    data, seen = video.path.read_bytes(), []
    add_upload(io.BytesIO(data), len(data), "a.mp4", tmp_path, store, seen.append)
    assert seen[-1] == len(data)


def test_the_same_bytes_again_leave_a_confirmed_table_alone(
    video: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path
) -> None:
    path = upload(video.path.read_bytes(), "one.mp4", tmp_path, store)
    list(index_video(path, FakeEncoder(), store, samples_per_second=5.0))
    upload(video.path.read_bytes(), "two.mp4", tmp_path, store)
    record = known_video(path, store)
    assert record is not None
    assert (record.name, record.table.confirmed) == ("two.mp4", True)


def test_an_upload_whose_file_was_changed_is_put_right(
    video: video_maker.PlantedVideo, store: EmbeddingStore, tmp_path: Path
) -> None:
    data = video.path.read_bytes()
    path = upload(data, "one.mp4", tmp_path, store)
    path.write_bytes(data[:-1000])
    inode = path.stat().st_ino
    assert upload(data, "two.mp4", tmp_path, store) == path
    assert path.read_bytes() == data
    assert path.stat().st_ino != inode
    os.utime(path)  # the same bytes: somebody may be reading it
    inode = path.stat().st_ino
    upload(data, "three.mp4", tmp_path, store)
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("pyav", [True, False])
def test_animations_are_taken_in(
    store: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, pyav: bool
) -> None:
    if not pyav:
        monkeypatch.setitem(sys.modules, "av", None)
    pictures = [video_maker.number_picture(n) for n in range(4)]
    video_maker.write_animation(tmp_path / f"a.{kind}", pictures, [100] * 4)
    path = upload((tmp_path / f"a.{kind}").read_bytes(), "named.mp4", tmp_path / "uploads", store)
    assert path.suffix == f".{kind}"
    record = known_video(path, store)
    assert record is not None
    assert (record.name, record.container) == ("named.mp4", kind)


@pytest.mark.parametrize(
    ("extension", "codec", "kept_as"),
    [
        (".flv", "libx264", "flv"), (".mpg", "mpeg2video", "mpg"), (".wmv", "wmv2", "wmv"), (".3gp", "libx264", "mp4"),
        (".mts", "libx264", "ts"), (".ogv", "libvpx", "ogv"), (".vob", "mpeg2video", "mpg"),
    ],
)  # fmt: skip
def test_every_container_that_may_be_uploaded_opens(
    store: EmbeddingStore, tmp_path: Path, extension: str, codec: str, kept_as: str
) -> None:
    assert extension in EXTENSIONS
    made = video_maker.planted(tmp_path, "made", 20, video_maker.VideoSpec(extension, codec))
    path = upload(made.path.read_bytes(), made.path.name, tmp_path / "uploads", store)
    assert path.suffix == f".{kept_as}"
    with open_video(path) as video:
        assert len(list(video.frames())) == 20
