"""Translate pydantic's errors to ours: the key, its value, what is allowed, and the nearest key."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import yaml
from pydantic import AfterValidator, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator

from clip_core.errors import ClipVideoError
from clip_core.text import printable, shorten

STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
"""For pydantic dataclasses: true is not a number, 1 is not a text, tracebacks show no values, which may be secret."""
MOST_BYTES = 1_000_000
_KINDS = {
    bool: "a yes/no value", int: "a number", float: "a number", str: "a text", list: "a list", tuple: "a list",
    dict: "a mapping", type(None): "nothing",
}  # fmt: skip


def refusing(error_of: Callable[[str, Any, str], ClipVideoError]) -> Any:  # noqa: ANN401 - pydantic's own descriptor
    """Return a validator that makes a pydantic dataclass raise ``error_of(name, value, what is allowed)``."""

    def check(cls: Any, values: Any, make: ModelWrapValidatorHandler[Any]) -> Any:  # noqa: ANN401
        try:
            return make(values)
        except ValidationError as error:
            name, value, words = refusal(cls, dict(enumerate(values.args)) | (values.kwargs or {}), error)
        if not words:
            raise TypeError(f"{cls.__name__} has no field {name!r}")
        raise error_of(name, value, words)

    return model_validator(mode="wrap")(classmethod(check))  # type: ignore[arg-type]


def refusal(model: Any, values: Mapping[Any, Any], error: ValidationError) -> tuple[str, Any, str]:  # noqa: ANN401
    """Return the first key that a model refuses, its value, and what its field allows; unknown keys come first.

    The key has its path in nested models, such as "size.width"; the value is None if the key is missing; what is
    allowed is "" if the key is unknown. ``values`` are by key, or by position in the dataclass.
    """
    path: list[str] = []
    words: str | None = None
    value: Any = values
    first = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    for key in first["loc"]:
        fields = getattr(model, "__pydantic_fields__", None)
        if fields is None or not isinstance(value, Mapping):  # inside a list or a mapping: the whole of it is named
            break
        value = value.get(key)
        name = list(fields)[key] if isinstance(key, int) and key < len(fields) else str(key)
        field = fields.get(name)
        path.append(name)
        model, words = (field.annotation, field.description) if field else (None, "")
    return ".".join(path), value, words or ""


def allowed(words: str, **bounds: Any) -> Any:  # noqa: ANN401 - like pydantic's Field
    """Return a field description: ``words`` for messages, and bounds such as ``ge`` and ``le``."""
    return Field(description=words, **bounds)


def where(check: Callable[[Any], object]) -> AfterValidator:
    """Return a validator that requires ``check`` to hold for a value of the right type."""

    def needed(value: Any) -> Any:  # noqa: ANN401
        if not check(value):
            raise ValueError
        return value

    return AfterValidator(needed)


def read_yaml(content: bytes, name: str, error_class: type[ClipVideoError]) -> Any:  # noqa: ANN401 - any YAML value
    """Return the content of a YAML file, an empty mapping if it is empty.

    Raises:
        ClipVideoError: Of ``error_class``: the file, called ``name``, is larger than 1 MB, not UTF-8 or not YAML.
    """
    if len(content) > MOST_BYTES:
        raise error_class(f"{name} is larger than 1 MB.", "Is it the right file?")
    try:
        value = yaml.safe_load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise error_class(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise error_class(f"{name} is not YAML{place}.", "Check colons, quotes and indentation.") from error
    return {} if value is None else value


def unknown_key(given: Mapping[Any, Any], known: Collection[str]) -> tuple[str, str] | None:
    """Return the first unknown key, shortened for a message, and a hint; None if all keys are known."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            return shown(key), f"Did you mean '{near[0]}'?" if near else f"Allowed are: {', '.join(known)}."
    return None


def kind(value: object) -> str:
    """Return the type of a YAML or JSON value, in words."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def shown(value: object) -> str:
    """Return a value for a message: short, on one line."""
    text = value if isinstance(value, str) else reprlib.repr(value)  # limits depth, so YAML aliases cannot expand
    return shorten(printable(text[:100]), 40)
