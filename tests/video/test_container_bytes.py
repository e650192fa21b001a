from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clip_core.video.container_bytes import is_cut_short, is_webm, is_webp, lacks_moov
from tests.support.video_maker import VideoSpec, number_picture, planted, write_animation

CASES = {
    "mov": VideoSpec(),
    "matroska": VideoSpec(".mkv"),
    "webm": VideoSpec(".webm", "libvpx-vp9"),
    "avi": VideoSpec(".avi", "mpeg4"),
    "asf": VideoSpec(".wmv", "wmv2"),
    "mpegts": VideoSpec(".ts"),
}


@pytest.mark.parametrize("container", list(CASES))
def test_missing_bytes_are_noticed_and_whole_files_are_not_accused(tmp_path: Path, container: str) -> None:
    path = planted(tmp_path, "whole", 5, CASES[container]).path
    assert not is_cut_short(path, container)
    assert is_webm(path) == (container == "webm")
    assert not lacks_moov(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert is_cut_short(path, container)


def test_what_a_camera_appends_to_an_mp4_is_no_missing_byte(tmp_path: Path) -> None:
    path = planted(tmp_path, "whole", 5, VideoSpec()).path
    path.write_bytes(path.read_bytes() + b"8db42d694ccc418790edff439fe026bf" * 9)
    assert not is_cut_short(path, "mov")


@pytest.mark.parametrize("packet", [188, 192, 204])
def test_a_transport_stream_may_begin_with_the_end_of_a_packet(packet: int, tmp_path: Path) -> None:
    whole = planted(tmp_path, "whole", 5, VideoSpec(".ts")).path.read_bytes()
    packets = [whole[k : k + 188] for k in range(0, len(whole), 188)]
    wide = b"".join(bytes(4) + p if packet == 192 else p + bytes(packet - 188) for p in packets)
    for lead in (b"", wide[-77:]):
        (tmp_path / "v.ts").write_bytes(lead + wide)
        assert not is_cut_short(tmp_path / "v.ts", "mpegts")
        (tmp_path / "v.ts").write_bytes(lead + wide[:-1])
        assert is_cut_short(tmp_path / "v.ts", "mpegts")


def test_an_mp4_whose_index_is_lost(tmp_path: Path) -> None:
    path = planted(tmp_path, "whole", 5, VideoSpec()).path
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    assert lacks_moov(path)


def test_text_has_no_container(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello world, this is no box and no element")
    assert not lacks_moov(tmp_path / "text")
    assert not is_cut_short(tmp_path / "text", "matroska")


def test_a_gif_is_whole_only_with_its_end(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.gif", [number_picture(n) for n in range(6)], [20, 50, 0, 10, 100, 655_350])
    whole = (tmp_path / "a.gif").read_bytes()
    assert not is_cut_short(tmp_path / "a.gif", "gif")
    for length in np.linspace(0, len(whole) - 1, 60).astype(int).tolist():
        (tmp_path / "cut").write_bytes(whole[:length])
        assert is_cut_short(tmp_path / "cut", "gif")
    for seed in range(50):  # noise ends, too
        (tmp_path / "n").write_bytes(b"GIF89a" + np.random.default_rng(seed).bytes(5000))
        is_cut_short(tmp_path / "n", "gif")


def test_webp_is_known_by_its_bytes(tmp_path: Path) -> None:
    for suffix in ("gif", "webp"):
        write_animation(tmp_path / f"v.{suffix}", [number_picture(n) for n in range(3)], [100] * 3)
        (tmp_path / f"v.{suffix}").rename(tmp_path / "named.txt")
        assert is_webp(tmp_path / "named.txt") == (suffix == "webp")
    for data in (b"", b"RIFF", b"RIFF\x24\0\0\0WAVEfmt ", b"ffconcat version 1.0\nfile 'other.webp'\n"):
        (tmp_path / "v.webp").write_bytes(data)
        assert not is_webp(tmp_path / "v.webp")
