"""Sequences of images: what pictures become, and what is left out."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from clip_core.errors import VideoDecodeError, VideoError, VideoNotFoundError
from clip_core.video import images, open_video
from clip_core.video.images import ImageHead, read_head, read_image
from tests.support.video_maker import number_picture, read_number, write_images


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with hardly any data."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp"])
def test_every_format_with_red_left_and_blue_right(tmp_path: Path, suffix: str) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30, 0], picture[:, 30:, 2] = 250, 250
    for n in range(2):
        Image.fromarray(picture).save(tmp_path / f"f{n}.{suffix}")
    with open_video(tmp_path / f"f%d.{suffix}") as video:
        for frame in video.frames():
            assert frame.rgb.dtype == np.uint8
            assert frame.rgb.flags.c_contiguous
            assert np.abs(frame.rgb[20, 10].astype(int) - (250, 0, 0)).max() < 12
            assert np.abs(frame.rgb[20, 50].astype(int) - (0, 0, 250)).max() < 12
        assert (video.info.decoder, video.info.container, video.info.codec) == ("OpenCV", "images", suffix)


def test_grey_deep_palette_and_transparent_pictures(tmp_path: Path) -> None:
    deep = np.zeros((4, 6, 3), np.uint16)
    deep[:, :, 0], deep[:, :, 1] = 200 * 256 + 3, 100 * 256  # OpenCV writes blue first
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    cv2.imwrite(str(tmp_path / "deep.tif"), deep)
    cv2.imwrite(str(tmp_path / "deepgrey.png"), np.full((4, 6), 77 * 256, np.uint16))
    cv2.imwrite(str(tmp_path / "deepalpha.png"), np.dstack([deep, np.full((4, 6), 32768, np.uint16)]))
    Image.fromarray(np.full((4, 6), 77, np.uint8)).save(tmp_path / "grey.png")
    half = np.full((4, 6, 4), (200, 100, 50, 128), np.uint8)
    half[:, 3:, 3] = 0
    Image.fromarray(half, "RGBA").save(tmp_path / "alpha.png")
    Image.fromarray(half, "RGBA").save(tmp_path / "alpha.webp", lossless=True, exact=True)
    Image.fromarray(np.dstack([np.full((4, 6), 200, np.uint8), half[:, :, 3]]), "LA").save(tmp_path / "la.png")
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([9, 8, 7, 250, 0, 0])
    palette.save(tmp_path / "palette.png", transparency=0)
    expected = {
        "deep.png": ((0, 100, 200), (0, 100, 200)),
        "deep.tif": ((0, 100, 200), (0, 100, 200)),
        "deepgrey.png": ((77, 77, 77), (77, 77, 77)),
        "deepalpha.png": ((127, 177, 227), (127, 177, 227)),
        "grey.png": ((77, 77, 77), (77, 77, 77)),
        "alpha.png": ((227, 177, 152), (255, 255, 255)),
        "alpha.webp": ((227, 177, 152), (255, 255, 255)),
        "la.png": ((227, 227, 227), (255, 255, 255)),
        "palette.png": ((255, 255, 255), (250, 0, 0)),
    }
    for name, (left, right) in expected.items():
        rgb = read_image(tmp_path / name)
        assert rgb is not None, name
        assert np.abs(rgb[0, 0].astype(int) - left).max() <= 1, name
        assert np.abs(rgb[0, -1].astype(int) - right).max() <= 1, name


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(number_picture(5)).rotate(90, expand=True).save(tmp_path / "f1.jpg", exif=exif, quality=95)
    with open_video(tmp_path / "f%d.jpg") as video:
        assert (video.info.width, video.info.height) == (160, 96)
        assert read_number(video.frame_at(index=0).rgb) == 5


def test_pictures_that_cannot_be_decoded_are_left_out(tmp_path: Path) -> None:
    write_images(tmp_path, "f%d.png", range(10))
    whole = (tmp_path / "f4.png").read_bytes()
    (tmp_path / "f0.png").write_bytes(b"")
    (tmp_path / "f3.png").write_text("hello")
    (tmp_path / "f4.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "f6.png").write_bytes(whole[:60] + bytes(40) + whole[100:])
    right = [1, 2, 5, 7, 8, 9]
    with open_video(tmp_path / "f%d.png@10") as video:
        assert video.info.header_frame_count == 10
        assert video.frame_at(index=0).time_s == 0.0
        frames = list(video.frames())
        assert [read_number(frame.rgb) for frame in frames] == right
        assert [frame.index for frame in frames] == list(range(6))
        np.testing.assert_allclose(video.times_s, [(n - 1) / 10 for n in right], atol=1e-12)
        assert [read_number(video.frame_at(index=k).rgb) for k in range(6)] == right
        assert video.unreadable_after_s is None
        assert video.left_out_frames == 4
    with open_video(tmp_path / "f%d.png@10") as video:  # asked for singly, what is broken is found out
        assert read_number(video.frame_at(time_s=0.5).rgb) == 5
        assert read_number(video.frame_at(time_s=0.25).rgb) == 2
        assert [read_number(frame.rgb) for frame in video.keyframes(video.table.key_pts.tolist())] == right


def test_a_sequence_that_is_broken_to_its_end_says_where(tmp_path: Path) -> None:
    write_images(tmp_path, "f%d.png", range(10))
    for n in (7, 8, 9):
        (tmp_path / f"f{n}.png").write_bytes(b"x")
    with open_video(tmp_path / "f%d.png@10") as video:
        assert len(list(video.frames())) == 7
        assert video.unreadable_after_s == pytest.approx(0.7)


def test_other_sizes_are_given_as_they_are(tmp_path: Path) -> None:
    write_images(tmp_path, "f%d.png", range(3))
    write_images(tmp_path, "f%d.png", [1], size=(320, 200))
    with open_video(tmp_path / "f%d.png") as video:
        frames = list(video.frames())
        assert [frame.rgb.shape for frame in frames] == [(96, 160, 3), (200, 320, 3), (96, 160, 3)]
        assert [read_number(frame.rgb) for frame in frames] == [0, 1, 2]


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (8001, 8000), (12_000, 12_000), (2_000_000_000, 1)])
def test_a_bomb_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    def forbidden(*given: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", forbidden)
    (tmp_path / "f1.png").write_bytes(png_of(width, height))
    assert read_image(tmp_path / "f1.png") is None
    with pytest.raises(VideoDecodeError, match=r"Not one picture of f%d\.png@25 can be decoded"):
        open_video(tmp_path / "f%d.png")


def test_only_images_pass_for_images(tmp_path: Path) -> None:
    hostile = {
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "list": b"ffconcat version 1.0\nfile 'f2.png'\n",
        "ppm": b"P6 1 1 255 abc",
        "gif": b"GIF89a" + bytes(20),
    }
    for data in hostile.values():
        (tmp_path / "f1.png").write_bytes(data)
        assert read_head(data) is None
        assert read_image(tmp_path / "f1.png") is None
    assert read_image(tmp_path / "gone.png") is None


def test_the_head_alone_tells_the_size() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (7, 5)).save(file, "PNG")
    assert read_head(file.getvalue()[:60]) == ImageHead("PNG", 7, 5, has_alpha=True)
    assert read_head(png_of(64_000_000, 1)) == ImageHead("PNG", 64_000_000, 1, has_alpha=False)
    assert read_head(png_of(64_000_001, 1)) is None


def test_no_picture_and_too_long(tmp_path: Path) -> None:
    with pytest.raises(VideoNotFoundError, match=r"No file fits f%03d\.png@24"):
        open_video(tmp_path / "f%03d.png@24")
    write_images(tmp_path, "shot_%d.png", [20240101, 20240102, 20260101])
    with pytest.raises(
        VideoError, match=r"shot_%d\.png@0\.1 would be 55\.6 hours long, from number 20240101 to 20260101"
    ):
        open_video(tmp_path / "shot_%d.png@0.1")


def test_a_known_id_is_taken_over(tmp_path: Path) -> None:
    write_images(tmp_path, "f%d.png", range(2))
    with open_video(tmp_path / "f%d.png", video_id="a" * 64) as video:
        assert video.info.video_id == "a" * 64
        assert video.info.size_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_a_confirmed_table_is_believed(tmp_path: Path) -> None:
    write_images(tmp_path, "f%d.png", range(5))
    with open_video(tmp_path / "f%d.png") as video:
        list(video.frames())
        table = video.table
    with open_video(tmp_path / "f%d.png", table=table) as video:
        assert video.table is table
        assert read_number(video.frame_at(index=3).rgb) == 3
        assert [frame.index for frame in video.frames([1, 3])] == [1, 3]


@pytest.mark.parametrize("name", ["f%d.png", "f%d.tif", "f%d.webp"])
def test_half_transparent_pictures_lie_on_white_once(tmp_path: Path, name: str) -> None:
    rgba = np.full((16, 24, 4), (200, 100, 60, 128), np.uint8)
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    Image.fromarray(rgba).save(tmp_path / (name % 1), **options)
    with open_video(tmp_path / name) as video:
        assert np.abs(video.frame_at(index=0).rgb.astype(int) - (227, 177, 157)).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_that_does_not_say_what_its_fourth_channel_is(tmp_path: Path, dtype: type) -> None:
    scale = np.iinfo(dtype).max // 255
    bgra = (np.full((16, 24, 4), (60, 100, 200, 128)) * scale).astype(dtype)
    (tmp_path / "f1.tif").write_bytes(cv2.imencode(".tiff", bgra)[1].tobytes())
    with open_video(tmp_path / "f%d.tif") as video:
        assert np.abs(video.frame_at(index=0).rgb.astype(int) - (227, 177, 157)).max() <= 1


def test_a_picture_that_vanishes_while_it_is_looked_at_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path, "f%d.png", range(4))
    read_head = images.read_head

    def read_then_lose(data: bytes | Path) -> images.ImageHead | None:
        head = read_head(data)
        if isinstance(data, Path) and data.name == "f2.png":
            data.unlink(missing_ok=True)
        return head

    with open_video(tmp_path / "f%d.png") as video:
        monkeypatch.setattr(images, "read_head", read_then_lose)
        assert [read_number(frame.rgb) for frame in video.frames()] == [0, 1, 3]
