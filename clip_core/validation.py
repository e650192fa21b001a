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
MOST_VALUES, MOST_CHARACTERS = 20_000, 1_000_000
"""In a YAML file, where an alias counts as often and as much as what it repeats."""
MOST_LEVELS, MOST_DIGITS = 20, 1000
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


class _LimitError(yaml.YAMLError):
    """A YAML file is deeper, larger or more entangled than any config; ``problem`` names the limit."""

    def __init__(self, problem: str, mark: Any) -> None:  # noqa: ANN401 - PyYAML has two classes of marks
        super().__init__(problem)
        self.problem, self.problem_mark = problem, mark


class _BoundedLoader(yaml.SafeLoader):
    """Reads YAML in time and memory proportional to its size: levels, values, aliases and digits are limited.

    Raises:
        _LimitError: A limit is exceeded.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._levels = self._values = self._characters = 0
        self._sizes: dict[str | None, tuple[int, int]] = {}  # anchor → values and characters, its aliases followed

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose the next node and count it, before a merge key copies it or a value is made of it."""
        event: yaml.NodeEvent = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self.anchors and event.anchor not in self._sizes:
                raise _LimitError("has an alias inside what it repeats", event.start_mark)
            self._count(event, *self._sizes.get(event.anchor, (0, 0)))
            return super().compose_node(parent, index)
        values, characters = self._values, self._characters
        self._count(event, 1, len(event.value) if isinstance(event, yaml.ScalarEvent) else 0)
        self._levels += 1
        if self._levels > MOST_LEVELS:
            raise _LimitError(f"is nested over {MOST_LEVELS} levels deep", event.start_mark)
        node = super().compose_node(parent, index)
        self._levels -= 1
        self._sizes[event.anchor] = self._values - values, self._characters - characters
        return node

    def _count(self, event: yaml.NodeEvent, values: int, characters: int) -> None:
        self._values += values
        self._characters += characters
        if self._values > MOST_VALUES:
            most = f"{MOST_VALUES:,} values"
        elif self._characters > MOST_CHARACTERS:
            most = f"{MOST_CHARACTERS:,} characters"
        else:
            return
        problem = f"has over {most}, counting what its aliases repeat"
        raise _LimitError(problem, event.start_mark)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401
        """Construct a value; an explicit tag that does not fit, such as "!!int x", is an error of the YAML."""
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Construct a whole number: decimal, octal, hexadecimal, binary or in base 60."""
        return super().construct_yaml_int(self._short(node))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Construct a number that is not whole."""
        return super().construct_yaml_float(self._short(node))

    def _short(self, node: yaml.ScalarNode) -> yaml.ScalarNode:
        if len(self.construct_scalar(node)) > MOST_DIGITS:  # their conversion takes quadratic time, or raises
            raise _LimitError(f"has a number of over {MOST_DIGITS:,} digits", node.start_mark)
        return node

    yaml_constructors = yaml.SafeLoader.yaml_constructors | {
        "tag:yaml.org,2002:int": construct_yaml_int,
        "tag:yaml.org,2002:float": construct_yaml_float,
    }


def read_yaml(content: bytes, name: str, error_class: type[ClipVideoError]) -> Any:  # noqa: ANN401 - any YAML value
    """Return the content of a YAML file, an empty mapping if it is empty.

    Raises:
        ClipVideoError: Of ``error_class``: the file, called ``name``, is larger than 1 MB, not UTF-8, not YAML, or
            exceeds one of the limits above.
    """
    if len(content) > MOST_BYTES:
        raise error_class(f"{name} is larger than 1 MB.", "Is it the right file?")
    try:
        loader = _BoundedLoader(content.decode("utf-8-sig"))
        value = loader.get_single_data()
    except UnicodeDecodeError as error:
        raise error_class(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    except _LimitError as error:
        raise error_class(f"{name} {error.problem}{_place(error)}.", "Is it the right file?") from error
    except (yaml.YAMLError, RecursionError, OverflowError, ValueError) as error:
        raise error_class(f"{name} is not YAML{_place(error)}.", "Check colons, quotes and indentation.") from error
    return {} if value is None else value


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""


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
