"""Watched folders: their list survives, and a file is taken once it has stopped changing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clip_core.config import Config
from clip_core.errors import ConfigError
from clip_core.library.watched_folders import (
    SETTLED_S,
    Settling,
    WatchedFolder,
    read_watched,
    watched_file,
    write_watched,
)

A, B = Path("/films/a.mp4"), Path("/films/b.mp4")


def test_a_file_is_ready_once_when_it_has_not_changed_for_some_seconds() -> None:
    settling = Settling()
    assert settling.ready({A: (10, 1)}, 100.0) == []
    assert settling.changing == 1
    assert settling.ready({A: (10, 1), B: (5, 1)}, 100.0 + SETTLED_S - 0.1) == []
    assert settling.ready({A: (10, 1), B: (6, 2)}, 100.0 + SETTLED_S) == [A]
    assert settling.ready({A: (10, 1), B: (6, 2)}, 100.0 + 2 * SETTLED_S - 0.1) == []
    assert settling.ready({A: (10, 1), B: (6, 2)}, 100.0 + 2 * SETTLED_S) == [B]
    assert settling.changing == 0
    assert settling.ready({A: (10, 1), B: (6, 2)}, 1000.0) == []


def test_one_that_grows_again_vanishes_or_could_not_be_taken_is_ready_again() -> None:
    settling = Settling()
    settling.ready({A: (10, 1)}, 0.0)
    assert settling.ready({A: (10, 1)}, 10.0) == [A]
    assert settling.ready({A: (11, 2)}, 20.0) == []
    assert settling.ready({A: (11, 2)}, 30.0) == [A]
    settling.put_back([A])
    assert settling.ready({A: (11, 2)}, 31.0) == [A]
    assert settling.ready({}, 40.0) == []
    assert settling.ready({A: (11, 2)}, 50.0) == []
    assert settling.ready({A: (11, 2)}, 60.0) == [A]


def test_an_empty_file_is_never_ready() -> None:
    settling = Settling()
    assert [settling.ready({A: (0, 1)}, now_s) for now_s in (0.0, 10.0, 20.0)] == [[], [], []]


def test_the_list_is_read_back_also_with_names_that_are_no_unicode(tmp_path: Path) -> None:
    file = watched_file(Config(video_dirs=(tmp_path / "data",)))
    assert file == tmp_path / "data" / "uploads" / "watched_folders.json"
    assert read_watched(file) == ()
    folders = (
        WatchedFolder(os.fsdecode(b"/films/\xff"), "sample", None, 2.0, ("/films/a.mp4",)),
        WatchedFolder("/films/b", "other", "pad", None),
    )
    write_watched(file, folders)
    assert read_watched(file) == folders
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"folders": [{"path": 3}]}', '{"folders": 1}',
     '{"folders": [{"path": "/a", "model": "m", "crop": "x", "samples_per_second": 1, "left_out": []}]}',
     '{"folders": [{"path": "/a", "model": "m", "crop": null, "samples_per_second": -1, "left_out": []}]}',
     '{"folders": [{"path": "/a", "model": "m", "crop": null, "samples_per_second": 1e9, "left_out": []}]}'.replace(
         "1e9", "1" + "0" * 400),
     "[" * 200_000],
    ids=range(8),
)  # fmt: skip
def test_a_list_that_was_broken_by_hand_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "watched_folders.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"watched_folders\.json does not list watched folders"):
        read_watched(file)
    assert file.read_text(encoding="utf-8") == text
