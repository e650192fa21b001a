"""Animated WebP, read with Pillow, and GIF, read with PyAV."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_core.errors import VideoDecodeError, VideoError
from clip_core.video import Video, animation, open_video
from clip_core.video.animation import open_animation, read_delays, scan_chunks
from clip_core.video.forward import ForwardVideo
from clip_core.video.watched import Watched
from tests.support.video_maker import number_picture, read_number, write_animation

KINDS = ("gif", "webp")


def made(folder: Path, kind: str, count: int = 20) -> Path:
    write_animation(folder / f"a.{kind}", [number_picture(n) for n in range(count)], [100] * count)
    return folder / f"a.{kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_still_picture_is_a_video_of_one_frame(tmp_path: Path, kind: str) -> None:
    options = {"lossless": True} if kind == "webp" else {}
    Image.fromarray(number_picture(1234)).save(tmp_path / f"still.{kind}", **options)
    with open_video(tmp_path / f"still.{kind}") as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == [1234]
        assert (len(video.table), video.table.end_s > 0) == (1, True)
        assert read_number(video.frame_at(time_s=99.0).rgb) == 1234


@pytest.mark.parametrize("kind", KINDS)
def test_transparent_places_are_white_and_red_is_red(tmp_path: Path, kind: str) -> None:
    pictures = []
    for n in range(4):
        rgba = np.zeros((40, 60, 4), np.uint8)
        rgba[:, n * 15 : n * 15 + 15] = (255, 0, 0, 255)
        pictures.append(Image.fromarray(rgba, "RGBA"))
    options = {"lossless": True, "exact": True} if kind == "webp" else {"disposal": 2}
    pictures[0].save(tmp_path / f"t.{kind}", save_all=True, append_images=pictures[1:], duration=100, loop=0, **options)
    with open_video(tmp_path / f"t.{kind}") as video:
        for frame in video.frames():
            red = slice(frame.index * 15, frame.index * 15 + 15)
            expected = np.full((40, 60, 3), 255, np.uint8)
            expected[:, red, 1:] = 0
            np.testing.assert_array_equal(frame.rgb, expected)
        assert len(video.table) == 4


def test_half_transparent_pixels_lie_on_white(tmp_path: Path) -> None:
    """In WebP alone: a GIF knows no half."""
    rgba = np.full((8, 8, 4), (200, 100, 50, 128), np.uint8)
    image = Image.fromarray(rgba, "RGBA")
    image.save(tmp_path / "h.webp", lossless=True, exact=True, save_all=True, append_images=[image.rotate(1)])
    with open_video(tmp_path / "h.webp") as video:
        assert np.abs(video.frame_at(index=0).rgb[4, 4].astype(int) - (227, 177, 152)).max() <= 1


def test_pictures_that_cover_a_part_are_laid_over_those_before(tmp_path: Path) -> None:
    pictures = [np.full((60, 80, 3), 40, np.uint8)]
    for n in range(1, 6):
        pictures.append(pictures[-1].copy())
        pictures[-1][n * 10 : n * 10 + 5, 5:30] = 200
    first, *rest = [Image.fromarray(picture) for picture in pictures]
    first.save(tmp_path / "p.gif", save_all=True, append_images=rest, duration=50, loop=0, optimize=True)
    first.save(tmp_path / "p.webp", save_all=True, append_images=rest, duration=50, loop=0, lossless=True)
    for name in ("p.gif", "p.webp"):
        with open_video(tmp_path / name) as video:
            for frame, right in zip(video.frames(), pictures, strict=True):
                np.testing.assert_array_equal(frame.rgb, right)


def test_pyav_reads_a_gif_as_pillow_does_to_the_last_pixel_and_tick(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (12, 50, 70, 3)).astype(np.uint8)
    delays = [20, 0, 10, 1000, 30, 0, 0, 10, 10, 40, 50, 60]
    write_animation(tmp_path / "n.gif", list(noise), delays)
    shown = [delay or 100 for delay in delays]
    with open_video(tmp_path / "n.gif") as video, Image.open(tmp_path / "n.gif") as right:
        assert video.info.decoder == "PyAV"
        for n, frame in enumerate(video.frames()):
            right.seek(n)
            assert (frame.index, frame.time_s) == (n, sum(shown[:n]) / 1000)
            np.testing.assert_array_equal(frame.rgb, np.asarray(right.convert("RGB")))
        assert len(video.table) == 12
        assert video.table.end_s == sum(shown) / 1000


def frames_of(video: Video) -> list[int]:
    return [read_number(frame.rgb) for frame in video.frames()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_gives_what_it_holds(tmp_path: Path, kind: str) -> None:
    data = made(tmp_path, kind).read_bytes()
    (tmp_path / f"cut.{kind}").write_bytes(data[: len(data) * 2 // 3])
    with open_video(tmp_path / f"cut.{kind}") as video:
        numbers = frames_of(video)
        assert 8 <= len(numbers) <= 15
        assert numbers == list(range(len(numbers)))
        assert video.unreadable_after_s == video.table.end_s == pytest.approx(len(numbers) / 10)


def test_pictures_that_stop_decoding_in_the_middle_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_to = animation._go_to
    monkeypatch.setattr(animation, "_go_to", lambda image, k: k < 4 and go_to(image, k))
    with open_video(made(tmp_path, "webp")) as video:
        assert frames_of(video) == [0, 1, 2, 3]
        assert video.unreadable_after_s == video.table.end_s == pytest.approx(0.4)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_in_the_middle_never_raises_anything_else(tmp_path: Path, kind: str) -> None:
    whole = made(tmp_path, kind).read_bytes()
    for seed in range(40):
        generator = np.random.default_rng(seed)
        data = bytearray(whole)
        for place in generator.integers(6, len(data), 5).tolist():
            data[place] = int(generator.integers(0, 256))
        (tmp_path / f"d.{kind}").write_bytes(data)
        try:
            with open_video(tmp_path / f"d.{kind}") as video:
                times = [frame.time_s for frame in video.frames()]
                assert times == sorted(set(times))
        except VideoError:
            pass


@pytest.mark.parametrize("kind", KINDS)
def test_text_that_begins_like_an_animation(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"x.{kind}").write_bytes(b"ffconcat version 1.0\nfile 'a.mp4'\n")
    with pytest.raises(VideoError, match=f"x.{kind} is not"):
        open_video(tmp_path / f"x.{kind}")
    with pytest.raises(VideoError, match=f"x.{kind} is not an animation"):
        open_animation(tmp_path / f"x.{kind}", Watched())
    head = b"GIF89a\n" if kind == "gif" else b"RIFF\x40\0\0\0WEBP"
    (tmp_path / f"x.{kind}").write_bytes(head + b"ffconcat version 1.0\nfile 'a.mp4'\n")
    with pytest.raises(VideoError):
        open_video(tmp_path / f"x.{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_is_refused_by_its_header(tmp_path: Path, kind: str) -> None:
    data = bytearray(made(tmp_path, kind, 2).read_bytes())
    if kind == "gif":
        data[6:10] = struct.pack("<HH", 65535, 65535)
    else:
        data[24:30] = (16383).to_bytes(3, "little") * 2
    (tmp_path / f"b.{kind}").write_bytes(data)
    # FFmpeg knows no size of a GIF that it may not decode, so that PyAV cannot name it.
    with pytest.raises(VideoError, match=r"pixels, over the limit of 64 megapixels|Not one frame of b\.gif"):
        open_video(tmp_path / f"b.{kind}")


def test_too_long(tmp_path: Path) -> None:
    write_animation(tmp_path / "l.webp", [number_picture(n) for n in range(6)], [16_777_215] * 6)
    with pytest.raises(VideoError, match=r"28\.0 hours long"):
        open_video(tmp_path / "l.webp")


def test_a_file_without_one_sound_picture(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path, "webp").read_bytes())
    place = data.index(b"ANMF")
    data[place + 24 : place + 60] = bytes(36)
    (tmp_path / "n.webp").write_bytes(data)
    with pytest.raises(VideoDecodeError, match=r"Not one picture of n\.webp can be decoded"):
        open_video(tmp_path / "n.webp")


def test_going_on_by_one_picture_never_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path, "webp", 200)
    with open_video(path) as video:
        assert read_number(video.frame_at(index=150).rgb) == 150
        assert isinstance(video, ForwardVideo)
        monkeypatch.setattr(video._source, "frames", lambda from_pts: pytest.fail(f"started again at {from_pts}"))
        assert [read_number(video.frame_at(index=k).rgb) for k in range(151, 200)] == list(range(151, 200))


DELAYS = [20, 50, 0, 10, 100, 9_000_000]


@pytest.fixture
def webp(tmp_path: Path) -> Path:
    write_animation(tmp_path / "a.webp", [number_picture(n) for n in range(6)], DELAYS)
    return tmp_path / "a.webp"


def test_a_webp_has_the_delays_that_were_written(webp: Path) -> None:
    delays = read_delays(webp)
    assert delays.delays_ms == (20, 50, 100, 10, 100, 9_000_000)
    assert (delays.width, delays.height, delays.whole) == (160, 96, True)
    assert delays.usable_bytes == webp.stat().st_size


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"lossless": True, "exif": b"Exif\0\0x"}])
def test_the_delay_and_size_of_still_pictures(tmp_path: Path, options: dict[str, object]) -> None:
    Image.fromarray(number_picture(1, 161, 97)).save(tmp_path / "s.webp", **options)
    delays = read_delays(tmp_path / "s.webp")
    assert (delays.width, delays.height, delays.delays_ms, delays.whole) == (161, 97, (100,), True)


def test_cut_anywhere_it_counts_only_what_is_whole(webp: Path, tmp_path: Path) -> None:
    whole = webp.read_bytes()
    counts = []
    for length in np.linspace(0, len(whole) - 1, 60).astype(int).tolist():
        (tmp_path / "cut").write_bytes(whole[:length])
        delays = scan_chunks(tmp_path / "cut")
        assert not delays.whole or length < 12
        assert delays.usable_bytes <= length
        counts.append(len(delays.delays_ms))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] in (5, 6)
    (tmp_path / "cut").write_bytes(whole[:50])
    with pytest.raises(VideoError, match="cut contains no complete picture"):
        read_delays(tmp_path / "cut")


def test_noise_after_the_magic_bytes_ends(tmp_path: Path) -> None:
    for seed in range(50):
        data = np.random.default_rng(seed).bytes(5000)
        (tmp_path / "n").write_bytes(b"RIFF" + data[:4] + b"WEBP" + data)
        assert scan_chunks(tmp_path / "n").usable_bytes <= 5012
