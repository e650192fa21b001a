"""ZIPs: opened again by Python's own reader; names that lead nowhere else; nothing of one that was stopped."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import clip_core.media.exports_folder
from clip_core.errors import ExportError
from clip_core.media.export_media import pack_zip


def some_files(folder: Path) -> list[Path]:
    folder.mkdir()
    noise = np.random.default_rng(1)
    files = [folder / "001_a-dog_0m01.000s.mp4", folder / "002_x.jpg"]
    for file in files:
        file.write_bytes(noise.bytes(2_500_000))
    return files


def test_all_is_in_it_and_media_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    files, table = some_files(tmp_path / "in"), b"prompt,start_s\n" * 100
    reports = list(pack_zip(tmp_path / "all.zip", files, {"moments.csv": table}))
    assert [r.done for r in reports] == sorted(r.done for r in reports)
    assert (reports[0].done, reports[-1].done, reports[-1].total) == (0, 5_001_500, 5_001_500)
    assert reports[-1].files == (tmp_path / "all.zip",)
    assert len(reports) == 1 + 2 * 3 + 2
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        entries = {entry.filename: entry for entry in archive.infolist()}
        assert list(entries) == ["moments.csv", *(file.name for file in files)]
        assert archive.read("moments.csv") == table
        assert [archive.read(file.name) for file in files] == [file.read_bytes() for file in files]
        assert {entries[file.name].compress_type for file in files} == {zipfile.ZIP_STORED}
        assert entries["moments.csv"].compress_size < len(table) / 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "in"]


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/b", "a\\b", "C:x", "..", ".hidden", "", "a\nb", "x.", "ü"]
)
def test_names_that_could_lead_elsewhere(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is not a safe file name"):
        list(pack_zip(tmp_path / "all.zip", [], {name: b""}))
    assert list(tmp_path.iterdir()) == []


def test_two_of_one_name(tmp_path: Path) -> None:
    files = some_files(tmp_path / "in")
    with pytest.raises(ExportError, match="the same name"):
        list(pack_zip(tmp_path / "all.zip", files, {"002_X.jpg": b""}))


def test_nothing_is_left_of_one_that_is_stopped_or_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_core.media.exports_folder, "REPORT_EVERY_S", 0.0)
    files = some_files(tmp_path / "in")
    (tmp_path / "all.zip").write_bytes(b"the one before")
    run = pack_zip(tmp_path / "all.zip", files)
    assert [next(run).files for _ in range(8)] == [()] * 8
    run.close()
    (tmp_path / ".all.zip.part").symlink_to("/dev/full")
    with pytest.raises(ExportError, match="The disk is full"):
        list(pack_zip(tmp_path / "all.zip", files))
    with pytest.raises(ExportError, match="It cannot be written: No such file"):
        list(pack_zip(tmp_path / "all.zip", [tmp_path / "gone.mp4"]))
    with pytest.raises(ExportError, match="The folder cannot be written: No such file"):
        list(pack_zip(tmp_path / "nowhere" / "all.zip", files))
    assert (tmp_path / "all.zip").read_bytes() == b"the one before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip", "in"]
