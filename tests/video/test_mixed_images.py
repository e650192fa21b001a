"""Sequences whose pictures differ in kind: each is read by itself, and what is done to any of them is noted."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clip_core.video import open_video
from clip_core.video.pictures import ORIENTATION_TAG
from tests.support.video_maker import Picture

WIDTH, HEIGHT = 64, 48
GREY, ORIENTATION = 76, 6


def halves(channels: int = 3) -> Picture:
    """Red at the left, blue at the right; with a fourth channel the left is transparent."""
    picture = np.zeros((HEIGHT, WIDTH, channels), np.uint8)
    picture[:, : WIDTH // 2, 0], picture[:, WIDTH // 2 :, 2] = 255, 255
    picture[:, WIDTH // 2 :, 3:] = 255
    return picture


def mirrored(path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 2
    Image.fromarray(halves()[:, ::-1].copy()).save(path, "PNG", exif=exif)


def clear(path: Path) -> None:
    Image.fromarray(halves(4)).save(path, "PNG")


def clear_palette(path: Path) -> None:
    picture = Image.fromarray(halves()).quantize(4)
    picture.save(path, "PNG", transparency=picture.getpixel((0, 0)))


def grey() -> Picture:
    picture = np.full((HEIGHT, WIDTH), 200, np.uint8)
    picture[:, : WIDTH // 2] = GREY
    return picture


def clear_grey(path: Path) -> None:
    Image.fromarray(grey()).save(path, "PNG", transparency=GREY)


def clear_deep_grey(path: Path) -> None:
    """PNG of 16 bits a sample, with one value that is transparent; nobody here writes it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + row.tobytes() for row in (grey().astype(int) * 256).astype(">u2"))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", GREY * 256)) + chunk(b"IDAT", zlib.compress(rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b""))


def clear_grey_tiff(path: Path) -> None:
    """TIFF with grey and alpha, stored on its side."""
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    stored = np.rot90(np.dstack([grey(), alpha]))
    picture = Image.fromarray(np.ascontiguousarray(stored), "LA")
    picture.save(path, "TIFF", tiffinfo={ORIENTATION_TAG: ORIENTATION})


def blended_tiff(path: Path) -> None:
    """TIFF whose colours are stored as they lie on black (associated alpha), half transparent at the left."""
    picture = halves(4)
    picture[:, : WIDTH // 2] = (128, 0, 0, 128)
    Image.fromarray(picture).save(path, "TIFF")
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<HHI", 338, 3, 1)) + 8
    content[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(content)


def cmyk(path: Path) -> None:
    Image.fromarray(halves()).convert("CMYK").save(path, "JPEG", quality=95)


def moving(path: Path) -> None:
    Image.fromarray(halves()).save(path, "PNG", save_all=True, append_images=[Image.fromarray(255 - halves())])


RED, BLUE, WHITE, LIGHT = (255, 0, 0), (0, 0, 255), (255, 255, 255), (200, 200, 200)


@pytest.mark.parametrize(
    ("write", "left", "right", "reading"),
    [
        (mirrored, RED, BLUE, ""),
        (clear, WHITE, BLUE, "on white"),
        (clear_palette, WHITE, BLUE, "on white"),
        (clear_grey, WHITE, LIGHT, "on white"),
        (clear_deep_grey, WHITE, LIGHT, "on white"),
        (clear_grey_tiff, WHITE, LIGHT, "on white"),
        (blended_tiff, (255, 127, 127), BLUE, "on white"),
        (cmyk, RED, BLUE, ""),
        (moving, RED, BLUE, ""),
    ],
)
def test_the_fifth_picture_is_of_another_kind(
    write: Callable[[Path], None],
    left: tuple[int, int, int],
    right: tuple[int, int, int],
    reading: str,
    tmp_path: Path,
) -> None:
    for number in range(1, 8):
        Image.fromarray(halves()).save(tmp_path / f"f{number}.png")
    write(tmp_path / "f5.png")
    with open_video(tmp_path / "f%d.png@10") as video:
        assert video.info.reading == reading
        pictures = [frame.rgb.astype(int) for frame in video.frames()]
        alone = video.frame_at(index=4).rgb
    assert len(pictures) == 7
    assert (pictures[4] == alone).all()
    for number, picture in enumerate(pictures):
        expected = (left, right) if number == 4 else (RED, BLUE)
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(picture[20, 10] - expected[0]).max() <= 4
        assert np.abs(picture[20, -10] - expected[1]).max() <= 4


def test_only_some_of_many_pictures_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(600):
        Image.fromarray(halves(4 if number == 599 else 3)[:4, :6]).save(tmp_path / f"f{number}.png")
    from clip_core.video import images

    seen: list[Path] = []
    read = images.read_head
    monkeypatch.setattr(images, "read_head", lambda path: (seen.append(path), read(path))[1])
    assert images._reading([tmp_path / f"f{number}.png" for number in range(600)]) == "on white"
    assert len(seen) == 256
