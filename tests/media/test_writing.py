"""What is said when something cannot be written, and that nothing half-written is left."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from clip_core.errors import ExportError
from clip_core.files import is_full, lacking_room, nearest_folder, part_of, reason_of, whole_file
from clip_core.media.exports_folder import export_error, write_whole


def test_words() -> None:
    full, denied = OSError(errno.ENOSPC, "x"), PermissionError(errno.EACCES, "x")
    assert (is_full(full), is_full(OSError(errno.EDQUOT, "x")), is_full(denied), is_full(ValueError())) == (
        True,
        True,
        False,
        False,
    )
    assert str(export_error(full)).startswith("The disk is full")
    assert str(export_error(denied)) == "It cannot be written: Permission denied. Choose a folder that may be written."
    assert reason_of(ValueError("anything")) == "ValueError"


def test_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    assert part_of(target) == tmp_path / ".a.jpg.part"
    write_whole(target, b"first")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second"
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(ExportError, match="The disk is full"):
        write_whole(target, b"third")
    assert (target.read_bytes(), list(tmp_path.iterdir())) == (b"second", [target])


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("first")
    with pytest.raises(FileNotFoundError), whole_file(target) as part:
        part.with_name("no folder").joinpath(str(part.write_text("second"))).read_text()
    assert (target.read_text(), list(tmp_path.iterdir())) == ("first", [target])


def test_room_is_asked_for_with_what_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 0, 70_000_000))  # type: ignore[attr-defined]
    assert lacking_room(tmp_path, 6_000_000, 64_000_000) is None
    assert lacking_room(tmp_path, 6_000_001, 64_000_000) == "only 70 MB are free, and 64 MB must stay free"
    assert nearest_folder(tmp_path / "no" / "folder") == nearest_folder(tmp_path) == tmp_path
