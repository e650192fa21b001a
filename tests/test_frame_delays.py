"""Delays by the blocks of a file, compared with what decoders say."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from clip_core.errors import VideoError
from clip_core.video.frame_delays import read_delays, scan_blocks
from tests.video_maker import number_picture, write_animation

DELAYS = [20, 50, 0, 10, 100, 655_350]


@pytest.fixture
def gif(tmp_path: Path) -> Path:
    write_animation(tmp_path / "a.gif", [number_picture(n) for n in range(6)], DELAYS)
    return tmp_path / "a.gif"


@pytest.fixture
def webp(tmp_path: Path) -> Path:
    write_animation(tmp_path / "a.webp", [number_picture(n) for n in range(6)], [*DELAYS[:5], 9_000_000])
    return tmp_path / "a.webp"


def test_a_gif_has_the_delays_that_ffmpeg_reads(gif: Path) -> None:
    delays = read_delays(gif, "gif")
    assert delays.units == (2, 5, 10, 1, 10, 65535)
    with av.open(str(gif)) as container:
        durations = [packet.duration for packet in container.demux(video=0) if packet.size]
    assert tuple(durations) == delays.units
    assert (delays.width, delays.height, delays.per_second, delays.whole) == (160, 96, 100, True)
    assert delays.usable_bytes == gif.stat().st_size - 1


def test_a_webp_has_the_delays_that_were_written(webp: Path) -> None:
    delays = read_delays(webp, "webp")
    assert delays.units == (20, 50, 100, 10, 100, 9_000_000)
    assert (delays.width, delays.height, delays.per_second, delays.whole) == (160, 96, 1000, True)
    assert delays.usable_bytes == webp.stat().st_size


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"lossless": True, "exif": b"Exif\0\0x"}])
def test_still_webp_pictures(tmp_path: Path, options: dict[str, object]) -> None:
    Image.fromarray(number_picture(1, 161, 97)).save(tmp_path / "s.webp", **options)
    delays = read_delays(tmp_path / "s.webp", "webp")
    assert (delays.width, delays.height, delays.units, delays.whole) == (161, 97, (100,), True)


def test_a_still_gif(tmp_path: Path) -> None:
    Image.fromarray(number_picture(1)).save(tmp_path / "s.gif")
    assert read_delays(tmp_path / "s.gif", "gif").units == (10,)


@pytest.mark.parametrize("container", ["gif", "webp"])
def test_cut_anywhere_it_counts_only_what_is_whole(gif: Path, webp: Path, tmp_path: Path, container: str) -> None:
    whole = (gif if container == "gif" else webp).read_bytes()
    counts = []
    for length in np.linspace(0, len(whole) - 1, 60).astype(int).tolist():
        (tmp_path / "cut").write_bytes(whole[:length])
        delays = scan_blocks(tmp_path / "cut", container)
        assert not delays.whole or length < 12
        assert delays.usable_bytes <= length
        counts.append(len(delays.units))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] in (5, 6)
    (tmp_path / "cut").write_bytes(whole[:50])
    with pytest.raises(VideoError, match="cut holds no picture that is whole"):
        read_delays(tmp_path / "cut", container)


def test_noise_after_the_magic_bytes_ends(tmp_path: Path) -> None:
    for seed in range(50):
        data = np.random.default_rng(seed).bytes(5000)
        (tmp_path / "n").write_bytes(b"GIF89a" + data)
        assert len(scan_blocks(tmp_path / "n", "gif").units) <= 5000
        (tmp_path / "n").write_bytes(b"RIFF" + data[:4] + b"WEBP" + data)
        assert scan_blocks(tmp_path / "n", "webp").usable_bytes <= 5012


def test_a_picture_that_leaves_the_screen_widens_it(gif: Path, tmp_path: Path) -> None:
    data = bytearray(gif.read_bytes())
    place = data.index(b"\x2c\0\0\0\0\xa0\0\x60\0")
    data[place + 5 : place + 7] = b"\xff\xff"
    (tmp_path / "wide.gif").write_bytes(data)
    assert read_delays(tmp_path / "wide.gif", "gif").width == 65535
