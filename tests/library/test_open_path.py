"""A path that a visitor types: what lies in the video folders is opened, and of the rest nothing is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clip_core import EmbeddingStore, index_video
from clip_core.config import Config
from clip_core.errors import VideoError, VideoNotFoundError
from clip_core.library.add_video import open_path
from clip_core.library.videos import list_videos
from tests.support.fakes import FakeEncoder
from tests.support.video_maker import VideoSpec, planted


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    data, secret = tmp_path / "data", tmp_path / "secret"
    touch(data / "trip" / "b.mp4", data / "trip" / "a.MKV", data / "trip" / "notes.txt", data / "trip" / ".hidden.mp4")
    touch(data / "trip" / "deep" / "c.mp4", secret / "out.mp4", data / "top.mp4")
    (data / "trip" / "link.mp4").symlink_to(secret / "out.mp4")
    (data / "door").symlink_to(secret)
    (data / "empty").mkdir()
    return Config(video_dirs=(data,), source=tmp_path / "config.yaml")


def test_a_file_below_a_video_folder_is_opened(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "data" / "trip" / "b.mp4"
    for typed in (str(file), f"  {file} ", "trip/b.mp4", f"{tmp_path}/data/trip/deep/../b.mp4"):
        opened = open_path(typed, config)
        assert not opened.is_folder
        assert [path.resolve() for path in opened.videos] == [file]


def test_of_a_folder_its_videos_and_those_of_its_subfolders_are_listed(config: Config, tmp_path: Path) -> None:
    opened = open_path("trip", config)
    assert opened.is_folder
    assert [path.name for path in opened.videos] == ["a.MKV", "b.mp4", "c.mp4"]
    whole = open_path(str(tmp_path / "data"), config)
    assert whole.videos == (tmp_path / "data" / "top.mp4", *opened.videos)
    assert whole.notes == ("1 linked folder is not followed: door. Name what it leads to, too.",)
    with pytest.raises(VideoNotFoundError, match="no video in empty"):
        open_path("empty", config)


@pytest.mark.parametrize(
    "typed",
    ["{}/secret/out.mp4", "{}/secret", "{}/data/trip/link.mp4", "{}/data/../secret/out.mp4", "door/out.mp4", "door",
     "/etc/passwd", "../secret/out.mp4", "{}/secret/nothing.mp4", "/nowhere/at/all", "~/x.mp4",
     "{}/secret/frame_%05d.png"],
)  # fmt: skip
def test_what_lies_outside_is_refused_whether_it_is_there_or_not(config: Config, tmp_path: Path, typed: str) -> None:
    with pytest.raises(VideoError, match="does not lie in a video folder") as caught:
        open_path(typed.format(tmp_path), config)
    assert not isinstance(caught.value, VideoNotFoundError)
    assert "to video_dirs in config.yaml" in caught.value.next_step


def test_the_refusal_names_the_folder_to_add(config: Config, tmp_path: Path) -> None:
    for typed in (f"{tmp_path}/secret/out.mp4", f"{tmp_path}/secret"):
        with pytest.raises(VideoError) as caught:
            open_path(typed, config)
        assert caught.value.next_step.startswith(f"Add {tmp_path}/secret to video_dirs")


@pytest.mark.parametrize("typed", ["nothing.mp4", "trip/nothing.mp4", "trip/a.MKV/x"])
def test_what_is_not_there_is_told(config: Config, typed: str) -> None:
    with pytest.raises(VideoNotFoundError, match="There is no file"):
        open_path(typed, config)


@pytest.mark.parametrize("typed", ["a\0b", "x" * 5000, "~nobody-of-that-name/x.mp4"])
def test_what_is_no_path_is_told(config: Config, typed: str) -> None:
    with pytest.raises(VideoError):
        open_path(typed, config)


def test_a_pipe_is_no_video(config: Config, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data" / "pipe.mp4")
    with pytest.raises(VideoNotFoundError, match=r"no file pipe\.mp4"):
        open_path("pipe.mp4", config)


def test_what_was_opened_is_listed_once_and_what_was_indexed_stays_listed(config: Config, tmp_path: Path) -> None:
    store, hidden = EmbeddingStore(tmp_path / "store"), tmp_path / "data" / ".kept"
    listed = ["a.MKV", "b.mp4", "c.mp4", "top.mp4"]
    touch(hidden / "d.mp4")
    opened = [*open_path("trip", config).videos, *open_path(".kept", config).videos]
    assert [choice.name for choice in list_videos(config, store, [*opened, *opened])] == [
        *listed[:3],
        "d.mp4",
        "top.mp4",
    ]
    assert [choice.name for choice in list_videos(config, store)] == listed
    video = planted(hidden, "mine", 5, VideoSpec())
    list(index_video(video.path, FakeEncoder(name="one"), store, samples_per_second=5.0))
    assert [choice.path for choice in list_videos(config, store)][3] == video.path
    video.path.unlink()
    assert [choice.name for choice in list_videos(config, store)] == listed


def test_what_was_opened_is_not_listed_when_the_settings_no_longer_allow_it(config: Config, tmp_path: Path) -> None:
    opened = open_path("trip", config).videos
    (tmp_path / "other").mkdir()
    assert list_videos(Config(video_dirs=(tmp_path / "other",)), EmbeddingStore(tmp_path / "store"), opened) == []
