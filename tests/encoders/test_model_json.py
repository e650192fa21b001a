"""JSON files of a model: size, kind and values."""

import time
from pathlib import Path
from typing import Any

import pytest

from clip_core.encoders.folder import ModelFolder, read_preprocessing
from clip_core.encoders.model_files import MAX_JSON_BYTES, foreign, read_object
from clip_core.errors import EncoderError
from tests.support.model_maker import clip_preprocessor, make_clip, write_json


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{not json", r"^config\.json of m is not JSON: "),
        (b"\xff\xfe\xfa", r"^config\.json of m is not JSON: "),
        (b"[" * 100_000, r"^config\.json of m is not JSON: "),
        (b"[1]", r"^config\.json of m is not a JSON object\."),
        (b"", r"^config\.json of m is not JSON: "),
        (b" " * (MAX_JSON_BYTES + 1), r"^config\.json of m is over 4.19 MB\."),
    ],
    ids=["words", "bytes", "nested", "list", "empty", "huge"],
)
def test_a_file_that_holds_no_object(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match=message) as caught:
        read_object(path, "m")
    assert len(str(caught.value)) <= 300


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"config\.json of m cannot be read: .*No such file"):
        read_object(tmp_path / "config.json", "m")


def config(folder: Path, **values: Any) -> Path:
    write_json(make_clip(folder / "toy") / "config.json", values)
    return folder / "toy"


def test_values_and_defaults(tmp_path: Path) -> None:
    own = {"name": "My own", "default_threshold": 1}
    found = ModelFolder.read(config(tmp_path, text_config={"max_position_embeddings": 3}, clip_video_investigator=own))
    assert (found.text_length, found.name, found.default_threshold) == (3, "My own", 1)
    assert isinstance(found.default_threshold, float)


def test_a_null_counts_as_missing(tmp_path: Path) -> None:
    nulls = dict.fromkeys(["name", "default_threshold"])
    folder = config(tmp_path, model_type=None, text_config={"vocab_size": None}, clip_video_investigator=nulls)
    found = ModelFolder.read(folder)
    assert (found.name, found.default_threshold) == ("toy", 0.27)
    assert ModelFolder.read(config(tmp_path, text_config=None, logit_scale_init_value=None)).text_length == 77


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"text_config": {"vocab_size": 0.5}},
            r"'text_config\.vocab_size' as 0\.5; it must be a whole number from 1",
        ),
        ({"text_config": {"vocab_size": 10**400}}, r"'text_config\.vocab_size' as 1000.*; it must be a whole number"),
        ({"text_config": True}, "'text_config' as True; it must be an object"),
        (
            {"clip_video_investigator": {"name": 3}},
            r"'clip_video_investigator\.name' as 3; it must be a text",
        ),
        ({"clip_video_investigator": {"name": ""}}, r"'clip_video_investigator\.name' as ''"),
        ({"clip_video_investigator": {"name": "x" * 101}}, r"'clip_video_investigator\.name' as 'xxx.*'"),
        ({"clip_video_investigator": {"name": "\ud800"}}, r"'clip_video_investigator\.name' as "),
        ({"model_type": [[["x"] * 1000] * 100]}, "'model_type' as "),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(EncoderError, match=r"^config\.json of toy gives " + message) as caught:
        ModelFolder.read(config(tmp_path, **values))
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True])
def test_a_number_that_is_none_is_named(tmp_path: Path, value: float) -> None:
    with pytest.raises(EncoderError, match=r"'logit_scale_init_value' as .*; it must be a number from -10 to 10"):
        ModelFolder.read(config(tmp_path, logit_scale_init_value=value))


def test_an_object_of_many_unknown_keys_is_refused_soon() -> None:
    many = {f"k{number}": 1 for number in range(100_000)}
    before = time.monotonic()
    with pytest.raises(EncoderError, match=r"asks for 'size\.k0', which is not supported"):
        read_preprocessing(clip_preprocessor(32) | {"size": many}, "m")
    assert time.monotonic() - before < 1  # it took two seconds when each key was listed


def test_foreign_words_are_one_short_line() -> None:
    assert foreign(ValueError("a\n\x1b[31mb\tc")) == "a [31mb c"
    assert len(foreign(ValueError("x" * 1000))) == 150
    assert foreign(KeyError()) == "KeyError"
