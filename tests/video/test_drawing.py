from __future__ import annotations

import cv2
import numpy as np
import pytest

from clip_core.video.drawing import picture_file, shrunk, thumbnail_jpeg, viewer_jpeg


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (90, 160), (1920, 1080), (1, 1), (2, 4097), (4097, 2)])
def test_any_shape_fits_with_its_colours(height: int, width: int) -> None:
    red = np.zeros((height, width, 3), np.uint8)
    red[:, :, 0] = 250
    shown = decoded(viewer_jpeg(red)).astype(int)
    assert shown.shape == (540, 960, 3)
    if min(height, width) > 2 or height == width:
        np.testing.assert_allclose(shown[270, 480], (250, 0, 0), atol=6)
    if height > width > 2:
        np.testing.assert_allclose(shown[270, 20], (11, 13, 16), atol=4)


def test_a_square_stands_in_the_middle() -> None:
    shown = decoded(viewer_jpeg(np.full((100, 100, 3), 255, np.uint8))).astype(int)
    bright = np.flatnonzero(shown[270, :, 1] > 128)
    assert (bright[0], bright[-1]) == (210, 749)


@pytest.mark.parametrize(
    ("height", "width", "small"),
    [(1080, 1920, (90, 160)), (1920, 1080, (160, 90)), (9, 16, (90, 160)), (2, 900, (1, 160))],
)
def test_a_thumbnail_keeps_shape_and_colours(height: int, width: int, small: tuple[int, int]) -> None:
    blue = np.zeros((height, width, 3), np.uint8)
    blue[:, :, 2] = 240
    shown = decoded(thumbnail_jpeg(blue)).astype(int)
    assert shown.shape[:2] == small
    np.testing.assert_allclose(shown.mean(axis=(0, 1)), (0, 0, 240), atol=6)


def test_only_what_is_too_large_is_shrunk_and_each_pixel_counts() -> None:
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    assert shrunk(stripes, 64) is stripes
    small = shrunk(stripes, 32)
    assert small.shape == (4, 32, 3)
    assert small.min() == small.max() == 100  # the mean of what was there, not every other pixel
    assert shrunk(np.zeros((3000, 1, 3), np.uint8), 10).shape == (10, 1, 3)


def test_a_picture_as_a_file_has_its_own_size_and_as_png_loses_nothing() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (37, 51, 3)).astype(np.uint8)
    assert np.array_equal(decoded(picture_file(noise, png=True)), noise)
    jpeg = picture_file(noise)
    assert (decoded(jpeg).shape, jpeg[:2]) == (noise.shape, b"\xff\xd8")
