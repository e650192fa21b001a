from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from clip_core.errors import RecipeError
from clip_core.settings import Recipe, link, recipe_of_query, recipe_query
from tests.test_recipe import FULL


@pytest.mark.parametrize(
    "recipe",
    [
        FULL, Recipe(), Recipe(prompts=("a & b = c?#%", "- ü🐕"), threshold=0.0), Recipe(unit="cosine"),
        Recipe(unit="cosine", threshold=-1.0), Recipe(unit="z", confidence=0.9), Recipe(unit="z", bank_share=95),
        Recipe(unit="z", threshold=2.5, bank_share=95), Recipe(bank_share=90), Recipe(bank_share=98, confidence=0.5),
    ],
)  # fmt: skip
def test_a_link_restores_the_recipe(recipe: Recipe) -> None:
    address = link("http://127.0.0.1:8501/base/?old=1", recipe, {"video": "a b&c.mp4", "frame": "7"})
    parts = urlsplit(address)
    query = parse_qs(parts.query, keep_blank_values=True)
    assert (parts.path, query["video"], query["frame"]) == ("/base/", ["a b&c.mp4"], ["7"])
    assert recipe_of_query(query) == recipe
    assert recipe_of_query({name: [text] for name, text in recipe_query(replace(recipe, prompts=()))}) == replace(
        recipe, prompts=()
    )


def test_an_address_without_settings_says_nothing_of_them() -> None:
    assert recipe_of_query({}) is None
    assert recipe_of_query({"video": ["x"], "utm": ["y"]}) is None
    assert parse_qs(urlsplit(link("http://x/", None, {"video": "x"})).query) == {"video": ["x"]}


def test_a_link_always_names_its_unit_and_its_confidence() -> None:
    """So that what it does not name can still be told from what a link of before did not name."""
    assert link("http://x/", Recipe(), {}) == "http://x/?unit=corrected&confidence=0.95"
    changed = Recipe(prompts=("a dog", "pizza"), unit="z", confidence=0.98, threshold=2.0)
    assert recipe_query(changed) == [
        ("prompt", "a dog"), ("prompt", "pizza"), ("unit", "z"), ("confidence", "0.98"), ("threshold", "2.0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("prompt=a+dog", Recipe(prompts=("a dog",), unit="z", bank_share=95)),
        ("threshold=2.5", Recipe(unit="z", threshold=2.5, bank_share=95)),
        ("unit=cosine&threshold=0.3", Recipe(unit="cosine", threshold=0.3, bank_share=95)),
        ("unit=cosine&threshold=0.3&bank_share=0", Recipe(unit="cosine", threshold=0.3)),
        ("threshold=2.5&bank_share=90", Recipe(unit="z", threshold=2.5, bank_share=90)),
        ("bank_share=90", Recipe(unit="z", bank_share=90, confidence=0.9)),
        ("unit=percentile&bank_share=98", Recipe(unit="percentile", bank_share=98, confidence=0.98)),
        ("prompt=a+dog&bank_share=0", Recipe(prompts=("a dog",), unit="z")),
    ],
)
def test_a_link_of_before_means_what_it_meant(query: str, meant: Recipe) -> None:
    """Its default unit was z, and moments had to beat 95 % of the bank; there was no confidence."""
    assert recipe_of_query(parse_qs(query)) == meant


def test_a_link_in_corrected_scores_is_not_one_of_before() -> None:
    assert recipe_of_query(parse_qs("unit=corrected&threshold=0.01")) == Recipe(threshold=0.01)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"threshold": ["two"]}, "cannot be read"), ({"threshold": ["NaN"]}, "'threshold' cannot be"),
        ({"unit": ["kelvin"]}, "'unit'"),
        ({"weights": ["[" * 50_000]}, "cannot be read"), ({"prompt": ["x"] * 201}, "'prompts'"),
        ({"thresholds": ["{}" * 40_000]}, "too long"),
        ({"bank_share": ["1e999"]}, "'bank_share'"), ({"bank_share": ['"90"']}, "'bank_share'"),
        ({"confidence": ["95"]}, "'confidence'"),
    ],
)  # fmt: skip
def test_links_that_lie(query: dict[str, list[str]], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        recipe_of_query(query)
