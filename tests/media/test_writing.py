"""What is said when something cannot be written, and that nothing half-written is left."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import av
import pytest

from clip_core.errors import ExportError, MomentExportError
from clip_core.files import is_full, lacking_room, nearest_folder, part_of, reason_of, whole_file
from clip_core.media.clips import CLIP
from clip_core.media.exports_folder import export_error, write_whole
from clip_core.media.proxies import PROXY


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


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ERANGE, 1094995529], ids=["EINVAL", "ERANGE", "INVALIDDATA"])
def test_a_stream_that_a_muxer_refuses_is_not_blamed_on_the_folder(code: int) -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-code)
    told = export_error(caught.value)
    assert isinstance(told, MomentExportError)  # the other moments are cut
    assert "cannot hold this stream" in told.what
    assert told.next_step == "Cut it exactly instead."
    assert CLIP.error(caught.value).next_step == "Cut it fast instead."
    assert "the folder" not in str(PROXY.error(caught.value))


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EIO, errno.ENOENT, errno.EPERM])
def test_errors_of_the_system_ask_for_another_folder_whoever_raises_them(code: int) -> None:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(-code)
    for error in (caught.value, OSError(code, "x")):
        for told in (export_error(error), CLIP.error(error)):
            assert told.next_step == "Choose a folder that may be written."


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
