"""Folders with their subfolders: what is found there, what is left out and told, and what is read again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from clip_core import EmbeddingStore
from clip_core.config import Config
from clip_core.library import folders
from clip_core.library.folders import find_videos
from clip_core.library.videos import OWN_FOLDERS, list_videos, videos_in_folders
from clip_core.media.exports_folder import EXPORTS
from clip_core.media.proxies import PROXIES

SETTLED_S = 1_000_000_000


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def relative(paths: tuple[Path, ...], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_all_files_are_found_however_many_and_however_deep(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["down"] * 60)
    touch(*(tmp_path / "card" / f"C{n:04d}.MP4" for n in range(1200)), deep / "last.mov")
    assert len(find_videos(tmp_path, 25).videos) == 1201
    config = Config(video_dirs=(tmp_path,), embeddings=str(tmp_path / "store"))
    assert len(list_videos(config, EmbeddingStore(tmp_path / "store"))) == 1201


def test_sequences_are_found_in_each_folder_and_hidden_ones_are_not(tmp_path: Path) -> None:
    touch(*(tmp_path / place / f"f_{n:02d}.png" for place in ("a", "b/c") for n in range(3)))
    touch(tmp_path / "a" / "v.mp4", tmp_path / ".trash" / "old.mp4", tmp_path / "a" / ".v.mp4", tmp_path / "b" / "mp4")
    found = find_videos(tmp_path, 12.5)
    assert relative(found.videos, tmp_path) == ["a/f_%02d.png@12.5", "a/v.mp4", "b/c/f_%02d.png@12.5"]
    assert found.notes == ()


def test_files_of_other_kinds_are_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(*(tmp_path / "notes" / f"{n}.{ending}" for n in range(300) for ending in ("txt", "jpeg", "")))
    looked, stat = list[str](), os.stat
    monkeypatch.setattr(os, "stat", lambda path, **options: looked.append(str(path)) or stat(path, **options))
    assert find_videos(tmp_path, 25).videos == (tmp_path / "notes" / "%d.jpeg@25",)
    assert [path for path in looked if path.endswith((".txt", ".", "0.jpeg"))] == []


def test_links_to_folders_are_told_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "data" / "in.mp4", tmp_path / "secret" / "out.mp4")
    (tmp_path / "data" / "away").symlink_to(tmp_path / "secret")
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "self.mp4").symlink_to(tmp_path / "data" / "self.mp4")
    (tmp_path / "data" / "gone.mp4").symlink_to(tmp_path / "nothing.mp4")
    found = find_videos(tmp_path / "data", 25)
    assert relative(found.videos, tmp_path / "data") == ["in.mp4"]
    assert found.notes == ("2 linked folders are not followed: away, circle. Name what they lead to, too.",)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert relative(find_videos(tmp_path / "link", 25).videos, tmp_path / "link") == ["in.mp4"]


def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "a" / "v.mp4", tmp_path / "shut" / "w.mp4", tmp_path / "z" / "x.mp4")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if Path(folder).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_videos(tmp_path, 25)
    assert relative(found.videos, tmp_path) == ["a/v.mp4", "z/x.mp4"]
    assert found.notes == ("1 folder cannot be read: shut. Check the permissions.",)
    with pytest.raises(PermissionError):
        find_videos(tmp_path / "shut", 25)


def test_names_that_are_no_unicode_are_listed(tmp_path: Path) -> None:
    raw = tmp_path / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.mp4")
    try:
        touch(raw, tmp_path / "other" / os.fsdecode(b"\xfe.mp4"))
    except OSError:
        pytest.skip("this file system takes no such names")
    config = Config(video_dirs=(tmp_path,), embeddings=str(tmp_path / "store"))
    choices = list_videos(config, EmbeddingStore(tmp_path / "store"))
    assert [choice.name for choice in choices] == ["caf?/?.mp4", "other/?.mp4"]
    assert choices[0].path == raw


def test_a_folder_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a" / "v.mp4", tmp_path / "b" / "w.mp4")
    for folder in (tmp_path, tmp_path / "a", tmp_path / "b"):
        os.utime(folder, (SETTLED_S, SETTLED_S))
    read, scandir = list[str](), os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: read.append(Path(folder).name) or scandir(folder))
    assert len(find_videos(tmp_path, 25).videos) == 2
    assert read == [tmp_path.name, "a", "b"]
    assert len(find_videos(tmp_path, 25).videos) == 2
    assert len(read) == 3
    touch(tmp_path / "b" / "x.mp4")
    for _ in range(2):  # its time of change is not settled yet
        assert len(find_videos(tmp_path, 25).videos) == 3
    assert read[3:] == ["b", "b"]
    monkeypatch.setattr(folders, "_TRUST_FOR_S", 0.0)
    find_videos(tmp_path, 25)
    assert len(read) == 8


def test_folders_of_this_program_are_skipped_and_nested_folders_are_read_once(tmp_path: Path) -> None:
    assert OWN_FOLDERS == (PROXIES, EXPORTS, "fetched")
    data = tmp_path / "data"
    touch(*(data / place / "v.mp4" for place in ("trip", "uploads", *OWN_FOLDERS)), tmp_path / "store" / "x.mp4")
    config = Config(video_dirs=(data, data / "trip"), embeddings=str(data / "vectors"))
    touch(data / "vectors" / "y.mp4")
    assert relative(videos_in_folders(config).videos, data) == ["trip/v.mp4", "uploads/v.mp4"]
    named = Config(video_dirs=(data, data / PROXIES), embeddings=str(data / "vectors"))
    assert relative(videos_in_folders(named).videos, data) == ["proxies/v.mp4", "trip/v.mp4", "uploads/v.mp4"]


def test_names_tell_the_subfolder_where_they_would_be_alike(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    touch(
        one / "C1.MP4", one / "may" / "C1.MP4", one / "may" / "late" / "C1.MP4", two / "C1.MP4", one / "may" / "D.MP4"
    )
    config = Config(video_dirs=(one, two), embeddings=str(tmp_path / "store"))
    choices = list_videos(config, EmbeddingStore(tmp_path / "store"))
    assert {choice.name: choice.path.relative_to(tmp_path).as_posix() for choice in choices} == {
        "C1.MP4": "one/C1.MP4",
        "may/C1.MP4": "one/may/C1.MP4",
        "may/late/C1.MP4": "one/may/late/C1.MP4",
        "C1.MP4 (2)": "two/C1.MP4",
        "D.MP4": "one/may/D.MP4",
    }
