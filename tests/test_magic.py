"""The probe that needs no decoder: real files are known, and what names other files is not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from clip_core.video.magic import container_of
from tests.video_maker import Recipe, number_picture, write_animation, write_video

CODECS = {"mov": (".mp4", "mpeg4"), "matroska": (".mkv", "mpeg4"), "webm": (".webm", "libvpx-vp9")}
CODECS |= {"avi": (".avi", "mpeg4"), "mpegts": (".ts", "mpeg4"), "mpeg": (".mpg", "mpeg2video")}
CODECS |= {"flv": (".flv", "flv"), "asf": (".wmv", "wmv2")}


@pytest.mark.parametrize("name", CODECS)
def test_containers_are_known_by_their_bytes(tmp_path: Path, name: str) -> None:
    suffix, codec = CODECS[name]
    write_video(tmp_path / f"v{suffix}", [number_picture(n) for n in range(10)], Recipe(suffix, codec))
    (tmp_path / f"v{suffix}").rename(tmp_path / "named.txt")
    assert container_of(tmp_path / "named.txt") == name


def test_ogg_is_known_by_its_first_page(tmp_path: Path) -> None:
    """Planted, because not every FFmpeg writes Theora: the page of RFC 3533 around the start of a Theora header."""
    packet = b"\x80theora\x03\x02\x01"
    page = struct.pack("<4sBBqIIIBB", b"OggS", 0, 2, 0, 1, 0, 0, 1, len(packet)) + packet
    (tmp_path / "named.txt").write_bytes(page)
    assert container_of(tmp_path / "named.txt") == "ogg"
    (tmp_path / "named.txt").write_bytes(page[1:])
    assert container_of(tmp_path / "named.txt") is None


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animations(tmp_path: Path, suffix: str) -> None:
    write_animation(tmp_path / f"v.{suffix}", [number_picture(n) for n in range(3)], [100] * 3)
    assert container_of(tmp_path / f"v.{suffix}") == suffix


@pytest.mark.parametrize("name", [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"])
def test_boxes_that_an_mp4_may_begin_with(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "v").write_bytes(b"\x00\x00\x00\x08" + name)
    assert container_of(tmp_path / "v") == "mov"
    (tmp_path / "v").write_bytes(b"\x00\x00\x00\x07" + name)
    assert container_of(tmp_path / "v") is None


@pytest.mark.parametrize(("length", "first"), [(188, 0), (192, 4), (204, 0)])
def test_transport_streams_of_three_shapes(tmp_path: Path, length: int, first: int) -> None:
    packet = bytes(first) + b"\x47" + bytes(length - first - 1)
    for packets in (1, 2, 50):
        (tmp_path / "v").write_bytes(packet * packets)
        assert container_of(tmp_path / "v") == "mpegts"
    (tmp_path / "v").write_bytes(packet + bytes(length) + packet * 5)
    assert container_of(tmp_path / "v") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"G",
        b"GIF",
        b"RIFF",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"ffconcat version 1.0\nfile 'other.mp4'\n",
        b"ffconcat version 1.0\n#ftypmp42\nfile 'other.mp4'\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"GAME over, said the text\n" * 50,
        np.random.default_rng(0).bytes(5000),
    ],
)
def test_whatever_else_is_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(data)
    assert container_of(tmp_path / "v.mp4") is None
