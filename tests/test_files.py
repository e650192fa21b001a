"""Half-written files: what a killed process left is swept; what is being written, or is not ours, stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clip_core.files import LEFT_AFTER_S, PartFile, is_held, lock_folder, part_of, sweep, unique_part, whole_file

ROOT = Path(__file__).parents[1]
NAMES = re.compile(r"\.mine-\d\.part")


def aged(path: Path, seconds: float = LEFT_AFTER_S + 60) -> Path:
    at = time.time() - seconds
    os.utime(path, (at, at), follow_symlinks=False)
    return path


def made(path: Path, content: bytes = b"half") -> Path:
    path.write_bytes(content)
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_old_and_ours_goes(tmp_path: Path) -> None:
    aged(made(tmp_path / ".mine-1.part"))
    aged(made(unique_part(tmp_path)))
    folder = unique_part(tmp_path)
    (folder / "below").mkdir(parents=True)
    made(folder / "below" / "001_a-dog_0m00.000s.mp4")
    aged(folder)
    new = made(tmp_path / ".mine-2.part")
    aged(new, LEFT_AFTER_S - 60)
    sweep(tmp_path, NAMES)
    assert left_in(tmp_path) == [new.name]


def test_what_is_not_ours_stays_whatever_its_age(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "folder"
    for each in (elsewhere, folder):
        each.mkdir()
    made(elsewhere / "film.mp4")
    (folder / ".mine-1.part").symlink_to(elsewhere / "film.mp4")
    (folder / f".clip-video-{'a' * 32}.part").symlink_to(elsewhere)
    os.mkfifo(folder / ".mine-2.part")
    names = [".mine-1.part.mp4", "mine-1.part", ".mine-x.part", ".clip-video-a.part", f".{'a' * 32}.part", "x\n.part"]
    for name in names:
        made(folder / name)
    for path in (*folder.iterdir(), elsewhere, elsewhere / "film.mp4"):
        aged(path)
    sweep(folder, NAMES)
    assert len(left_in(folder)) == len(names) + 3
    assert left_in(elsewhere) == ["film.mp4"]
    sweep(tmp_path / "nowhere", NAMES)
    sweep(elsewhere / "film.mp4", NAMES)


HOLD = """
import sys
from pathlib import Path
from clip_core.files import PartFile, lock_folder
path = Path(sys.argv[1])
held = lock_folder(path) if path.is_dir() else PartFile(path)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes ``path``, until it is killed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("is_folder", [False, True])
def test_an_old_part_whose_writer_lives_stays_and_goes_when_it_was_killed(tmp_path: Path, is_folder: bool) -> None:
    part = tmp_path / ".mine-1.part"
    if is_folder:
        part.mkdir()
    with holder(part):
        aged(part)  # a slow upload, or a process that was suspended
        assert is_held(part)
        sweep(tmp_path, NAMES)
        assert left_in(tmp_path) == [part.name]
    assert not is_held(part)
    sweep(tmp_path, NAMES)
    assert left_in(tmp_path) == []


def test_two_writers_of_one_target_do_not_share_a_part(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with whole_file(target) as one, whole_file(target) as two:
        assert one == part_of(target)
        assert one != two
        one.write_text("one")
        two.write_text("two, longer")
    assert (target.read_text(), left_in(tmp_path)) == ("one", ["a.txt"])  # the last to end


def test_a_part_that_was_left_is_written_anew(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    aged(made(part_of(target), b"much longer than what comes"))
    with whole_file(target) as part:
        assert part == part_of(target)
        part.write_text("new")
        aged(part)
        sweep(tmp_path, re.compile(re.escape(part.name)))  # another process starts
    assert (target.read_text(), left_in(tmp_path)) == ("new", ["a.txt"])


def test_a_part_that_is_swept_while_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, opened, os_open = tmp_path / ".mine-1.part", [], os.open

    def swept_once(path: Path, *args: int) -> int:
        handle = os_open(path, *args)
        opened.append(path)
        if len(opened) == 1:
            part.unlink()
        return handle

    monkeypatch.setattr(os, "open", swept_once)
    with PartFile(part) as out:
        assert (out.path, out.path.exists(), len(opened)) == (part, True, 2)
    assert left_in(tmp_path) == []


def test_where_there_are_no_locks_files_are_written_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(handle: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with whole_file(tmp_path / "a.txt") as part:
        part.write_text("whole")
    aged(made(tmp_path / ".mine-1.part"))
    sweep(tmp_path, NAMES)
    handle = lock_folder(tmp_path)
    assert handle is not None
    os.close(handle)
    assert left_in(tmp_path) == [".mine-1.part", "a.txt"]
