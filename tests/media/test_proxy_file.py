"""The file that a copy is written to: its clock, its size, and what is left when it fails."""

from __future__ import annotations

import errno
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clip_core.errors import ProxyError
from clip_core.media.mp4_file import Mp4File
from clip_core.media.proxies import PROXY, proxy_size, write_error
from clip_core.types import Frame
from tests.support.video_maker import number_picture


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (852, 480)),
        ((1280, 720), (852, 480)),
        ((854, 480), (854, 480)),
        ((720, 576), (600, 480)),
        ((640, 360), (640, 360)),
        ((161, 97), (160, 96)),
        ((1080, 1920), (270, 480)),
        ((8000, 400), (1920, 96)),
        ((3840, 2160), (852, 480)),
        ((1, 1), (2, 2)),
        ((3, 4000), (2, 480)),
    ],
)
def test_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert proxy_size(*size) == expected


def written(path: Path, pts: list[int], time_base: Fraction, end_s: float, size: tuple[int, int] = (96, 64)) -> Path:
    with Mp4File(path, PROXY, size, time_base) as out:
        for index, stamp in enumerate(pts):
            rgb = number_picture(index, *size)
            out.add(Frame(index, stamp, float((stamp - pts[0]) * time_base), rgb))
        out.finish(end_s)
        out.keep()
    return path


def packets(path: Path) -> list[tuple[float, float]]:
    """When each frame is shown, and for how long, in seconds."""
    with av.open(str(path)) as container:
        found = [packet for packet in container.demux(video=0) if packet.size]
        return [(float(p.pts * p.time_base), float(p.duration * p.time_base)) for p in found]


def test_a_clock_that_is_finer_than_mp4s(tmp_path: Path) -> None:
    base = Fraction(1, 999_999_937)
    pts = [7 + k * 33_333_331 + k % 3 * 1_234_567 for k in range(40)]
    found = packets(written(tmp_path / "a.mp4", pts, base, 2.0))
    np.testing.assert_allclose([start for start, _ in found], [float((p - 7) * base) for p in pts], atol=2e-6)
    assert found[-1][0] + found[-1][1] == pytest.approx(2.0, abs=2e-6)


def test_times_that_fall_together_stay_apart(tmp_path: Path) -> None:
    pts = [0, 100, 200, 300, 10_000_000]  # the first four lie within a third of a microsecond
    found = packets(written(tmp_path / "a.mp4", pts, Fraction(1, 1_000_000_000), 0.02))
    assert [round(start * 1e6) for start, _ in found] == [0, 1, 2, 3, 10_000]


def test_a_step_of_hours(tmp_path: Path) -> None:
    found = packets(written(tmp_path / "a.mp4", [0, 20 * 3600 * 90_000 // 4], Fraction(1, 90_000), 20_000.0))
    assert [start for start, _ in found] == [0.0, 18_000.0]
    assert found[-1] == (18_000.0, 2_000.0)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (16, 4), (3, 900)])
def test_tiny_pictures(size: tuple[int, int], tmp_path: Path) -> None:
    assert len(packets(written(tmp_path / "a.mp4", [0, 1], Fraction(1, 10), 0.2, size))) == 2


def test_nothing_lies_there_before_it_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    with Mp4File(target, PROXY, (96, 64), Fraction(1, 30)) as out:
        out.add(Frame(0, 0, 0.0, number_picture(0, 96, 64)))
        assert [path.name for path in tmp_path.iterdir()] == [".a.mp4.part"]
        out.finish(0.1)
        assert not target.exists()
    assert list(tmp_path.iterdir()) == []
    out.close()


def test_an_older_copy_stays_when_a_new_one_fails(tmp_path: Path) -> None:
    target = written(tmp_path / "a.mp4", [0, 1], Fraction(1, 30), 0.1)
    before = target.read_bytes()
    with pytest.raises(RuntimeError), Mp4File(target, PROXY, (96, 64), Fraction(1, 30)):
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert target.read_bytes() == before


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match=r"cannot be written: No such file or directory\. Check that the folder"):
        Mp4File(tmp_path / "no" / "a.mp4", PROXY, (96, 64), Fraction(1, 30))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_fills_up_on_the_way(tmp_path: Path) -> None:
    (tmp_path / ".a.mp4.part").symlink_to("/dev/full")
    noise = np.random.default_rng(1)

    def write() -> None:
        with Mp4File(tmp_path / "a.mp4", PROXY, (96, 64), Fraction(1, 30)) as out:
            for index in range(300):
                rgb = noise.integers(0, 255, (64, 96, 3), dtype=np.uint8)
                out.add(Frame(index, index, index / 30, rgb))
            out.finish(10.0)

    with pytest.raises(ProxyError, match=r"The disk is full: the copy to play cannot be written\. Free some space"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_writing_says() -> None:
    assert str(write_error(OSError(errno.EACCES, "x"))).startswith(
        "The copy to play cannot be written: Permission denied. Check that the folder proxies, below the first"
    )
    assert "InvalidDataError" in str(write_error(av.error.InvalidDataError(1094995529, "Invalid data")))
