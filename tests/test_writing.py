"""What is said when something cannot be written, and that nothing half-written is left."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from clip_core.errors import ExportError
from clip_core.media.writing import export_error, is_full, part_of, reason_of, write_whole


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
