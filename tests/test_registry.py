"""Names of models: what is listed, what loads, and what an unknown one is told."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.config import Config
from clip_core.encoders import registry
from clip_core.encoders.registry import ModelChoice, available_models, load_encoder
from clip_core.errors import EncoderError, UnknownModelError
from tests.model_maker import make_clip


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = make_clip(tmp_path / "own" / "sample", seed=9)
    monkeypatch.setattr(registry, "SAMPLE_FOLDER", folder)
    return folder


def with_dirs(*folders: Path) -> Config:
    return replace(Config(), model_dirs=folders)


def test_the_sample_comes_first_and_names_are_unique(tmp_path: Path, sample: Path) -> None:
    for name in ("one/zebra", "one/ant", "two/ant", "two/sample"):
        make_clip(tmp_path / name)
    (tmp_path / "one" / "no model").mkdir()
    (tmp_path / "one" / "file").write_text("")
    found = available_models(with_dirs(sample.parent, tmp_path / "one", tmp_path / "two", tmp_path / "none"))
    assert found == (
        ModelChoice("sample", sample),
        ModelChoice("ant", tmp_path / "one" / "ant"),
        ModelChoice("zebra", tmp_path / "one" / "zebra"),
        ModelChoice("ant (2)", tmp_path / "two" / "ant"),
        ModelChoice("sample (2)", tmp_path / "two" / "sample"),
    )


def test_without_a_config_there_is_the_sample(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_models() == (ModelChoice("sample", sample),)
    monkeypatch.setattr(registry, "SAMPLE_FOLDER", tmp_path / "gone")
    assert available_models() == ()


def test_loads_by_name_and_by_path(tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / "models" / "toy", seed=1)
    config = with_dirs(tmp_path / "models")
    by_name = load_encoder("toy", config)
    monkeypatch.chdir(tmp_path / "models")
    assert by_name.id == "toy"
    assert load_encoder(str(tmp_path / "models" / "toy")).fingerprint == by_name.fingerprint
    assert load_encoder("./toy").fingerprint == by_name.fingerprint
    assert load_encoder("sample", config).fingerprint != by_name.fingerprint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", r"^There is no model 'nonsense'\. There is: sample, toy\."),
        ("", r"^There is no model '\(empty name\)'\. There is: sample, toy\."),
        ("/no/such/folder", r"^There is no model 'folder'\. There is: sample, toy\."),
        (
            "openai/clip-vit-base-patch32",
            r"^Models from the Hugging Face hub \(openai/clip-vit-base-patch32\) are not supported in this version\. "
            r"Download it and give the folder, with config\.json, .*onnx/text_model\.onnx\. There is: sample, toy\.",
        ),
        ("roboflow:ViT-B/32", r"^The inference server has no CLIP 'ViT-B-32'\. There is: RN50, .*, ViT-L-14-336px\."),
        ("roboflow:", r"^The inference server has no CLIP '\(empty name\)'\. There is: RN50, "),
        ("roboflow2", r"^There is no model 'roboflow2'\. There is: sample, toy\."),
        ("x" * 5000, r"^There is no model 'x+…x+'\."),
        ("a\x00b", r"^There is no model 'a\?b'\."),
        ("a\nb\x1b", r"^There is no model 'a\?b\?'\."),
    ],
)
def test_an_unknown_name_lists_what_there_is(tmp_path: Path, sample: Path, name: str, message: str) -> None:
    make_clip(tmp_path / "models" / "toy")
    with pytest.raises(UnknownModelError, match=message):
        load_encoder(name, with_dirs(tmp_path / "models"))


def test_a_folder_that_is_no_model(tmp_path: Path, sample: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match=r"^The model empty lacks the file config\.json\."):
        load_encoder(str(tmp_path / "empty"))


def test_a_sample_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SAMPLE_FOLDER", tmp_path / "sample")
    with pytest.raises(EncoderError, match=r"^The model sample lacks the file config\.json\."):
        load_encoder("sample")


def test_a_server_is_not_asked_before_it_has_to_embed() -> None:
    config = replace(Config(), inference_url="http://127.0.0.1:1", clip_version="ViT-L-14")
    assert [load_encoder(name, config).dim for name in ("roboflow", "roboflow:ViT-B-32")] == [768, 512]


def test_nothing_heavy_is_loaded_before_a_model_is_asked_for() -> None:
    code = (
        "import sys; from clip_core.encoders.registry import available_models; available_models();"
        "print(sorted({'onnxruntime', 'tokenizers', 'PIL', 'numpy', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_model_folder_that_cannot_be_listed(tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(EncoderError, match=r"^The model folder .* cannot be listed \(Permission denied\)\. Check"):
        available_models(with_dirs(tmp_path))
