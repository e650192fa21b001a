"""All settings that decide how curves become moments, as one value: for the page, for files and for links."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, get_args

import yaml

from clip_core.errors import RecipeError
from clip_core.values import Unit

Smoothing: TypeAlias = Literal["mean", "gaussian", "median", "savgol", "exponential"]
Templates: TypeAlias = Literal["none", "simple", "openai"]
Op: TypeAlias = Literal["and", "without", "then"]
UNITS: tuple[Unit, ...] = get_args(Unit)
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
TEMPLATES: tuple[Templates, ...] = get_args(Templates)
OPS: tuple[Op, ...] = get_args(Op)
NEGATIVE = "- "
MOST_BYTES, MOST_PROMPTS, MOST_TEXT = 1_000_000, 200, 20_000
BANK_SHARES = (0, 50, 75, 90, 95, 98, 99, 100)
LONGEST_S = 1e7


@dataclass(frozen=True)
class Recipe:
    """How curves become moments.

    Attributes:
        prompts: Lines as they were typed; one that begins with "- " is a negative or background prompt.
        weights: Prompt → prior odds (default 1): how much it counts where prompts compete (softmax, margin, leading).
        templates: Around each prompt: "none", the 7 "simple" ones or OpenAI's 80.
        unit: What curves are shown and cut in.
        threshold: In that unit, for all prompts; None gives each prompt its own, from the data.
        thresholds: Prompt → threshold of its own, which counts before ``threshold``.
        hysteresis: A moment ends where its curve falls this far below its threshold; ≥ 0.
        bank_share: A moment must beat this percentage of the null bank somewhere; 0 does not ask the bank.
        smoothing, smoothing_s: Kind of filter and its width in seconds.
        across_cuts: Whether smoothing reaches across the cuts between shots.
        min_gap_s, min_duration_s, pad_s: Shorter gaps are filled, shorter moments dropped, the rest padded.
        score_range, time_range: What lies outside is never flagged; None: no limits.
        unflagged: Prompts without moments.
        combinations: (op, a, b, within_s) each, see ``scoring.combine``: moments of two prompts together.
    """

    prompts: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    templates: Templates = "none"
    unit: Unit = "z"
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    hysteresis: float = 0.0
    bank_share: float = 95.0
    smoothing: Smoothing = "mean"
    smoothing_s: float = 1.0
    across_cuts: bool = False
    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0
    score_range: tuple[float, float] | None = None
    time_range: tuple[float, float] | None = None
    unflagged: tuple[str, ...] = ()
    combinations: tuple[tuple[Op, str, str, float], ...] = ()

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            if not check(value):
                raise RecipeError(f"The setting '{name}' cannot be {_shown(value)}.", f"Allowed: {_ALLOWED[name]}.")

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that is embedded: the prompts, then the negatives without their sign."""
        return tuple(dict.fromkeys((*self.positives, *self.negatives)))

    @property
    def positives(self) -> tuple[str, ...]:
        """The prompts that are scored and flagged, in order, each once."""
        lines = (line.strip() for line in self.prompts if not is_negative(line))
        return tuple(dict.fromkeys(line for line in lines if line))

    @property
    def negatives(self) -> tuple[str, ...]:
        """The negative prompts without their sign, in order, each once."""
        lines = (line.strip()[len(NEGATIVE) :].strip() for line in self.prompts if is_negative(line))
        return tuple(dict.fromkeys(line for line in lines if line))

    def as_mapping(self) -> dict[str, Any]:
        """All settings as plain values that JSON and YAML can hold."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def changed(self) -> dict[str, Any]:
        """Those that are not the defaults."""
        usual = Recipe().as_mapping()
        return {name: value for name, value in self.as_mapping().items() if value != usual[name]}


def is_negative(line: str) -> bool:
    """Whether a line of the list of prompts is a negative one; a lone "-" is one that is still being typed."""
    return f"{line.strip()} ".startswith(NEGATIVE)


def recipe_from(given: object, source: str) -> Recipe:
    """Return the recipe that plain values describe; what is not said is as usual.

    Args:
        given: What came out of YAML or JSON, from anybody.
        source: What it is called in messages, such as "The settings file".

    Raises:
        RecipeError: It is no mapping, or has an unknown or a wrong setting.
    """
    if not isinstance(given, Mapping):
        raise RecipeError(f"{source} holds no settings.", "Write one 'key: value' per line.")
    known = {f.name for f in fields(Recipe)}
    unknown = [key for key in given if key not in known]
    if unknown:
        raise RecipeError(
            f"{source} has an unknown setting {_shown(unknown[0])}.", f"Known: {', '.join(sorted(known))}."
        )
    return Recipe(**{name: _tuples(value) for name, value in given.items()})


def recipe_yaml(recipe: Recipe) -> str:
    """The settings file of a recipe."""
    text = yaml.safe_dump(recipe.as_mapping(), allow_unicode=True, sort_keys=False, width=1000)
    return f"# How CLIP Video Investigator makes moments of curves. Load it on the page or with --settings.\n{text}"


def read_recipe(content: bytes) -> Recipe:
    """Read a settings file.

    Raises:
        RecipeError: It is larger than 1 MB, no UTF-8, no YAML, or no recipe.
    """
    if len(content) > MOST_BYTES:
        raise RecipeError("The settings file is larger than 1 MB.", "Is it the right file?")
    try:
        given = yaml.safe_load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RecipeError("The settings file is not UTF-8 text.", "Save it as UTF-8.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise RecipeError("The settings file is not YAML.", "Check colons, quotes and indentation.") from error
    return recipe_from({} if given is None else given, "The settings file")


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:  # noqa: ANN401
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _shown(value: object) -> str:
    text = "".join(c if c.isprintable() else "?" for c in repr(value)[:80])
    return text if len(text) <= 40 else text[:39] + "…"


def _number(value: object, least: float = -math.inf, most: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _finite(value: object) -> bool:
    return _number(value, -1e9, 1e9)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and len(value) <= MOST_PROMPTS and all(map(_text, value))


def _numbers(value: object, check: Callable[[object], bool]) -> bool:
    return isinstance(value, Mapping) and len(value) <= MOST_PROMPTS and all(
        _text(key) and check(number) for key, number in value.items()
    )  # fmt: skip


def _pair(value: object, check: Callable[[object], bool]) -> bool:
    return value is None or (
        isinstance(value, tuple) and len(value) == 2 and all(map(check, value)) and bool(value[0] <= value[1])
    )


def _length(value: object) -> bool:
    return _number(value, 0, LONGEST_S)


def _combination(value: object) -> bool:
    if not (isinstance(value, tuple) and len(value) == 4):
        return False
    op, a, b, within_s = value
    return op in OPS and _text(a) and _text(b) and _length(within_s)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "prompts": _texts,
    "weights": lambda v: _numbers(v, lambda number: _number(number, 1e-6, 1e6)),
    "templates": lambda v: isinstance(v, str) and v in TEMPLATES,
    "unit": lambda v: isinstance(v, str) and v in UNITS,
    "threshold": lambda v: v is None or _finite(v),
    "thresholds": lambda v: _numbers(v, _finite),
    "hysteresis": lambda v: _number(v, 0, 1e9),
    "bank_share": lambda v: _number(v) and v in BANK_SHARES,
    "smoothing": lambda v: isinstance(v, str) and v in SMOOTHINGS,
    "across_cuts": lambda v: isinstance(v, bool),
    **dict.fromkeys(("smoothing_s", "min_gap_s", "min_duration_s", "pad_s"), _length),
    "score_range": lambda v: _pair(v, _finite),
    "time_range": lambda v: _pair(v, _length),
    "unflagged": _texts,
    "combinations": lambda v: isinstance(v, tuple) and len(v) <= MOST_PROMPTS and all(map(_combination, v)),
}
_SECONDS = "seconds from 0 on"
_ALLOWED = {
    "prompts": f"at most {MOST_PROMPTS} texts",
    "weights": "prompts, each with a number above 0",
    "templates": ", ".join(TEMPLATES),
    "unit": ", ".join(UNITS),
    "threshold": "a number, or null for one from the data",
    "thresholds": "prompts, each with a number",
    "hysteresis": "a number from 0 on",
    "bank_share": ", ".join(map(str, BANK_SHARES)),
    "smoothing": ", ".join(SMOOTHINGS),
    "across_cuts": "true or false",
    **dict.fromkeys(("smoothing_s", "min_gap_s", "min_duration_s", "pad_s"), _SECONDS),
    "score_range": "two numbers, the lower first",
    "time_range": "two times in seconds, the earlier first",
    "unflagged": f"at most {MOST_PROMPTS} texts",
    "combinations": "lists of and, without or then, two prompts, and seconds",
}
