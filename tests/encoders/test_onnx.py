"""The ONNX encoder: towers that do not fit, vectors that are none, and a model of true size."""

from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from clip_core.config import Config
from clip_core.encoders.onnx import IMAGES_AT_ONCE, OnnxEncoder
from clip_core.encoders.registry import SAMPLE_FOLDER, available_models, load_encoder
from clip_core.errors import EncoderError
from tests.support.model_maker import (
    Graph,
    clip_preprocessor,
    make_clip,
    make_siglip,
    make_vit_b_32,
    small_text,
    small_vision,
    tokenizer_json,
    write_json,
)

GREY = np.full((40, 40, 3), 128, dtype=np.uint8)


def with_vision(folder: Path, made: onnx.ModelProto) -> Path:
    make_clip(folder)
    onnx.save_model(made, folder / "onnx" / "vision_model.onnx")
    return folder


def with_text(folder: Path, made: onnx.ModelProto) -> Path:
    make_clip(folder)
    onnx.save_model(made, folder / "onnx" / "text_model.onnx")
    return folder


def free(made: onnx.ModelProto) -> onnx.ModelProto:
    """Take the dimension of the output out of the file, so that only a run tells it."""
    made.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "dim"
    return made


def test_says_how_to_start(tmp_path: Path) -> None:
    found = OnnxEncoder(make_clip(tmp_path / "toy"), "toy")
    assert (found.id, found.name, found.provider, found.image_size) == ("toy", "toy", "CPU", (32, 32))
    assert (found.default_threshold, found.dim) == (0.27, 16)


@pytest.mark.parametrize("loosen", [free, lambda made: made], ids=["probed", "declared"])
def test_towers_of_differing_dimensions(tmp_path: Path, loosen: object) -> None:
    folder = with_text(tmp_path / "toy", loosen(small_text(dim=24)))  # type: ignore[operator]
    with pytest.raises(EncoderError, match=r"^toy: pictures become 16 numbers, but texts 24\. Copy both towers"):
        OnnxEncoder(folder, "toy")


def test_a_dimension_that_the_file_does_not_say(tmp_path: Path) -> None:
    assert OnnxEncoder(with_vision(tmp_path, free(small_vision())), "toy").dim == 16


def test_pictures_and_tower_of_differing_sizes(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    write_json(folder / "preprocessor_config.json", clip_preprocessor(48))
    with pytest.raises(EncoderError, match=r"of toy takes pictures of shape \(3, 32, 32\), but .* makes \(3, 48, 48\)"):
        OnnxEncoder(folder, "toy")


@pytest.mark.parametrize(("factor", "kind"), [(np.nan, "NaN or infinite"), (np.inf, "NaN or infinite"), (0.0, "zero")])
def test_vectors_that_are_none(tmp_path: Path, factor: float, kind: str) -> None:
    found = OnnxEncoder(with_vision(tmp_path / "toy", small_vision(factor=factor)), "toy")
    with pytest.raises(EncoderError, match=rf"^toy gave a {kind} vector for a picture\. Use another model\."):
        found.embed_images([GREY])


def test_huge_and_tiny_vectors_are_still_vectors(tmp_path: Path) -> None:
    want = OnnxEncoder(make_clip(tmp_path / "one"), "one").embed_images([GREY])
    for factor in (1e30, 1e-8):
        folder = with_vision(tmp_path / str(factor), small_vision(factor=factor))
        np.testing.assert_allclose(OnnxEncoder(folder, "x").embed_images([GREY]), want, atol=1e-6)


def test_a_wrong_dimension_at_work(tmp_path: Path) -> None:
    found = OnnxEncoder(with_vision(tmp_path / "toy", free(small_vision())), "toy")
    found.dim = 17
    with pytest.raises(EncoderError, match=r"^toy gave a vector of 16 numbers instead of 17\."):
        found.embed_images([GREY])


def test_one_text_is_no_list_of_texts(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a list of texts"):
        OnnxEncoder(make_clip(tmp_path), "toy").embed_texts("a dog")


def fixed_batch(count: int) -> onnx.ModelProto:
    made = small_vision()
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = count
    made.graph.output[0].type.tensor_type.shape.dim[0].dim_value = count
    return made


def test_a_tower_that_takes_one_picture_at_a_time(tmp_path: Path) -> None:
    images = [GREY, GREY // 2, np.roll(GREY, 1, axis=2) // 3]
    one = OnnxEncoder(with_vision(tmp_path / "one", fixed_batch(1)), "one")
    assert np.array_equal(one.embed_images(images), OnnxEncoder(make_clip(tmp_path / "n"), "n").embed_images(images))
    with pytest.raises(EncoderError, match=r"vision_model\.onnx of four takes exactly 4 at once"):
        OnnxEncoder(with_vision(tmp_path / "four", fixed_batch(4)), "four")


def test_int32_ids_and_a_fixed_length(tmp_path: Path) -> None:
    g, put = Graph(), helper.make_tensor_value_info
    table = np.random.default_rng(0).standard_normal((18, 16)).astype(np.float32)
    g.add("ReduceMean", g.add("Gather", g.const(table), "input_ids"), axes=[1], keepdims=0, out="pooler_output")
    made = g.model(
        [put("input_ids", TensorProto.INT32, ["n", 6])], [put("pooler_output", TensorProto.FLOAT, ["n", 16])]
    )
    found = OnnxEncoder(with_text(tmp_path, made), "toy").embed_texts(["a dog", "dog " * 90])
    names = list(tokenizer_json()["model"]["vocab"])
    for row, words in zip(found, ["<s> a dog </s> <pad> <pad>", "<s> dog dog dog dog </s>"], strict=True):
        want = table[[names.index(word) for word in words.split()]].mean(axis=0)
        np.testing.assert_allclose(row, want / np.linalg.norm(want), atol=1e-6)


def test_siglip_fills_up_to_64(tmp_path: Path) -> None:
    made = Graph()
    put = helper.make_tensor_value_info
    length = made.add("Cast", made.add("Shape", "input_ids"), to=TensorProto.FLOAT)
    made.add("Reshape", length, made.shape(1, 2), out="text_embeds")
    folder = make_siglip(tmp_path, dim=2)
    onnx.save_model(
        made.model(
            [put("input_ids", TensorProto.INT64, ["n", "length"])], [put("text_embeds", TensorProto.FLOAT, ["n", 2])]
        ),
        folder / "onnx" / "text_model.onnx",
    )
    (vector,) = OnnxEncoder(folder, "toy").embed_texts(["a dog"])
    assert vector[1] / vector[0] == pytest.approx(64)


@pytest.mark.parametrize("tower", ["vision", "text"])
@pytest.mark.parametrize("content", [b"", b"not a model", np.random.default_rng(1).bytes(4000), None])
def test_a_broken_tower_is_refused_at_once(tmp_path: Path, tower: str, content: bytes | None) -> None:
    path = make_clip(tmp_path) / "onnx" / f"{tower}_model.onnx"
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(
        EncoderError, match=rf"^{tower}_model\.onnx (is not a readable ONNX file|cannot be loaded)"
    ) as caught:
        OnnxEncoder(tmp_path, "toy")
    assert "\n" not in str(caught.value)


def test_the_fingerprint_follows_what_decides_the_vectors(tmp_path: Path) -> None:
    first = OnnxEncoder(make_clip(tmp_path / "a"), "a").fingerprint
    assert OnnxEncoder(make_clip(tmp_path / "b"), "other name").fingerprint == first
    assert OnnxEncoder(make_clip(tmp_path / "c", seed=3), "c").fingerprint != first
    other = make_clip(tmp_path / "d")
    write_json(other / "preprocessor_config.json", clip_preprocessor(32) | {"resample": 2})
    assert OnnxEncoder(other, "d").fingerprint != first
    write_json(other / "preprocessor_config.json", clip_preprocessor(32) | {"do_convert_rgb": False})
    assert OnnxEncoder(other, "d").fingerprint == first
    write_json(other / "tokenizer.json", tokenizer_json(start_and_end=False))
    assert OnnxEncoder(other, "d").fingerprint != first


def test_large_pictures_are_prepared_in_threads_with_the_same_result(tmp_path: Path) -> None:
    found = OnnxEncoder(make_clip(tmp_path), "toy")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (400, 700, 3), dtype=np.uint8) for _ in range(3 * IMAGES_AT_ONCE + 1)]
    alone = np.stack([found._preprocessing.apply(image) for image in images])
    assert np.array_equal(np.concatenate(list(found._prepared(images))), alone)


def test_a_true_size_vit_b_32(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(lambda: rmtree(tmp_path))  # pytest would keep 350 MB
    make_vit_b_32(tmp_path / "vit-b-32")
    config = replace(Config(), model_dirs=(tmp_path,))
    assert "vit-b-32" in [choice.name for choice in available_models(config)]
    found = load_encoder("vit-b-32", config)
    assert (found.dim, found.image_size, found.logit_scale) == (512, (224, 224), 100.0)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((360, 640, 3), (300, 200, 3))] + [GREY]
    vectors = found.embed_images(images)
    assert vectors.shape == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert np.array_equal(found.embed_images(images), vectors)
    alone = np.concatenate([found.embed_images([image]) for image in images])
    assert (alone * vectors).sum(axis=1).min() >= 0.99999
    cosines = vectors @ vectors.T
    assert cosines[np.triu_indices(3, 1)].max() < 0.99


def test_a_dynamically_quantized_model_gives_a_frame_one_vector_whatever_is_beside_it(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    for tower in ("vision", "text"):
        path = folder / "onnx" / f"{tower}_model.onnx"
        quantize_dynamic(path, path, weight_type=QuantType.QUInt8, op_types_to_quantize=["MatMul", "Conv", "Gather"])
    found = OnnxEncoder(folder, "toy")
    bright, dark = np.full((40, 40, 3), 255, dtype=np.uint8), GREY // 9
    alone, beside = found.embed_images([dark]), found.embed_images([bright, dark, GREY])
    assert np.array_equal(alone[0], beside[1])
    values = np.stack([found._preprocessing.apply(image) for image in (dark, bright)])
    mixed = found._vision.run({"pixel_values": values})[:1]
    assert (mixed / np.linalg.norm(mixed) * alone).sum() < 0.99999  # what a batch would have given
    plain = OnnxEncoder(make_clip(tmp_path / "plain"), "plain")
    assert 0.9 < (plain.embed_images([GREY]) * found.embed_images([GREY])).sum() < 1


def test_what_the_model_does_not_read_of_a_text(tmp_path: Path) -> None:
    found = OnnxEncoder(make_clip(tmp_path), "toy")
    assert [words.cut_off for words in found.unread(["a dog", "dog " * 75 + "cat tree"])] == ["", "cat tree"]


def test_a_frame_cut_squashed_and_fitted_in_are_three_models(tmp_path: Path) -> None:
    folder, wide = make_clip(tmp_path), np.random.default_rng(5).integers(0, 256, (40, 90, 3), dtype=np.uint8)
    made = {crop: OnnxEncoder(folder, "toy").framed(crop) for crop in (None, "center", "squash", "pad")}
    assert [found.framing for found in made.values()] == ["center", "center", "squash", "pad"]
    assert made[None].fingerprint == made["center"].fingerprint
    assert len({found.fingerprint for found in made.values()}) == 3
    vectors = np.concatenate([found.embed_images([wide]) for found in made.values()])
    assert np.array_equal(vectors[0], vectors[1])
    assert (vectors[1:] @ vectors[1:].T)[np.triu_indices(3, 1)].max() < 0.999


def test_the_sample_model() -> None:
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.rglob("*") if path.is_file()) <= 6_000_000
    found = load_encoder("sample")
    assert found.id == "sample"
    image = found.embed_images([GREY])
    cosine = float((image @ found.embed_texts(["a dog"]).T)[0, 0])
    assert -1 <= cosine <= 1
