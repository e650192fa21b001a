"""JSON files of a model: size, kind and values."""

from pathlib import Path

import pytest

from clip_core.encoders.model_json import MAX_JSON_BYTES, ModelJson, foreign, read_object
from clip_core.errors import EncoderError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{not json", r"^config\.json of m is not JSON: "),
        (b"\xff\xfe\xfa", r"^config\.json of m is not JSON: "),
        (b"[" * 100_000, r"^config\.json of m is not JSON: "),
        (b"[1]", r"^config\.json of m holds no JSON object\."),
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


def test_values_are_checked_where_they_are_taken() -> None:
    settings = ModelJson({"a": {"n": 3, "x": 0.5, "t": "ok", "f": True, "three": [1, 2, 3]}}, "f.json", "m").inner("a")
    assert settings.integer("n", 1, 3) == 3
    assert settings.number("x", 0, 1) == 0.5
    assert settings.text("t", "") == "ok"
    assert settings.flag("f", False) is True
    assert settings.three("three", 0, 3) == (1.0, 2.0, 3.0)
    assert settings.number("none", 0, 1, 0.25) == 0.25
    assert ModelJson({"null": None}, "f.json", "m").integer("null", 0, 9, 4) == 4
    with pytest.raises(
        EncoderError, match=r"^f\.json of m gives 'a\.x' as 0\.5; it must be a whole number from 0 to 9\."
    ):
        settings.integer("x", 0, 9)
    with pytest.raises(EncoderError, match=r"gives 'a\.none' as nothing"):
        settings.integer("none", 0, 9)
    with pytest.raises(EncoderError, match=r"gives 'a\.n' as 3; it must be an object"):
        settings.inner("n")
    with pytest.raises(EncoderError, match=r"'a\.n' as 3; it must be a text of 1 to 100 printable"):
        settings.text("n", "x")


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True])
def test_a_number_that_is_none_is_named(value: float) -> None:
    with pytest.raises(EncoderError, match="it must be a number from 0 to 9"):
        ModelJson({"x": value}, "f.json", "m").number("x", 0, 9)


def test_foreign_words_are_one_short_line() -> None:
    assert foreign(ValueError("a\n\x1b[31mb\tc")) == "a [31mb c"
    assert len(foreign(ValueError("x" * 1000))) == 150
    assert foreign(KeyError()) == "KeyError"
