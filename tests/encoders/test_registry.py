"""Names of models: what is listed, what loads, and what an unknown one is told."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from clip_core.config import Config, load_config
from clip_core.encoders import registry
from clip_core.encoders.catalogue import CATALOGUE
from clip_core.encoders.hub_cache import find_cached
from clip_core.encoders.registry import ModelChoice, available_models, hub_model, load_encoder
from clip_core.errors import EncoderError, NotDownloadedError, UnknownModelError
from tests.support.hub_server import HubServer, use_hub
from tests.support.model_maker import add_precision, make_clip

B32 = "Xenova/clip-vit-base-patch32"


@pytest.fixture(autouse=True)
def _no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is in the cache, and nobody answers."""
    use_hub("http://127.0.0.1:9", tmp_path / "cache", monkeypatch)


def local(config: Config | None = None) -> tuple[ModelChoice, ...]:
    return tuple(choice for choice in available_models(config) if choice.hub is None)


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
    found = local(with_dirs(sample.parent, tmp_path / "one", tmp_path / "two", tmp_path / "none"))
    assert found == (
        ModelChoice("sample", sample),
        ModelChoice("ant", tmp_path / "one" / "ant"),
        ModelChoice("zebra", tmp_path / "one" / "zebra"),
        ModelChoice("ant (2)", tmp_path / "two" / "ant"),
        ModelChoice("sample (2)", tmp_path / "two" / "sample"),
    )


def test_without_a_config_there_is_the_sample(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert local() == (ModelChoice("sample", sample),)
    monkeypatch.setattr(registry, "SAMPLE_FOLDER", tmp_path / "gone")
    assert local() == ()


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
        ("a/b/c", r"^There is no model 'c'\. There is: sample, toy\."),
        ("a/b@", r"^There is no model 'b@'\."),
        ("a/b@../../x", r"^There is no model 'x'\."),
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


def test_the_path_of_a_model_in_a_config_is_relative_to_the_config(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = make_clip(tmp_path / "there" / "models" / "toy", seed=1)
    make_clip(tmp_path / "here" / "models" / "toy", seed=2)
    monkeypatch.chdir(tmp_path / "here")
    expected = load_encoder(str(right)).fingerprint
    for name in ("models/toy", "./models/toy", "../there/models/toy", str(right)):
        (tmp_path / "there" / "config.yaml").write_text(f"model: {name}")
        config = load_config(tmp_path / "there" / "config.yaml")
        assert load_encoder(config.model, config).fingerprint == expected
    assert load_encoder("../here/models/toy", config).fingerprint != expected  # as on the command line


@pytest.mark.parametrize(
    ("name", "error"), [("./models/none", UnknownModelError), ("models/none", NotDownloadedError)]
)  # the second may also be a repository of the hub
def test_a_config_whose_model_is_no_folder_names_the_whole_path(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[EncoderError]
) -> None:
    (tmp_path / "models").mkdir()
    make_clip(tmp_path / "here" / "models" / "none")
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "config.yaml").write_text(f"model: {name}")
    config = load_config(tmp_path / "config.yaml")
    with pytest.raises(error, match=r"…?[^ ]*/models/none is no folder\."):
        load_encoder(config.model, config)


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


def test_the_catalogue_comes_last(sample: Path) -> None:
    choices = available_models()
    assert [choice.hub for choice in choices] == [None, *CATALOGUE]
    assert (choices[0].title, choices[0].is_local) == ("sample", True)
    assert choices[1] == ModelChoice(B32, None, "CLIP ViT-B/32", CATALOGUE[0])
    assert not choices[1].is_local


def test_the_names_of_models_on_the_hub() -> None:
    assert hub_model(B32) == (B32, CATALOGUE[0].revision)
    assert hub_model(f"{B32}@main") == (B32, "main")
    assert hub_model("who/else@refs/pr/1") == ("who/else", "refs/pr/1")
    assert hub_model("who/else") == ("who/else", "main")
    for name in ("sample", "a/b/c", "a/b@", "/a/b", "a/../b", "https://host/a", "a/b@x y"):
        assert hub_model(name) is None


@pytest.mark.parametrize("name", [B32, "openai/clip-vit-base-patch32", f"who/else@{'0' * 40}"])
def test_nothing_is_downloaded_unasked(name: str) -> None:
    message = rf"^The model {name.split('@')[0]} of the Hugging Face hub is not on this machine\. "
    with pytest.raises(NotDownloadedError, match=message + f"Run: python -m clip_core download {name}$") as caught:
        load_encoder(name)
    assert str(caught.value) == caught.value.line


def test_a_model_of_the_catalogue_from_download_to_list(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HubServer() as hub:
        cache = use_hub(hub.url, tmp_path / "cache", monkeypatch)
        folder = add_precision(make_clip(tmp_path / "model"), "_quantized")
        hub.add(B32, folder).commit = CATALOGUE[0].revision
        encoder = load_encoder(B32, download=True)
        asked = len(hub.requests)
        assert (encoder.id, encoder.name, encoder.precision) == (B32, "CLIP ViT-B/32", "int8")
        assert hub.requests[0].path == f"/api/models/{B32}/revision/{CATALOGUE[0].revision}"
        assert load_encoder(B32).fingerprint == encoder.fingerprint == load_encoder(str(folder)).fingerprint
        with pytest.raises(NotDownloadedError):
            load_encoder(B32, replace(Config(), precision="fp32"))
        choice = available_models()[1]
        assert (choice.folder, choice.is_local) == (find_cached(B32, CATALOGUE[0].revision), True)
        assert not available_models(replace(with_dirs(), precision="fp32"))[1].is_local
        assert len(hub.requests) == asked
        assert cache.is_dir()


def test_a_folder_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_clip(tmp_path / B32)
    monkeypatch.chdir(tmp_path)
    assert load_encoder(B32).name == "clip-vit-base-patch32"


def test_the_config_chooses_the_precision_but_not_of_the_sample(tmp_path: Path, sample: Path) -> None:
    add_precision(make_clip(tmp_path / "models" / "toy"), "_fp16")
    config = replace(with_dirs(tmp_path / "models"), precision="fp16")
    assert (load_encoder("toy", config).precision, load_encoder("sample", config).precision) == ("fp16", "fp32")
