"""Pictures and texts from end to end against what the `transformers` library made of them.

``tests/fixtures/parity/README.md`` says what the fixtures are and how to remake them.
"""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_core.encoders.folder import read_preprocessing
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.encoders.registry import load_encoder
from tests.support import parity_frames
from tests.support.parity_wrongs import TELLING, WRONGS

FIXTURES = Path(__file__).parent / "fixtures" / "parity"
KINDS = ("clip", "siglip")
SAME = 0.9999
# What is wrong lies further off than five times what is allowed.
OTHER = 1 - 5 * (1 - SAME)
EDGE = 64
MAX_BYTES = 300_000
WAYS = [(kind, way) for kind in KINDS for way in WRONGS[kind]]


@cache
def frames() -> dict[str, np.ndarray]:
    return dict(parity_frames.frames())


@cache
def expected(kind: str) -> dict[str, Any]:
    return json.loads((FIXTURES / kind / "expected.json").read_text(encoding="utf-8"))


@cache
def encoder(kind: str) -> OnnxEncoder:
    return load_encoder(str(FIXTURES / kind))


@cache
def of_transformers(kind: str, what: str) -> dict[str, np.ndarray]:
    vectors = np.load(FIXTURES / kind / f"{what}.npy", allow_pickle=False)
    return dict(zip(expected(kind)["frames" if what == "images" else "texts"], vectors, strict=True))


def cosines(found: np.ndarray, want: np.ndarray) -> np.ndarray:
    return (found.astype(np.float64) * want).sum(axis=1)


def far_off(kind: str, what: str, found: np.ndarray) -> dict[str, float]:
    """Name → cosine of all that do not fit what transformers made."""
    want = of_transformers(kind, what)
    assert found.shape == (len(want), encoder(kind).dim)
    near = cosines(found, np.stack(list(want.values())))
    return {name: float(cosine) for name, cosine in zip(want, near, strict=True) if not cosine >= SAME}


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_are_those_that_transformers_saw(kind: str) -> None:
    assert {name: parity_frames.sha256(frame) for name, frame in frames().items()} == expected(kind)["frames"]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_of_all_sizes_become_the_vectors_of_transformers(kind: str) -> None:
    assert far_off(kind, "images", encoder(kind).embed_images(list(frames().values()))) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_texts_become_the_vectors_of_transformers(kind: str) -> None:
    texts = expected(kind)["texts"]
    assert len(texts) == len(set(texts)) >= 30
    assert far_off(kind, "texts", encoder(kind).embed_texts(texts)) == {}
    alone = np.concatenate([encoder(kind).embed_texts([text]) for text in texts])
    assert far_off(kind, "texts", alone) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_models_tell_frames_and_texts_apart(kind: str) -> None:
    assert max(expected(kind)["most_alike_frames"].values()) < 0.98
    assert max(expected(kind)["most_alike_texts"].values()) < 0.995


@pytest.mark.parametrize(("kind", "way"), WAYS, ids=lambda part: part)
def test_a_nearly_right_preparation_is_told_from_the_right_one(kind: str, way: str) -> None:
    noted = expected(kind)["wrong_ways"][way]
    wrong = encoder(kind).embed_images([WRONGS[kind][way](frames()[name], EDGE) for name in TELLING])
    found = cosines(wrong, np.stack([of_transformers(kind, "images")[name] for name in TELLING]))
    assert found.max() < OTHER
    np.testing.assert_allclose(found, [noted[name] for name in TELLING], atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_pure_red_is_red(kind: str) -> None:
    settings = json.loads((FIXTURES / kind / "preprocessor_config.json").read_text())
    pixels = read_preprocessing(settings, kind).apply(frames()["red"])
    for channel, value in enumerate((1.0, 0.0, 0.0)):
        want = (value - settings["image_mean"][channel]) / settings["image_std"][channel]
        np.testing.assert_allclose(pixels[channel], want, rtol=1e-5)
    found = encoder(kind).embed_images([frames()["red"]])[0]
    near = {name: float(found @ of_transformers(kind, "images")[name]) for name in ("red", "green", "blue")}
    assert near["red"] >= SAME
    assert max(near["green"], near["blue"]) < 0.98


def test_texts_that_are_not_filled_up_are_wrong_for_siglip(tmp_path: Path) -> None:
    folder = shutil.copytree(FIXTURES / "siglip", tmp_path / "unfilled")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 64
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "clip"}))
    noted = expected("siglip")["not_filled_up"]
    found = np.concatenate([load_encoder(str(folder)).embed_texts([text]) for text in noted])
    near = cosines(found, np.stack([of_transformers("siglip", "texts")[text] for text in noted]))
    assert near.max() < 0.99
    np.testing.assert_allclose(near, list(noted.values()), atol=1e-4)


def test_where_tokenizer_json_and_siglip_tokenizer_part() -> None:
    apart = expected("siglip")["cut_otherwise_by_SiglipTokenizer"]
    assert sorted(apart) == ["  spaces   around   and   within  ", "?!?! -- (…) «»", "the end </s> is not here"]


@pytest.mark.parametrize("kind", KINDS)
def test_older_settings_files_mean_the_same(kind: str) -> None:
    now = json.loads((FIXTURES / kind / "preprocessor_config.json").read_text())
    older = {name: value for name, value in now.items() if name not in ("do_rescale", "rescale_factor")}
    older = older | {"do_convert_rgb": None, "processor_class": "Processor", "feature_extractor_type": "Extractor"}
    if kind == "clip":  # OpenAI's own file
        older |= {"size": EDGE, "crop_size": EDGE}
    old, new = read_preprocessing(older, kind), read_preprocessing(now, kind)
    assert old.rescale_factor == pytest.approx(new.rescale_factor)
    np.testing.assert_allclose(old.apply(frames()["640x360"]), new.apply(frames()["640x360"]), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fixture_is_small(kind: str) -> None:
    files = [path for path in (FIXTURES / kind).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES
    assert (FIXTURES / "README.md").is_file()
