"""A recipe as the parameters of a page's address, and back: from anybody, so nothing in it is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from clip_core.errors import RecipeError
from clip_core.recipe import Recipe, recipe_from

PROMPT = "prompt"
PLAIN = ("unit", "smoothing", "templates")
ALWAYS = ("unit", "confidence")
BEFORE: Mapping[str, Any] = {"unit": "z", "bank_share": 95}
"""What a link without a confidence does not say: it was made when moments had to beat 95 % of the bank in z."""
MOST_LETTERS = 60_000


def recipe_query(recipe: Recipe) -> list[tuple[str, str]]:
    """Unit, confidence and what is not the usual setting, as (name, text) pairs; each prompt is a pair of its own."""
    changed = {name: getattr(recipe, name) for name in ALWAYS} | recipe.changed()
    prompts = [(PROMPT, line) for line in changed.pop("prompts", [])]
    rest = [
        (name, value if name in PLAIN else json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        for name, value in changed.items()
    ]
    return prompts + rest


def link(address: str, recipe: Recipe | None, besides: Mapping[str, str]) -> str:
    """An address that restores a view.

    Args:
        address: Of the page; parameters that it has already are dropped.
        recipe: The settings; None: none are named.
        besides: What else the page wants to find again, such as video and frame.
    """
    settings = [] if recipe is None else recipe_query(recipe)
    return f"{address.partition('?')[0]}?{urlencode([*besides.items(), *settings])}"


def recipe_of_query(query: Mapping[str, Sequence[str]]) -> Recipe | None:
    """The recipe that an address names; None if it names no setting. Parameters of other people are left alone.

    Args:
        query: Name → its texts, in order.

    Raises:
        RecipeError: A setting cannot be.
    """
    given: dict[str, Any] = {}
    for name in Recipe().as_mapping().keys() & query.keys():
        text = query[name][-1]
        if len(text) > MOST_LETTERS:
            raise RecipeError(f"The setting '{name}' in the link is too long.", "Use a settings file.")
        given[name] = text if name in PLAIN else _value(name, text)
    if query.get(PROMPT):
        given["prompts"] = list(query[PROMPT])
    if not given:
        return None
    if "confidence" not in given and given.get("unit") != "corrected":
        given = {**BEFORE, **given}
    return recipe_from(given, "The link")


def _value(name: str, text: str) -> Any:  # noqa: ANN401 - whatever JSON holds; recipe_from looks at it
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"The setting '{name}' in the link cannot be read.", "Was the link cut off?") from error
