"""Which files are taken: by the machine, by the setting, by what is there."""

from pathlib import Path

import pytest

from clip_core.config import PRECISIONS
from clip_core.encoders.folder import ModelFolder
from clip_core.encoders.model_files import AUTO, SUFFIXES, best_precision, choose_towers, precisions_in
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError
from tests.support.model_maker import add_precision, make_clip

CPU, GPU = ("CPUExecutionProvider",), ("CUDAExecutionProvider", "CPUExecutionProvider")


def names(*pairs: str) -> set[str]:
    return {f"onnx/{pair}.onnx" for pair in pairs}


def test_config_yaml_allows_what_there_is() -> None:
    assert (AUTO, *SUFFIXES) == PRECISIONS


def test_a_cpu_takes_int8_and_a_gpu_fp16() -> None:
    assert best_precision("auto", CPU) == ("int8", "fp32")
    assert best_precision("auto", GPU) == ("fp16", "fp32")
    assert best_precision("fp16", CPU) == ("fp16",)
    with pytest.raises(EncoderError, match=r"^There is no precision 'q4'\. Allowed are: auto, fp32, fp16, int8\."):
        best_precision("q4", CPU)


def test_towers_share_a_precision_but_not_a_suffix() -> None:
    there = names("vision_model", "text_model_fp16", "vision_model_uint8", "text_model_quantized", "text_model_int8")
    found = choose_towers(there, ("int8", "fp32"))
    assert found is not None
    assert (found.precision, found.vision, found.text) == (
        "int8",
        "onnx/vision_model_uint8.onnx",
        "onnx/text_model_quantized.onnx",
    )
    assert choose_towers(there, ("fp32", "fp16")) is None
    assert precisions_in(there) == ("int8",)


def test_only_the_weights_of_the_chosen_towers_come_along() -> None:
    there = names("vision_model", "text_model", "vision_model_fp16") | {
        "onnx/vision_model.onnx_data",
        "onnx/vision_model.onnx_data_1",
        "onnx/text_model.onnx.data",
        "onnx/vision_model_fp16.onnx_data",
        "onnx/vision_model.onnx_data/../../../evil",
        "onnx/vision_modelXonnx_data",
        "../onnx/vision_model.onnx_data",
    }
    found = choose_towers(there, ("fp32",))
    assert found is not None
    assert found.external == (
        "onnx/text_model.onnx.data",
        "onnx/vision_model.onnx_data",
        "onnx/vision_model.onnx_data_1",
    )


def test_a_folder_with_several(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    alone = OnnxEncoder(folder, "toy")
    add_precision(folder, "_quantized")
    add_precision(folder, "_fp16", seed=6)
    assert (alone.precision, OnnxEncoder(folder, "toy").precision) == ("fp32", "int8")
    assert ModelFolder.read(folder, "fp16").towers.vision == "onnx/vision_model_fp16.onnx"
    assert OnnxEncoder(folder, "toy", "fp32").fingerprint == alone.fingerprint
    assert OnnxEncoder(folder, "toy", "int8").fingerprint != alone.fingerprint


def test_the_same_bytes_under_another_name_are_the_same_model(tmp_path: Path) -> None:
    one, two = make_clip(tmp_path / "one"), make_clip(tmp_path / "two")
    for tower in ("vision_model", "text_model"):
        (two / "onnx" / f"{tower}.onnx").rename(two / "onnx" / f"{tower}_int8.onnx")
    assert OnnxEncoder(two, "two").fingerprint == OnnxEncoder(one, "one").fingerprint


def test_what_is_not_there_is_said_with_what_is(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    with pytest.raises(EncoderError, match=r"^The model toy has no fp16 files, only fp32\. Set 'precision' in config"):
        ModelFolder.read(folder, "fp16")
    for tower in ("vision_model", "text_model"):
        (folder / "onnx" / f"{tower}.onnx").rename(folder / "onnx" / f"{tower}_fp16.onnx")
    with pytest.raises(EncoderError, match=r"^The model toy has no int8 or fp32 files, only fp16\."):
        ModelFolder.read(folder)
    (folder / "onnx" / "text_model_fp16.onnx").unlink()
    with pytest.raises(EncoderError, match=r"^The model toy lacks the file onnx/text_model\.onnx\."):
        ModelFolder.read(folder)
