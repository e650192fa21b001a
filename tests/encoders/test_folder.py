"""What a model's folder says, and what is said when a file is missing or wrong."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.folder import ModelFolder
from clip_core.errors import EncoderError
from tests.support.model_maker import make_clip, make_siglip, write_json


def change(folder: Path, file: str, **values: Any) -> Path:
    raw = json.loads((folder / file).read_text())
    write_json(folder / file, raw | values)
    return folder


def test_defaults_of_a_clip_and_a_siglip(tmp_path: Path) -> None:
    clip = ModelFolder.read(make_clip(tmp_path / "my clip"))
    assert (clip.name, clip.is_siglip, clip.text_length) == ("my clip", False, 77)
    assert (clip.default_threshold, clip.logit_scale) == (0.27, 100.0)
    siglip = ModelFolder.read(make_siglip(tmp_path / "s"))
    assert (siglip.is_siglip, siglip.text_length, siglip.default_threshold) == (True, 64, 0.08)
    assert siglip.logit_scale == 100.0


def test_siglip_2_is_told_by_its_vocabulary(tmp_path: Path) -> None:
    folder = make_siglip(tmp_path)
    assert ModelFolder.read(folder).lowers_texts is False
    assert ModelFolder.read(change(folder, "config.json", text_config={"vocab_size": 256_000})).lowers_texts is True


def test_preprocessing_as_transformers_5_writes_it(tmp_path: Path) -> None:
    folder = make_clip(tmp_path)
    want = ModelFolder.read(folder)
    own = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    write_json(folder / "processor_config.json", {"image_processor": own, "processor_class": "CLIPProcessor"})
    assert ModelFolder.read(folder).preprocessing == want.preprocessing


def test_a_folder_may_name_itself(tmp_path: Path) -> None:
    own = {"name": "Sample (emoji)", "default_threshold": 0.31}
    found = ModelFolder.read(change(make_clip(tmp_path), "config.json", clip_video_investigator=own))
    assert (found.name, found.default_threshold) == ("Sample (emoji)", 0.31)


@pytest.mark.parametrize(
    ("log_scale", "scale"), [(2.6592, 100.0), (math.log(31.5), 31.5), (4.6052, 100.0), (9.0, 200.0), (-3, 1.0)]
)
def test_logit_scale(tmp_path: Path, log_scale: float, scale: float) -> None:
    folder = change(make_clip(tmp_path), "config.json", logit_scale_init_value=log_scale)
    assert ModelFolder.read(folder).logit_scale == pytest.approx(scale, rel=1e-4)


@pytest.mark.parametrize(
    "file",
    ["config.json", "preprocessor_config.json", "tokenizer.json", "onnx/vision_model.onnx", "onnx/text_model.onnx"],
)
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    folder = make_clip(tmp_path / "toy")
    (folder / file).unlink()
    with pytest.raises(EncoderError, match=rf"^The model toy lacks the file {file}\. Copy it into the folder toy\."):
        ModelFolder.read(folder)


def test_a_joint_model_is_refused(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "toy")
    (folder / "onnx" / "vision_model.onnx").rename(folder / "onnx" / "model.onnx")
    with pytest.raises(EncoderError, match=r"^The model toy is one joint onnx/model\.onnx, which is not supported\."):
        ModelFolder.read(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": 3}, "'model_type' as 3"),
        ({"text_config": 3}, "'text_config' as 3; it must be an object"),
        ({"text_config": {"max_position_embeddings": 0}}, r"'text_config\.max_position_embeddings' as 0"),
        ({"logit_scale_init_value": float("inf")}, "'logit_scale_init_value' as inf"),
        ({"clip_video_investigator": []}, "'clip_video_investigator' as"),
        ({"clip_video_investigator": {"default_threshold": 2}}, r"'clip_video_investigator\.default_threshold' as 2"),
        ({"clip_video_investigator": {"name": "a\nb"}}, r"'clip_video_investigator\.name' as"),
    ],
    ids=str,
)
def test_a_wrong_value_is_named(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    folder = change(make_clip(tmp_path / "toy"), "config.json", **values)
    with pytest.raises(EncoderError, match=r"^config\.json of toy gives " + message):
        ModelFolder.read(folder)


def test_unknown_preprocessing_is_refused_by_name(tmp_path: Path) -> None:
    folder = change(make_clip(tmp_path / "toy"), "preprocessor_config.json", do_pad=True)
    with pytest.raises(EncoderError, match=r"^preprocessor_config\.json of toy asks for 'do_pad', which is not supp"):
        ModelFolder.read(folder)
