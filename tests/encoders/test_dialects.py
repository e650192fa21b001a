"""Jina CLIP's preprocessor_config.json, as the hub has it, means what CLIP's does."""

from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.folder import ModelFolder, in_clip_terms, read_preprocessing
from clip_core.encoders.onnx import OnnxEncoder
from clip_core.errors import EncoderError
from tests.support.model_maker import OPENAI_MEAN, OPENAI_STD, clip_preprocessor, make_clip, write_json


def jina(**changes: Any) -> dict[str, Any]:
    return {
        "auto_map": {
            "AutoImageProcessor": "jinaai/jina-clip-implementation--processing_clip.JinaCLIPImageProcessor",
            "AutoProcessor": "jinaai/jina-clip-implementation--processing_clip.JinaCLIPProcessor",
        },
        "fill_color": 0,
        "image_processor_type": "JinaCLIPImageProcessor",
        "interpolation": "bicubic",
        "mean": OPENAI_MEAN,
        "processor_class": "JinaCLIPProcessor",
        "resize_mode": "shortest",
        "size": 32,
        "std": OPENAI_STD,
    } | changes


def test_it_is_clips_preprocessing() -> None:
    assert read_preprocessing(jina(), "j") == read_preprocessing(clip_preprocessor(32), "c")
    assert read_preprocessing(jina(interpolation="bilinear"), "j").resample == 2


def test_others_are_left_as_they_are() -> None:
    clip = clip_preprocessor(32)
    assert in_clip_terms(clip, "c") is clip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"resize_mode": "longest"},
            r"^preprocessor_config\.json of j gives 'resize_mode' as 'longest'",
        ),
        ({"interpolation": "random"}, "gives 'interpolation' as 'random'; it must be bilinear or bicubic"),
        ({"size": [224, 224]}, "gives 'size' as"),
        ({"mean": None}, "gives 'image_mean' as nothing"),
        ({"sharpen": 1}, "asks for 'sharpen', which is not supported"),
    ],
    ids=str,
)
def test_what_has_no_counterpart_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        read_preprocessing(jina(**changes), "j")


def test_a_folder_in_that_dialect_loads(tmp_path: Path) -> None:
    folder = make_clip(tmp_path / "jina")
    as_clip = OnnxEncoder(folder, "jina").fingerprint
    write_json(folder / "preprocessor_config.json", jina())
    assert OnnxEncoder(folder, "jina").fingerprint == as_clip
    write_json(folder / "config.json", {"model_type": "jina_clip", "text_config": {"embed_dim": 768}})
    assert ModelFolder.read(folder).text_length == 512
