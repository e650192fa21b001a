"""Preprocessing against slow, obvious arithmetic, and what each wrong setting is told."""

import resource
from math import ceil, floor
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from clip_core.encoders import model_inputs
from clip_core.encoders.folder import read_preprocessing
from clip_core.errors import EncoderError
from tests.support.model_maker import OPENAI_MEAN, OPENAI_STD, clip_preprocessor, siglip_preprocessor


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def slow_clip(rgb: np.ndarray, edge: int, crop: int, mean: list[float], std: list[float]) -> np.ndarray:
    """CLIPImageProcessor step by step: resize the shorter side, crop the middle or fill up with zeros, scale."""
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    new_long = int(edge * long / short)
    new = (edge, new_long) if height <= width else (new_long, edge)
    resized = np.asarray(Pillow.fromarray(rgb).resize((new[1], new[0]), Pillow.Resampling.BICUBIC))
    out = np.zeros((3, crop, crop), dtype=np.float32)
    for y in range(crop):
        for x in range(crop):
            from_y, from_x = y + floor((new[0] - crop) / 2), x + floor((new[1] - crop) / 2)
            inside = 0 <= from_y < new[0] and 0 <= from_x < new[1]
            for channel in range(3):
                value = np.float32(resized[from_y, from_x, channel] * (1 / 255) if inside else 0.0)
                out[channel, y, x] = (value - np.float32(mean[channel])) / np.float32(std[channel])
    return out


@pytest.mark.parametrize(("height", "width"), [(36, 64), (64, 36), (24, 24), (25, 24), (7, 31), (100, 100), (3, 2)])
@pytest.mark.parametrize(("edge", "crop"), [(24, 24), (24, 21), (24, 31), (21, 20)])
def test_equals_the_obvious_arithmetic_of_clip(height: int, width: int, edge: int, crop: int) -> None:
    raw = clip_preprocessor(crop) | {"size": {"shortest_edge": edge}, "rescale_factor": 1 / 255}
    rgb = picture(height, width)
    found = read_preprocessing(raw, "m").apply(rgb)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_clip(rgb, edge, crop, OPENAI_MEAN, OPENAI_STD), atol=1e-6)


def test_siglip_squashes() -> None:
    rgb = picture(36, 64)
    found = read_preprocessing(siglip_preprocessor(24), "m").apply(rgb)
    want = np.asarray(Pillow.fromarray(rgb).resize((24, 24), Pillow.Resampling.BICUBIC)) / 255 * 2 - 1
    np.testing.assert_allclose(found, want.transpose(2, 0, 1), atol=1e-6)


def test_a_large_picture_shrinks_with_antialiasing() -> None:
    stripes = np.zeros((320, 320, 3), dtype=np.uint8)
    stripes[::2] = 255
    found = read_preprocessing(siglip_preprocessor(32), "m").apply(stripes)
    assert np.abs(found).max() < 0.05  # grey; without antialiasing, black or white


@pytest.mark.parametrize("shape", [(9, 400), (400, 9), (30, 700), (1, 5000), (2, 4999), (77, 78)])
@pytest.mark.parametrize("crop", [24, 31])
@pytest.mark.parametrize("resample", range(6))
def test_resizing_only_what_is_kept_gives_the_same(
    shape: tuple[int, int], crop: int, resample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = read_preprocessing(clip_preprocessor(crop) | {"size": {"shortest_edge": 24}, "resample": resample}, "m")
    smooth = np.cumsum(picture(*shape).astype(int) // 128 - 0, axis=int(shape[1] > shape[0])) % 256
    rgb = smooth.astype(np.uint8)
    whole = chosen.pixels(rgb)
    monkeypatch.setattr(model_inputs, "LARGE_PIXELS", 0)
    part = chosen.pixels(rgb)
    off = np.abs(whole.astype(int) - part)
    if resample == 0:  # nearest: a tie may fall to the other side
        assert (off > 0).mean() < 0.05
    else:
        assert off.max() <= 1


@pytest.mark.parametrize("shape", [(1, 4999), (4999, 1), (1, 1), (1, 64999)])
def test_extreme_shapes_take_little_memory(shape: tuple[int, int]) -> None:
    chosen = read_preprocessing(clip_preprocessor(224), "m")
    rgb = picture(*shape)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = chosen.apply(rgb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB; in full it were 1 GB and more
    assert found.shape == (3, 224, 224)
    middle = rgb[shape[0] // 2, shape[1] // 2] / 255
    want = (middle - OPENAI_MEAN) / OPENAI_STD
    np.testing.assert_allclose(found[:, 112, 112], want, atol=0.02)


def test_old_files_with_plain_numbers() -> None:
    old = {"size": 24, "crop_size": 20, "resample": 3, "image_mean": OPENAI_MEAN, "image_std": OPENAI_STD}
    found = read_preprocessing(old | {"do_center_crop": True, "do_resize": True, "do_normalize": True}, "m")
    assert (found.shortest_edge, found.squash, found.crop) == (24, None, (20, 20))
    assert found.rescale_factor == pytest.approx(1 / 255)
    square = read_preprocessing({"size": 24, "resample": 2, "do_center_crop": False}, "m")
    assert (square.shortest_edge, square.squash, square.crop) == (None, (24, 24), None)
    assert read_preprocessing(old | {"default_to_square": True}, "m").squash == (24, 24)


def test_steps_that_are_switched_off() -> None:
    raw = {"do_resize": False, "do_rescale": False, "do_normalize": False, "crop_size": {"height": 2, "width": 4}}
    rgb = picture(4, 4)
    found = read_preprocessing(raw, "m").apply(rgb)
    np.testing.assert_array_equal(found, rgb[1:3].transpose(2, 0, 1).astype(np.float32))


def test_harmless_settings_change_nothing() -> None:
    plain = read_preprocessing(clip_preprocessor(32), "m")
    more = {
        "do_pad": None,
        "do_thumbnail": False,
        "processor_class": "CLIPProcessor",
        "device": None,
        "do_convert_rgb": 0,
    }
    assert read_preprocessing(clip_preprocessor(32) | more, "m") == plain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do_pad": True}, r"^preprocessor_config\.json of m asks for 'do_pad', which is not supported\."),
        ({"crop_pct": 0.9}, "asks for 'crop_pct', which is not supported"),
        ({"size": {"longest_edge": 9}}, r"asks for 'size\.longest_edge', which is not supported"),
        ({"size": {"shortest_edge": 0}}, r"gives 'size\.shortest_edge' as 0; .* a whole number from 1 to 4096"),
        ({"size": {"shortest_edge": True}}, r"'size\.shortest_edge' as True"),
        ({"size": {"height": 8}}, r"'size\.width' as nothing"),
        ({"size": 5000}, r"'size' as 5000"),
        ({"size": "224"}, r"'size' as '224'"),
        ({"size": None, "do_resize": True}, r"'size' as nothing"),
        ({"crop_size": {"height": 8, "width": 1e9}}, r"'crop_size\.width' as 1000000000\.0"),
        ({"resample": None}, "'resample' as nothing; it must be a whole number from 0 to 5"),
        ({"resample": 6}, "'resample' as 6"),
        ({"do_resize": "yes"}, "'do_resize' as 'yes'; it must be true or false"),
        ({"rescale_factor": float("nan")}, "'rescale_factor' as nan"),
        ({"image_mean": [0.5, 0.5]}, "'image_mean' as .*; it must be three numbers"),
        ({"image_mean": [0.5, 0.5, "x"]}, "'image_mean' as"),
        ({"image_std": [0.5, 0.0, 0.5]}, "'image_std' as"),
        ({"image_std": None}, "'image_std' as nothing"),
        ({"do_center_crop": False}, "differing sizes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        read_preprocessing(clip_preprocessor(32) | change, "m")


def test_the_padding_offsets_are_those_of_transformers() -> None:
    chosen = read_preprocessing({"do_resize": False, "do_rescale": False, "crop_size": 5}, "m")
    found = chosen.apply(np.full((2, 2, 3), 9, dtype=np.uint8))
    top_pad = ceil((5 - 2) / 2)  # transformers.image_transforms.center_crop
    want = np.zeros((5, 5))
    want[top_pad : top_pad + 2, top_pad : top_pad + 2] = 9
    np.testing.assert_array_equal(found[0], want)


@pytest.mark.parametrize(("raw", "own"), [(clip_preprocessor(24), "center"), (siglip_preprocessor(24), "squash")])
@pytest.mark.parametrize("shape", [(36, 64), (64, 36), (24, 24), (300, 20)])
def test_a_frame_may_be_cut_squashed_or_fitted_in(raw: dict[str, Any], own: str, shape: tuple[int, int]) -> None:
    made, rgb = read_preprocessing(raw, "m"), picture(*shape)
    assert (made.framing, made.framed(None), made.framed(own)) == (own, made, made)
    found = {crop: made.framed(crop).pixels(rgb) for crop in ("center", "squash", "pad")}
    bicubic = Pillow.Resampling.BICUBIC
    squashed = np.asarray(Pillow.fromarray(rgb).resize((24, 24), bicubic))
    np.testing.assert_array_equal(found["squash"], squashed)
    short, long = min(shape), max(shape)
    cut = read_preprocessing(clip_preprocessor(24), "m").pixels(rgb)
    np.testing.assert_array_equal(found["center"], cut)
    fitted = max(1, round(short * 24 / long))
    size = (24, fitted) if shape[0] <= shape[1] else (fitted, 24)
    inside = np.asarray(Pillow.fromarray(rgb).resize(size, bicubic))
    top, left = (24 - inside.shape[0]) // 2, (24 - inside.shape[1]) // 2
    bars = np.empty((24, 24, 3), dtype=np.uint8)
    bars[:] = np.rint(np.array(raw["image_mean"]) * 255)
    bars[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    np.testing.assert_array_equal(found["pad"], bars)


def test_bars_are_the_models_grey() -> None:
    for raw in (clip_preprocessor(24), siglip_preprocessor(24)):
        values = read_preprocessing(raw, "m").framed("pad").apply(picture(4, 64))
        assert np.abs(values[:, :8]).max() < 0.01


def test_a_model_that_never_resized_is_resized_when_it_is_to_see_all() -> None:
    made = read_preprocessing({"do_resize": False, "crop_size": 24}, "m")
    assert (made.framing, made.framed("squash").resample) == ("center", 3)
    assert made.framed("squash").pixels(picture(50, 90)).shape == (24, 24, 3)


def test_the_settings_of_a_model_as_it_was_made_are_those_of_before() -> None:
    made = read_preprocessing(clip_preprocessor(24), "m")
    names = {"crop", "mean", "rescale_factor", "resample", "shortest_edge", "squash", "std"}
    assert set(made.settings()) == names
    assert set(made.framed("pad").settings()) == names | {"pad"}


@pytest.mark.parametrize(
    ("shape", "resample", "most", "share"),
    [
        ((540, 960), 3, 1, 0.001),
        ((1080, 1920), 3, 1, 0.001),
        ((1280, 720), 3, 1, 0.001),
        ((300, 2000), 3, 1, 0.001),
        ((2340, 1080), 3, 0, 0),  # Pillow works in the other order here
        ((1800, 800), 1, 0, 0),
        ((540, 960), 0, 0, 0),
    ],
)
def test_a_large_frame_is_as_if_it_was_resized_whole(
    shape: tuple[int, int], resample: int, most: int, share: float
) -> None:
    rgb, made = picture(*shape), read_preprocessing(clip_preprocessor(224) | {"resample": resample}, "m")
    height, width = made._resized(*shape)
    top, left = (height - 224) // 2, (width - 224) // 2
    whole = np.asarray(Pillow.fromarray(rgb).resize((width, height), resample))[top : top + 224, left : left + 224]
    off = np.abs(made.pixels(rgb).astype(int) - whole)
    assert off.max() <= most
    assert (off > 0).mean() <= share
