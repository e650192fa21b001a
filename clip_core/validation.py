"""What pydantic refuses, as errors of ours: the key, what was given, what is allowed, and the nearest key."""

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
"""Of every model here: true is no number and 1 no text, and no traceback repeats a value, which may be secret."""
MOST_BYTES = 1_000_000
_KINDS = {
    bool: "a yes/no value", int: "a number", float: "a number", str: "a text", list: "a list", tuple: "a list",
    dict: "a mapping", type(None): "nothing",
}  # fmt: skip


def refusing(error_of: Callable[[str, Any, str], ClipVideoError]) -> Any:  # noqa: ANN401 - pydantic's own descriptor
    """Return a validator by which a dataclass of pydantic's raises errors of ours.

    Args:
        error_of: Makes the error of a field's name, the value that it was given, and what the field allows.
    """

    def check(cls: Any, values: Any, make: ModelWrapValidatorHandler[Any]) -> Any:  # noqa: ANN401
        try:
            return make(values)
        except ValidationError as error:
            at = error.errors(include_url=False)[0]["loc"][0]  # a name, or the place of a value that was given without
        fields, given = cls.__pydantic_fields__, dict(enumerate(values.args)) | (values.kwargs or {})
        name = list(fields)[at] if isinstance(at, int) and at < len(fields) else str(at)
        if name not in fields:
            raise TypeError(f"{cls.__name__} has no field {name!r}")
        raise error_of(name, given.get(at), fields[name].description)

    return model_validator(mode="wrap")(classmethod(check))  # type: ignore[arg-type]


def allowed(words: str, **bounds: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """What a field allows: ``words`` for messages, and bounds such as ``ge`` and ``le``."""
    return Field(description=words, **bounds)


def where(check: Callable[[Any], object]) -> AfterValidator:
    """A check of a value that has the right type already."""

    def needed(value: Any) -> Any:  # noqa: ANN401
        if not check(value):
            raise ValueError
        return value

    return AfterValidator(needed)


def read_yaml(content: bytes, name: str, error_class: type[ClipVideoError]) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Return what a YAML file holds; an empty mapping if it is empty.

    Args:
        content: The file's bytes.
        name: What it is called in messages.
        error_class: What is raised for a file that is larger than 1 MB, no UTF-8 or no YAML.
    """
    if len(content) > MOST_BYTES:
        raise error_class(f"{name} is larger than 1 MB.", "Is it the right file?")
    try:
        found = yaml.safe_load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise error_class(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise error_class(f"{name} is not YAML{place}.", "Check colons, quotes and indentation.") from error
    return {} if found is None else found


def unknown_key(given: Mapping[Any, Any], known: Collection[str]) -> tuple[str, str] | None:
    """Return the first key that is not known, as it may be shown, with a hint; None if all are known."""
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            return shown(key), f"Did you mean '{near[0]}'?" if near else f"Allowed are: {', '.join(known)}."
    return None


def kind(value: object) -> str:
    """What YAML or JSON made of a value, in words."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def shown(value: object) -> str:
    """A value as it may stand in a message: short, on one line."""
    text = value if isinstance(value, str) else reprlib.repr(value)  # which does not follow aliases into the depth
    return shorten(printable(text[:100]), 40)
