"""All settings that decide how curves become moments, as one value: for the page, for files and for links."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import yaml

from clip_core.errors import RecipeError
from clip_core.prompts import Prompt, parse_prompts
from clip_core.recipe_checks import (
    ALLOWED,
    BANK_SHARES,
    CHECKS,
    CONFIDENCES,
    MOST_BYTES,
    MOST_CONFIDENCE,
    MOST_DEPTH,
    MOST_PROMPTS,
    MOST_TEXT,
    OPS,
    TEMPLATES,
    UNITS,
    Op,
    Templates,
)
from clip_core.text import clean_prompt, printable, shorten
from clip_core.values import Unit

__all__ = [
    "BANK_SHARES", "CONFIDENCES", "MOST_PROMPTS", "MOST_TEXT", "OPS", "TEMPLATES", "UNITS",
    "Op", "Recipe", "Templates", "read_recipe", "recipe_from",
    "recipe_yaml",
]  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How curves become moments.

    Attributes:
        prompts: Lines as they were typed; see ``prompts.parse_prompt``.
        weights: Prompt → prior odds (default 1): how much it counts where prompts compete (softmax, margin, leading).
        templates: Around each prompt: "none", the 7 "simple" ones or OpenAI's 80.
        unit: What curves are shown and cut in.
        threshold: In that unit, for all prompts; None finds moments on segments of the video (``scoring.detection``).
        thresholds: Prompt → threshold of its own, which counts before ``threshold``.
        hysteresis: A moment ends where its curve falls this far below its threshold; ≥ 0.
        confidence: A prompt without a threshold is there if it beats more than this share of the null bank.
        bank_share: With a threshold, a moment must beat this percentage of the null bank somewhere; 0: it need not.
        smoothing, smoothing_s: A key of ``FILTERS`` and its width in seconds.
        smoothing_samples: The width in samples, which then counts in place of the seconds; None: it was given in
            seconds. It is kept as it was given, so that another sampling rate does not change what was meant.
        across_cuts: Whether smoothing reaches across the cuts between shots.
        min_gap_s, min_duration_s, pad_s: Shorter gaps are filled, shorter moments dropped, the rest padded.
        score_range, time_range: Smoothed scores and times outside are never flagged; None: no limits.
        unflagged: Prompts without moments.
        combinations: (op, a, b, within_s) each, see ``scoring.combine``: moments of two prompts together.
    """

    prompts: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    templates: Templates = "none"
    unit: Unit = "corrected"
    threshold: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    hysteresis: float = 0.0
    confidence: float = 0.95
    bank_share: float = 0.0
    smoothing: str = "mean"
    smoothing_s: float = 1.0
    smoothing_samples: int | None = None
    across_cuts: bool = False
    min_gap_s: float = 0.0
    min_duration_s: float = 0.0
    pad_s: float = 0.0
    score_range: tuple[float, float] | None = None
    time_range: tuple[float, float] | None = None
    unflagged: tuple[str, ...] = ()
    combinations: tuple[tuple[Op, str, str, float], ...] = ()

    def __post_init__(self) -> None:
        for name, check in CHECKS.items():
            value = getattr(self, name)
            if not check(value):
                raise RecipeError(f"The setting '{name}' cannot be {_shown(value)}.", f"Allowed: {ALLOWED[name]}.")

    @cached_property
    def parsed(self) -> tuple[Prompt, ...]:
        """The prompts in order, each once, with their weights."""
        return parse_prompts(self.prompts, self.weights)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that is embedded: the prompts, then the negatives."""
        return tuple(dict.fromkeys((*self.positives, *self.negatives)))

    @property
    def positives(self) -> tuple[str, ...]:
        """The texts of the prompts that are scored and flagged."""
        return tuple(prompt.text for prompt in self.parsed if not prompt.negative)

    @property
    def negatives(self) -> tuple[str, ...]:
        """The texts of the negative prompts."""
        return tuple(prompt.text for prompt in self.parsed if prompt.negative)

    @property
    def needs_bank(self) -> bool:
        """Whether prompts must be held against neutral texts."""
        return self.threshold is None or self.unit == "corrected" or self.bank_share > 0

    def as_mapping(self) -> dict[str, Any]:
        """All settings as plain values that JSON and YAML can hold."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def changed(self) -> dict[str, Any]:
        """Those that are not the defaults."""
        usual = Recipe().as_mapping()
        return {name: value for name, value in self.as_mapping().items() if value != usual[name]}


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
    return Recipe(**{name: _cleaned(_tuples(value)) for name, value in _as_meant(given).items()})


def _as_meant(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings of before, which name no confidence, as they were meant.

    A threshold without a unit was in z, and a prompt without a threshold had to beat ``bank_share``.
    """
    if "confidence" in given:
        return given
    if "unit" not in given and (given.get("threshold") is not None or given.get("thresholds")):
        given = {**given, "unit": "z"}
    share = given.get("bank_share")
    if given.get("threshold") is not None or not CHECKS["bank_share"](share) or not share:
        return given
    return {**given, "confidence": min(share / 100, MOST_CONFIDENCE)}  # most: as many of 300 texts as all of them


def _cleaned(value: Any) -> Any:  # noqa: ANN401
    """Texts as prompts are: files that were written elsewhere may spell an accent in another way."""
    if isinstance(value, str):
        return clean_prompt(value)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    return {_cleaned(key): number for key, number in value.items()} if isinstance(value, dict) else value


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


def _tuples(value: Any, depth: int = 0) -> Any:  # noqa: ANN401
    """Lists as tuples; what is nested deeper than any setting stays a list, which no setting may be."""
    if not isinstance(value, list) or depth == MOST_DEPTH:
        return value
    return tuple(_tuples(item, depth + 1) for item in value[: MOST_PROMPTS + 1])


def _shown(value: object) -> str:
    return shorten(printable(reprlib.repr(value)), 40)  # repr of reprlib does not follow aliases into the depth
