from __future__ import annotations

from pathlib import Path

import pytest

from clip_core.video.framing import is_cut_short, is_webm, lacks_moov
from tests.video_maker import Recipe, planted

CASES = {
    "mov": Recipe(),
    "matroska": Recipe(".mkv"),
    "webm": Recipe(".webm", "libvpx-vp9"),
    "avi": Recipe(".avi", "mpeg4"),
    "mpegts": Recipe(".ts"),
}


@pytest.mark.parametrize("container", list(CASES))
def test_missing_bytes_are_noticed_and_whole_files_are_not_accused(tmp_path: Path, container: str) -> None:
    path = planted(tmp_path, "whole", 5, CASES[container]).path
    assert not is_cut_short(path, container)
    assert is_webm(path) == (container == "webm")
    assert not lacks_moov(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert is_cut_short(path, container)


def test_an_mp4_whose_index_is_lost(tmp_path: Path) -> None:
    path = planted(tmp_path, "whole", 5, Recipe()).path
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    assert lacks_moov(path)


def test_text_has_no_framing(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello world, this is no box and no element")
    assert not lacks_moov(tmp_path / "text")
    assert not is_cut_short(tmp_path / "text", "matroska")
