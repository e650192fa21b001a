"""The recipe that a command's options, a settings file and the config ask for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import yaml

from clip_core.cli.files import read_file
from clip_core.cli.options import Options
from clip_core.cli.terminal import note
from clip_core.config import Config
from clip_core.errors import ClipVideoError, PromptError, RecipeError, shown_name
from clip_core.pipeline.score_prompts import clean_prompts
from clip_core.recipe import Recipe, read_recipe
from clip_core.recipe_checks import LEAST_CONFIDENCE, MOST_CONFIDENCE

MOST_BYTES = 1_000_000


def recipe_for(options: Options, config: Config) -> Recipe:
    """Return the recipe: options count before the settings file, and that before the config.

    A threshold in the config is a cosine, as on the page; it counts for the config's model where no unit is given.
    A threshold that is given without a unit takes its place.

    Raises:
        RecipeError: A setting cannot be used.
        PromptError: A prompt is empty.
        ClipVideoError: A file cannot be read, or there is no prompt at all.
    """
    base = Recipe(smoothing_s=config.smoothing_s)
    if options.settings is not None:
        content = read_file(options.settings, MOST_BYTES, "--settings")
        base = read_recipe(content)
        if "smoothing_s" not in _keys_of(content):
            base = replace(base, smoothing_s=config.smoothing_s)
    changes = {"prompts": _prompts(options, base, config), **_unit_and_thresholds(options, base, config)}
    if options.confidence is not None:
        changes["confidence"] = _confidence(options.confidence)
    if options.smoothing is not None:
        changes |= {"smoothing_s": options.smoothing, "smoothing_samples": None}
    if options.smoothing_samples is not None:
        changes["smoothing_samples"] = options.smoothing_samples
    if options.filter is not None:
        changes["smoothing"] = options.filter
    recipe = replace(base, **changes)
    if not recipe.positives:
        what = "There are no prompts, neither here nor in the configuration."
        raise ClipVideoError(what if not recipe.negatives else "All prompts are negative ones.", "Give one: --prompt P")
    if recipe.bank_share and (recipe.threshold is not None or recipe.thresholds):
        note(f"The settings ask that moments beat {recipe.bank_share:g} % of the null bank.")
    return recipe


def _keys_of(content: bytes) -> Collection[str]:
    """Return the keys of a settings file that has been checked."""
    keys: Collection[str] = yaml.safe_load(content.decode("utf-8-sig")) or ()
    return keys


def _prompts(options: Options, base: Recipe, config: Config) -> tuple[str, ...]:
    lines = [] if options.prompts is None else _lines_of(options.prompts)
    return clean_prompts([*lines, *options.prompt] or base.prompts or config.prompts)


def _lines_of(path: str) -> list[str]:
    """Return the lines of a file of prompts, one a line; blank ones are left out."""
    name, content = shown_name(path), read_file(path, MOST_BYTES, "--prompts", PromptError)
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise PromptError(f"{name} is not UTF-8 text.", "Save it as UTF-8.") from error
    if len(content) > MOST_BYTES:
        raise PromptError(f"{name} is larger than 1 MB: that is no list of prompts.", "Check --prompts.")
    if not any(lines):
        raise PromptError(f"{name} holds no prompts.", "Write one a line.")
    return [line for line in lines if line]


def _unit_and_thresholds(options: Options, base: Recipe, config: Config) -> dict[str, Any]:
    own_model = options.model is None or options.model == config.model
    if config.threshold is not None and own_model and options.settings is None and options.unit is None:
        threshold = config.threshold if options.threshold is None else options.threshold
        return {"unit": "cosine", "threshold": threshold}
    changes: dict[str, Any] = {}
    if options.unit is not None and options.unit != base.unit:
        in_base_unit = base.thresholds or base.hysteresis > 0 or (base.threshold, base.score_range) != (None, None)
        if options.settings is not None and in_base_unit:
            note(f"Thresholds and ranges of the settings file are in {base.unit}: they do not count here.")
        changes = {"unit": options.unit, "threshold": None, "thresholds": {}, "hysteresis": 0.0, "score_range": None}
    if options.threshold is not None:
        changes |= {"threshold": options.threshold, "thresholds": {}}
    return changes


def _confidence(percent: float) -> float:
    """Return a confidence in percent as a share."""
    share = round(percent / 100, 6)
    if not LEAST_CONFIDENCE <= share <= MOST_CONFIDENCE:
        allowed = f"{100 * LEAST_CONFIDENCE:g} to {100 * MOST_CONFIDENCE:g} percent"
        raise RecipeError(f"The confidence cannot be {percent:g} percent.", f"Allowed: {allowed}.")
    return share
