"""The recipe that a command's options, a settings file and the configuration speak of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_core.cli import terminal
from clip_core.cli.scored import lines_in
from clip_core.errors import ClipVideoError, RecipeError, shown_name

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Collection

    from clip_core.config import Config
    from clip_core.recipe import Recipe

MOST_BYTES = 1_000_000


def recipe_for(given: Namespace, config: Config) -> Recipe:
    """The recipe: what was given counts before the settings file, and that before the configuration.

    A threshold in the configuration is a cosine, as on the page; it counts for the configured model where no unit is
    said. A threshold that is given without a unit takes its place.

    Raises:
        RecipeError: A setting cannot be used.
        PromptError: A prompt is empty.
        ClipVideoError: A file cannot be read, or there is no prompt at all.
    """
    from clip_core.recipe import Recipe, read_recipe

    base = Recipe(smoothing_s=config.smoothing_s)
    if given.settings is not None:
        content = _content(given.settings, "--settings")
        base = read_recipe(content)
        if "smoothing_s" not in _names_in(content):
            base = replace(base, smoothing_s=config.smoothing_s)
    changes: dict[str, Any] = {"prompts": _prompts(given, base, config)}
    changes |= _cut(given, base, config)
    if given.confidence is not None:
        changes["confidence"] = _share(given.confidence)
    if given.smoothing is not None:
        changes |= {"smoothing_s": given.smoothing, "smoothing_samples": None}
    if given.smoothing_samples is not None:
        changes["smoothing_samples"] = given.smoothing_samples
    if given.filter is not None:
        changes["smoothing"] = given.filter
    recipe = replace(base, **changes)
    if not recipe.positives:
        what = "There are no prompts, neither here nor in the configuration."
        raise ClipVideoError(what if not recipe.negatives else "All prompts are negative ones.", "Give one: --prompt P")
    if recipe.bank_share and (recipe.threshold is not None or recipe.thresholds):
        terminal.note(f"The settings ask that moments beat {recipe.bank_share:g} % of the null bank.")
    return recipe


def _share(percent: float) -> float:
    """A confidence in percent as a share."""
    from clip_core.recipe import LEAST_CONFIDENCE, MOST_CONFIDENCE

    share = round(percent / 100, 6)
    if not LEAST_CONFIDENCE <= share <= MOST_CONFIDENCE:
        allowed = f"{100 * LEAST_CONFIDENCE:g} to {100 * MOST_CONFIDENCE:g} percent"
        raise RecipeError(f"The confidence cannot be {percent:g} percent.", f"Allowed: {allowed}.")
    return share


def _cut(given: Namespace, base: Recipe, config: Config) -> dict[str, Any]:
    """Unit and thresholds."""
    own_model = given.model is None or given.model == config.model
    if config.threshold is not None and own_model and given.settings is None and given.unit is None:
        threshold = config.threshold if given.threshold is None else given.threshold
        return {"unit": "cosine", "threshold": threshold}
    changes: dict[str, Any] = {}
    if given.unit is not None and given.unit != base.unit:
        if given.settings is not None and _speaks_of_its_unit(base):
            terminal.note(f"Thresholds and ranges of the settings file are in {base.unit}: they do not count here.")
        changes = {"unit": given.unit, "threshold": None, "thresholds": {}, "hysteresis": 0.0, "score_range": None}
    if given.threshold is not None:
        return changes | {"threshold": given.threshold, "thresholds": {}}
    return changes


def _speaks_of_its_unit(recipe: Recipe) -> bool:
    given = (recipe.threshold, recipe.score_range)
    return any(value is not None for value in given) or bool(recipe.thresholds) or recipe.hysteresis > 0


def _prompts(given: Namespace, base: Recipe, config: Config) -> tuple[str, ...]:
    from clip_core.pipeline.score_prompts import clean_prompts

    lines = [] if given.prompts is None else lines_in(given.prompts)
    return clean_prompts([*lines, *(given.prompt or ())] or base.prompts or config.prompts)


def _names_in(content: bytes) -> Collection[str]:
    """What a settings file names, one that was found to be right."""
    import yaml

    named: Collection[str] = yaml.safe_load(content.decode("utf-8-sig")) or ()
    return named


def _content(path: str, option: str) -> bytes:
    """The bytes of a small file, and one more than may be."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no path"
        raise ClipVideoError(f"{shown_name(path)} cannot be read: {reason}.", f"Check {option}.") from error
