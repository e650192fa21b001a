"""Read the JSON files of a model's folder with a size limit, and check each value on access."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_core.errors import EncoderError, shown_name
from clip_core.text import single_line, size_text

MAX_JSON_BYTES = 4 * 2**20
_ONNX_RUNTIME_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def foreign(error: BaseException, path: Path | None = None) -> str:
    """Return another library's error message as one line of at most 150 characters, with ``path`` cut to its name."""
    text = str(error) if path is None else str(error).replace(str(path), path.name)
    return single_line(_ONNX_RUNTIME_PREFIX.sub("", text)) or type(error).__name__


def read_object(path: Path, model: str) -> dict[str, Any]:
    """Read a JSON file that must hold an object.

    Args:
        path: The file.
        model: The model's name, for messages.

    Raises:
        EncoderError: It cannot be read, is over 4 MiB, or is not a JSON object.
    """
    what = f"{shown_name(path)} of {shown_name(model)}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise EncoderError(f"{what} cannot be read: {foreign(error)}.", "Check the file's permissions.") from error
    if len(data) > MAX_JSON_BYTES:
        raise EncoderError(f"{what} is over {size_text(MAX_JSON_BYTES)}.", "Copy the model's own file again.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise EncoderError(f"{what} is not JSON: {foreign(error)}.", "Copy the model's own file again.") from error
    if not isinstance(value, dict):
        raise EncoderError(f"{what} holds no JSON object.", "Copy the model's own file again.")
    return value


@dataclass(frozen=True)
class ModelJson:
    """The values of one JSON object, each checked on access. A null counts as missing.

    Attributes:
        values: The object.
        file: The file's name, for messages.
        model: The model's name, for messages.
        prefix: The path of the object in the file, such as "size.".
    """

    values: Mapping[str, Any]
    file: str
    model: str
    prefix: str = ""

    def __contains__(self, key: str) -> bool:
        return self._value(key, None) is not None

    def _value(self, key: str, default: object) -> Any:  # noqa: ANN401 - any JSON value
        value = self.values.get(key)
        return default if value is None else value

    def error(self, problem: str) -> EncoderError:
        """Return an error that names the file and the model."""
        return EncoderError(
            f"{self.file} of {shown_name(self.model)} {problem}", "Use another model, or correct the file."
        )

    def _wrong(self, key: str, wanted: str) -> EncoderError:
        given = single_line(repr(self.values[key]), 40) if key in self else "nothing"
        return self.error(f"gives '{self.prefix}{key}' as {given}; it must be {wanted}.")

    def inner(self, key: str) -> ModelJson:
        """Return the object under ``key``; an empty one if there is none."""
        value = self._value(key, {})
        if not isinstance(value, Mapping):
            raise self._wrong(key, "an object")
        return ModelJson(value, self.file, self.model, f"{self.prefix}{key}.")

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """Return a whole number from ``least`` to ``most``; required if there is no default."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._wrong(key, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float, default: float | None = None) -> float:
        """Return a finite number from ``least`` to ``most``; required if there is no default."""
        value = self._value(key, default)
        if not _is_number(value, least, most):
            raise self._wrong(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def three(self, key: str, least: float, most: float) -> tuple[float, float, float]:
        """Return three finite numbers, for red, green and blue; required."""
        value = self._value(key, None)
        if not isinstance(value, list) or len(value) != 3 or not all(_is_number(v, least, most) for v in value):
            raise self._wrong(key, f"three numbers from {least:g} to {most:g}")
        return float(value[0]), float(value[1]), float(value[2])

    def text(self, key: str, default: str) -> str:
        """Return a text of 1 to 100 printable characters."""
        value = self._value(key, default)
        if not isinstance(value, str) or not 1 <= len(value) <= 100 or not value.isprintable():
            raise self._wrong(key, "a text of 1 to 100 printable characters")
        return value


def _is_number(value: object, least: float, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most  # False for NaN; math.isfinite would overflow on huge ints
