"""Animated PNG: each picture in its place, laid over those before as the file asks, for as long as it says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_core.errors import VideoError
from clip_core.video import open_video
from clip_core.video.apng import SIGNATURE, is_apng
from clip_core.video.opening import upload_extension
from tests.support.video_maker import Picture, number_picture, read_number, write_animation

SIZE = 8
CLEAR, RED, HALF_BLUE = (0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 128)
PINK, PURPLE, LILAC, WHITE = (255, 0, 0), (127, 0, 128), (127, 127, 255), (255, 255, 255)
STAYS, CLEARED, AS_BEFORE = 0, 1, 2


@dataclass(frozen=True)
class Laid:
    """A picture of one colour: (left, top, width, height), then the numbers of the file's own control."""

    colour: tuple[int, int, int, int]
    place: tuple[int, int, int, int] = (0, 0, SIZE, SIZE)
    delay: tuple[int, int] = (1, 10)
    disposal: int = STAYS
    is_laid_over: bool = False


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def apng(pictures: Sequence[Laid], *, hidden: tuple[int, int, int, int] | None = None, promised: int = 0) -> bytes:
    """An animated PNG of RGBA; ``hidden`` is the colour of a picture for programs that do not animate."""
    content = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0))
    content += chunk(b"acTL", struct.pack(">II", promised or len(pictures), 0))
    number = 0
    if hidden is not None:
        content += chunk(b"IDAT", zlib.compress((b"\0" + bytes(hidden) * SIZE) * SIZE))
    for k, picture in enumerate(pictures):
        left, top, width, height = picture.place
        control = (number, width, height, left, top, *picture.delay, picture.disposal, int(picture.is_laid_over))
        content += chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control))
        data = zlib.compress((b"\0" + bytes(picture.colour) * width) * height)
        number += 1
        if k == 0 and hidden is None:
            content += chunk(b"IDAT", data)
            continue
        for part in (data[:5], data[5:]):
            content += chunk(b"fdAT", struct.pack(">I", number) + part)
            number += 1
    return content + chunk(b"IEND", b"")


LEFT, RIGHT = (0, 0, SIZE // 2, SIZE), (SIZE // 2, 0, SIZE // 2, SIZE)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        ([Laid(RED), Laid(HALF_BLUE, LEFT)], [(PINK, PINK), (LILAC, PINK)]),
        ([Laid(RED), Laid(HALF_BLUE, LEFT, is_laid_over=True)], [(PINK, PINK), (PURPLE, PINK)]),
        ([Laid(CLEAR), Laid(HALF_BLUE, LEFT, is_laid_over=True)], [(WHITE, WHITE), (LILAC, WHITE)]),
        (
            [Laid(RED), Laid(HALF_BLUE, LEFT, disposal=CLEARED), Laid(CLEAR, RIGHT)],
            [(PINK, PINK), (LILAC, PINK), (WHITE, WHITE)],
        ),
        (
            [Laid(RED), Laid(HALF_BLUE, LEFT, disposal=AS_BEFORE), Laid(CLEAR, RIGHT)],
            [(PINK, PINK), (LILAC, PINK), (PINK, WHITE)],
        ),
        ([Laid(RED, disposal=AS_BEFORE), Laid(RED, LEFT)], [(PINK, PINK), (PINK, WHITE)]),
    ],
)
def test_pictures_are_laid_over_each_other_as_the_file_asks(
    pictures: list[Laid], expected: list[tuple[tuple[int, int, int], tuple[int, int, int]]], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(apng(pictures))
    with open_video(tmp_path / "a.png") as video:
        frames = [frame.rgb.astype(int) for frame in video.frames()]
        alone = [video.frame_at(index=k).rgb for k in reversed(range(len(expected)))]
    assert len(frames) == len(expected)
    for rgb, again, (left, right) in zip(frames, reversed(alone), expected, strict=True):
        assert np.abs(rgb[4, 1] - left).max() <= 1
        assert np.abs(rgb[4, -2] - right).max() <= 1
        assert (rgb == again).all()


def test_delays_are_those_of_the_file(tmp_path: Path) -> None:
    delays = [(1001, 30_000), (0, 7), (3, 0), (1, 4)]
    (tmp_path / "a.apng").write_bytes(apng([Laid(RED, delay=delay) for delay in delays]))
    with open_video(tmp_path / "a.apng") as video:
        np.testing.assert_allclose(video.times_s, [0, 0.033367, 0.133367, 0.163367], atol=1e-9)
        assert video.table.end_s == pytest.approx(0.413367)
        assert (video.info.container, video.info.codec, video.info.header_frame_count) == ("apng", "apng", 4)
        assert upload_extension(video) == "apng"


def test_a_picture_for_programs_that_do_not_animate_is_no_frame(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(apng([Laid(RED)], hidden=HALF_BLUE))
    with open_video(tmp_path / "a.png") as video:
        (frame,) = video.frames()
        assert (frame.rgb == PINK).all()
        assert video.info.reading == ""


def test_a_plain_png_is_no_video(tmp_path: Path) -> None:
    Image.fromarray(number_picture(5)).save(tmp_path / "still.png")
    assert not is_apng(tmp_path / "still.png")
    with pytest.raises(VideoError, match=r"still\.png is not a video that can be read"):
        open_video(tmp_path / "still.png")


@pytest.mark.parametrize("mode", ["P", "L", "1", "LA", "RGB"])
def test_every_kind_of_colours(mode: str, tmp_path: Path) -> None:
    pictures = [number_picture(number) for number in range(6)]
    made = [Image.fromarray(picture).convert(mode) for picture in pictures]
    made[0].save(tmp_path / "a.png", save_all=True, append_images=made[1:], duration=40)
    with open_video(tmp_path / "a.png") as video:
        assert [read_number(frame.rgb) for frame in video.frames()] == list(range(6))


def test_a_file_that_is_cut_off_gives_what_it_holds(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", [number_picture(n) for n in range(20)], [100] * 20)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) * 2 // 3])
    with open_video(tmp_path / "a.png") as video:
        numbers = [read_number(frame.rgb) for frame in video.frames()]
        assert 8 <= len(numbers) <= 15
        assert numbers == list(range(len(numbers)))
        assert video.unreadable_after_s == video.table.end_s == pytest.approx(len(numbers) / 10)


@pytest.mark.parametrize(
    "content",
    [
        apng([]),
        apng([Laid(RED, (4, 0, SIZE, SIZE))]),
        apng([Laid(RED, (0, 0, 0, 0))]),
        apng([Laid(RED)])[:60],
        SIGNATURE + chunk(b"acTL", bytes(8)) + chunk(b"fcTL", bytes(26)) + chunk(b"IEND", b""),
    ],
)
def test_what_cannot_be_shown_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(VideoError, match=r"a\.png"):
        open_video(tmp_path / "a.png")


def test_damage_never_raises_anything_else(tmp_path: Path) -> None:
    write_animation(tmp_path / "a.png", [number_picture(n) for n in range(8)], [100] * 8)
    whole = (tmp_path / "a.png").read_bytes()
    opened = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        data = bytearray(whole)
        for place in generator.integers(8, len(data), 6):
            data[place] = generator.integers(256)
        (tmp_path / "a.png").write_bytes(data)
        try:
            with open_video(tmp_path / "a.png") as video:
                shown: list[Picture] = [frame.rgb for frame in video.frames()]
        except VideoError:
            continue
        opened += 1
        assert 1 <= len(shown) <= 8
    assert opened >= 10
