"""What every encoder keeps: the same tests over each implementation, the fake one too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clip_core.config import Config
from clip_core.encoders.base import Encoder
from clip_core.encoders.registry import load_encoder
from clip_core.encoders.roboflow import RoboflowEncoder
from clip_core.errors import EncoderError
from tests.support.fakes import FakeEncoder
from tests.support.inference_server import MOST_TOKENS, running, tokens
from tests.support.model_maker import make_clip, make_siglip

KINDS: dict[str, Callable[[Path], Encoder]] = {
    "clip": lambda folder: load_encoder(str(make_clip(folder))),
    "siglip": lambda folder: load_encoder(str(make_siglip(folder))),
    "fake": lambda folder: FakeEncoder(),
}
KINDS["roboflow"] = lambda folder: load_encoder("roboflow", replace(Config(), inference_url=running().url))
KINDS["sample"] = lambda folder: load_encoder("sample")

ODD_TEXTS = [
    "",
    " ",
    "🐶🍕",
    "a dog " * 800,
    "x" * 5000,
    "\x00",
    "שלום עולם",
    "\ud800",
    "e\u0301",
    "<b>$x$</b>",
    "a\nb",
]


@pytest.fixture(scope="module", params=KINDS)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return KINDS[request.param](tmp_path_factory.mktemp("model"))


def pictures(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Coloured gradients with some noise, different for each position."""
    found = []
    for seed, (height, width) in enumerate(sizes):
        rng = np.random.default_rng(seed)
        ramp = np.linspace(0, 1, height)[:, None, None] * rng.random(3) + np.linspace(0, 1, width)[
            :, None
        ] * rng.random(3)
        found.append((ramp * 110 + rng.integers(0, 30, (height, width, 3))).astype(np.uint8))
    return found


MIXED = ((48, 64), (32, 32), (7, 5), (1, 1), (1, 300), (300, 1), (90, 160), (160, 90), (33, 31))


def readable(encoder: Encoder, texts: list[str]) -> list[str]:
    """What it reads of these: a server cuts no text, it refuses those that are too long."""
    return [text for text in texts if tokens(text) <= MOST_TOKENS or not isinstance(encoder, RoboflowEncoder)]


def lengths(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors.astype(np.float64), axis=1)


def test_says_what_it_is(encoder: Encoder) -> None:
    assert encoder.id
    assert len(encoder.fingerprint) == 64
    assert set(encoder.fingerprint) <= set("0123456789abcdef")
    assert encoder.dim >= 4
    assert 1 <= encoder.logit_scale <= 200


def test_pictures_become_unit_vectors(encoder: Encoder) -> None:
    vectors = encoder.embed_images(pictures(*MIXED))
    assert vectors.shape == (len(MIXED), encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(lengths(vectors), 1, atol=1e-6)


def test_texts_become_unit_vectors(encoder: Encoder) -> None:
    vectors = encoder.embed_texts(["a dog", "a photo of a dog", "pizza"])
    assert vectors.shape == (3, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(lengths(vectors), 1, atol=1e-6)
    assert vectors[0] @ vectors[2] < 0.999


def test_nothing_in_nothing_out(encoder: Encoder) -> None:
    for vectors in (encoder.embed_images([]), encoder.embed_texts([])):
        assert vectors.shape == (0, encoder.dim)
        assert vectors.dtype == np.float32


def test_a_batch_equals_single_calls_in_order(encoder: Encoder) -> None:
    images = pictures(*MIXED * 8)  # 72 pictures: more than one chunk
    alone = np.concatenate([encoder.embed_images([image]) for image in images])
    assert (encoder.embed_images(images) * alone).sum(axis=1).min() >= 0.99999


def test_a_batch_of_texts_equals_single_calls_in_order(encoder: Encoder) -> None:
    texts = ["dog", "a photo of the red house", *ODD_TEXTS, "cat", *[f"a car {'tree ' * n}" for n in range(70)]]
    texts = readable(encoder, texts)
    alone = np.concatenate([encoder.embed_texts([text]) for text in texts])
    assert (encoder.embed_texts(texts) * alone).sum(axis=1).min() >= 0.99999


def test_odd_texts_become_unit_vectors(encoder: Encoder) -> None:
    vectors = encoder.embed_texts(readable(encoder, ODD_TEXTS))
    np.testing.assert_allclose(lengths(vectors), 1, atol=1e-6)


def test_a_long_text_is_cut_or_refused_by_name(encoder: Encoder) -> None:
    long = "a dog " * 800
    if readable(encoder, [long]):
        np.testing.assert_allclose(lengths(encoder.embed_texts(["cat", long])), 1, atol=1e-6)
    else:
        with pytest.raises(EncoderError, match=r'refused the text "a dog a dog .*Shorten it: about 75 tokens'):
            encoder.embed_texts(["cat", long])


def test_the_same_input_gives_the_same_vectors(encoder: Encoder) -> None:
    images, texts = pictures((40, 60), (60, 40)), ["a dog", "pizza"]
    assert np.array_equal(encoder.embed_images(images), encoder.embed_images(images))
    assert np.array_equal(encoder.embed_texts(texts), encoder.embed_texts(texts))


def test_red_first_matters(encoder: Encoder) -> None:
    red = np.zeros((40, 40, 3), dtype=np.uint8)
    red[..., 0] = 255
    rgb, bgr = encoder.embed_images([red, np.ascontiguousarray(red[..., ::-1])])
    assert rgb @ bgr < 0.999


def test_a_view_counts_as_its_pixels(encoder: Encoder) -> None:
    whole = pictures((60, 80))[0]
    view = whole[::2, 10:50, ::-1]
    assert np.array_equal(encoder.embed_images([view]), encoder.embed_images([view.copy()]))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((4, 4, 3), dtype=np.int64),
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((3, 4, 4), dtype=np.uint8),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
    ids=lambda picture: f"{picture.dtype}{picture.shape}",
)
def test_other_pictures_are_refused(encoder: Encoder, picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"uint8 RGB \(height, width, 3\)"):
        encoder.embed_images([np.zeros((4, 4, 3), dtype=np.uint8), picture])


def test_several_threads_at_once(encoder: Encoder) -> None:
    images, texts = pictures(*MIXED), ["a dog", "pizza", "x " * 50]
    want_images, want_texts = encoder.embed_images(images), encoder.embed_texts(texts)
    with ThreadPoolExecutor(4) as pool:
        jobs = [(pool.submit(encoder.embed_images, images), pool.submit(encoder.embed_texts, texts)) for _ in range(8)]
    for image_job, text_job in jobs:
        np.testing.assert_allclose(image_job.result(), want_images, atol=1e-6)
        np.testing.assert_allclose(text_job.result(), want_texts, atol=1e-6)
