"""Which videos the page offers, and which paths it accepts."""

import errno
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.config import Config
from clip_core.errors import VideoError
from clip_core.library.add_video import add_upload
from clip_core.library.videos import configured_video, is_allowed, list_videos, uploads_folder
from tests.support import video_maker


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


def test_the_configured_video_first_then_the_folders_by_name(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data", "b.MP4", "a.webm", "notes.txt", ".hidden.mp4", "sample.mp4")
    touch(tmp_path / "elsewhere", "mine.mkv")
    config = Config(video_dirs=(tmp_path / "data", tmp_path / "missing"), video_path=tmp_path / "elsewhere/mine.mkv")
    assert [choice.name for choice in list_videos(config, store)] == ["mine.mkv", "a.webm", "b.MP4", "sample.mp4"]


def test_two_videos_of_one_name_are_told_apart(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "one", "v.mp4")
    touch(tmp_path / "two", "v.mp4")
    config = Config(video_dirs=(tmp_path / "one", tmp_path / "two"))
    assert [(choice.name, choice.path.parent.name) for choice in list_videos(config, store)] == [
        ("v.mp4", "one"),
        ("v.mp4 (2)", "two"),
    ]


def test_the_configured_video_is_listed_once(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data", "v.mp4")
    config = Config(video_dirs=(tmp_path / "data",), video_path=tmp_path / "data" / ".." / "data" / "v.mp4")
    assert [choice.name for choice in list_videos(config, store)] == ["v.mp4"]


def test_uploads_have_the_visitors_names(tmp_path: Path, store: EmbeddingStore) -> None:
    video = video_maker.planted(tmp_path, "v", 5, video_maker.VideoSpec())
    config = Config(video_dirs=(tmp_path / "data",))
    data = video.path.read_bytes()
    path = add_upload(io.BytesIO(data), len(data), "holiday.mp4", uploads_folder(config), store)
    assert [(choice.name, choice.path) for choice in list_videos(config, store)] == [("holiday.mp4", path)]


def test_only_what_really_lies_below_the_folders_is_allowed(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data" / "deep", "in.mp4")
    touch(tmp_path / "secret", "out.mp4")
    (tmp_path / "data" / "link.mp4").symlink_to(tmp_path / "secret" / "out.mp4")
    config = Config(video_dirs=(tmp_path / "data",))
    assert is_allowed(tmp_path / "data/deep/in.mp4", config)
    assert not is_allowed(tmp_path / "secret/out.mp4", config)
    assert not is_allowed(tmp_path / "data/../secret/out.mp4", config)
    assert not is_allowed(tmp_path / "data/link.mp4", config)
    assert [choice.name for choice in list_videos(config, store)] == ["in.mp4"]
    assert is_allowed(tmp_path / "secret/out.mp4", Config(video_path=tmp_path / "secret/out.mp4"))


def test_numbered_images_are_one_video_and_single_animations_are_listed(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data", *(f"f_{n:03d}.png" for n in range(5)), *(f"w{n}.webp" for n in range(3)))
    touch(tmp_path / "data", "one.webp", "moving.gif", "photo.jpg", "v.mp4")
    config = Config(video_dirs=(tmp_path / "data",), sequence_fps=29.97)
    names = ["f_%03d.png@29.97", "moving.gif", "one.webp", "v.mp4", "w%d.webp@29.97"]
    assert [choice.name for choice in list_videos(config, store)] == names
    assert list_videos(config, store)[0].path == tmp_path / "data" / "f_%03d.png@29.97"


def test_a_sequence_is_allowed_if_all_its_pictures_are(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data", "f1.png", "f2.png", "g1.png", "g2.png")
    touch(tmp_path / "secret", "f1.png", "f2.png")
    (tmp_path / "data" / "g3.png").symlink_to(tmp_path / "secret" / "f1.png")
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    config = Config(video_dirs=(tmp_path / "data",))
    assert is_allowed(tmp_path / "data/f%d.png@24", config)
    for path in ("secret/f%d.png", "data/../secret/f%d.png", "data/link/f%d.png", "data/g%d.png"):
        assert not is_allowed(tmp_path / path, config), path
    assert [choice.name for choice in list_videos(config, store)] == ["f%d.png@25"]
    assert is_allowed(tmp_path / "secret/f%d.png@24", Config(video_path=tmp_path / "secret/f%d.png@24"))


def test_a_configured_sequence_gets_the_configured_rate(tmp_path: Path, store: EmbeddingStore) -> None:
    touch(tmp_path / "data", "f1.png", "f2.png")
    config = Config(video_path=tmp_path / "data" / "f%d.png", video_dirs=(tmp_path / "data",), sequence_fps=12.5)
    (choice,) = list_videos(config, store)
    assert choice.path == tmp_path / "data" / "f%d.png@12.5"
    assert is_allowed(choice.path, config)
    assert configured_video(replace(config, video_path=tmp_path / "v.mp4")) == tmp_path / "v.mp4"
    assert configured_video(Config()) is None


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "shut", "a.mp4")
    config = Config(video_dirs=(tmp_path / "shut",))
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(
        VideoError, match=r"folder .*shut cannot be listed \(Permission denied\).*take it out of video_dirs"
    ):
        list_videos(config, store)
    monkeypatch.setattr(os, "scandir", scandir)
    assert [choice.name for choice in list_videos(config, store)] == ["a.mp4"]
    monkeypatch.setattr(Path, "is_dir", refuse)
    with pytest.raises(VideoError, match=r"folder .*shut cannot be listed"):
        list_videos(config, store)
