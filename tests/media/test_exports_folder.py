"""The folder of results: old ones go, what is not ours stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from clip_core.config import Config
from clip_core.media.exports_folder import clean_exports, exports_folder, result_path


def result(folder: Path, digit: str, hours: float, size: int = 1000, name: str = "clips.zip") -> Path:
    made = folder / (digit * 32)
    made.mkdir(parents=True)
    (made / name).write_bytes(b"x" * size)
    at = time.time() - hours * 3600
    os.utime(made, (at, at))
    return made


def test_results_older_than_a_day_go(tmp_path: Path) -> None:
    old, new = result(tmp_path, "a", 25), result(tmp_path, "b", 23)
    killed = result(tmp_path, "c", 25, name=".clips.zip.part")
    clean_exports(tmp_path)
    assert (old.exists(), killed.exists(), new.exists()) == (False, False, True)


def test_the_oldest_go_when_they_are_too_large_together(tmp_path: Path) -> None:
    first, second, third = (result(tmp_path, digit, hours) for digit, hours in (("a", 3), ("b", 2), ("c", 1)))
    running = result(tmp_path, "d", 4, name=".clips.zip.part")
    clean_exports(tmp_path, most_bytes=2500)
    assert [path.exists() for path in (first, second, third, running)] == [False, True, True, True]


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    elsewhere = result(tmp_path / "elsewhere", "e", 99)
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / ("a" * 32)).symlink_to(elsewhere)
    (folder / ("b" * 32)).write_text("a file")
    (folder / "my holiday").mkdir()
    (folder / ".gitignore").write_text("*")
    for path in folder.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    clean_exports(folder, most_bytes=0)
    assert len(list(folder.iterdir())) == 4
    assert (elsewhere / "clips.zip").is_file()
    clean_exports(tmp_path / "nowhere")


def test_where_it_lies(tmp_path: Path) -> None:
    assert exports_folder(Config(video_dirs=(tmp_path / "films",))) == tmp_path / "films" / "exports"


def test_a_result_is_known_by_its_key_alone(tmp_path: Path) -> None:
    config = Config(video_dirs=(tmp_path,))
    assert result_path(exports_folder(config), "a" * 32) == tmp_path / "exports" / ("a" * 32) / "clips.zip"
    film = result(tmp_path / "exports", "b", 0, name="reel.mp4")
    assert result_path(exports_folder(config), "b" * 32) == film / "reel.mp4"
    for wrong in ("", "a" * 31, "A" * 32, "../" + "a" * 29, "a" * 32 + "\n"):
        assert result_path(exports_folder(config), wrong) is None
