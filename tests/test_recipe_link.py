from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from clip_core.errors import RecipeError
from clip_core.recipe import Recipe
from clip_core.recipe_link import link, recipe_of_query
from tests.test_recipe import FULL


@pytest.mark.parametrize(
    "recipe", [FULL, Recipe(prompts=("a & b = c?#%", "- ü🐕"), threshold=0.0), Recipe(unit="cosine")]
)
def test_a_link_restores_the_recipe(recipe: Recipe) -> None:
    address = link("http://127.0.0.1:8501/base/?old=1", recipe, {"video": "a b&c.mp4", "frame": "7"})
    parts = urlsplit(address)
    query = parse_qs(parts.query, keep_blank_values=True)
    assert (parts.path, query["video"], query["frame"]) == ("/base/", ["a b&c.mp4"], ["7"])
    assert recipe_of_query(query) == recipe


def test_an_address_without_settings_says_nothing_of_them() -> None:
    assert recipe_of_query({}) is None
    assert recipe_of_query({"video": ["x"], "utm": ["y"]}) is None
    assert parse_qs(urlsplit(link("http://x/", None, {"video": "x"})).query) == {"video": ["x"]}


def test_a_link_always_names_the_unit_and_one_without_means_what_it_meant() -> None:
    assert parse_qs(urlsplit(link("http://x/", Recipe(), {})).query) == {"unit": ["corrected"]}
    assert recipe_of_query({"threshold": ["2.5"]}) == Recipe(unit="z", threshold=2.5, bank_share=95)
    assert recipe_of_query({"threshold": ["2.5"], "bank_share": ["50"]}) == Recipe(
        unit="z", threshold=2.5, bank_share=50
    )
    assert recipe_of_query({"unit": ["corrected"], "confidence": ["0.98"]}) == Recipe(confidence=0.98)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"threshold": ["two"]}, "cannot be read"), ({"threshold": ["NaN"]}, "'threshold' cannot be"),
        ({"unit": ["kelvin"]}, "'unit'"),
        ({"weights": ["[" * 50_000]}, "cannot be read"), ({"prompt": ["x"] * 201}, "'prompts'"),
        ({"thresholds": ["{}" * 40_000]}, "too long"),
        ({"bank_share": ["1e999"]}, "'bank_share'"),
    ],
)  # fmt: skip
def test_links_that_lie(query: dict[str, list[str]], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe_of_query(query)
