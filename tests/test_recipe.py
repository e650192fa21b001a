from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from clip_core.errors import RecipeError
from clip_core.recipe import SMOOTHINGS, TEMPLATES, Recipe, read_recipe, recipe_from, recipe_yaml
from clip_core.scoring.smoothing import KINDS
from clip_core.scoring.templates import TEMPLATE_SETS

ODD = ("a dog", "- a person", '"=1+1",', "- {}: [x]", "a “b”\u2028c", "null", "3", "<b>é🐕</b>")
FULL = Recipe(
    prompts=ODD,
    weights={"a dog": 2.0},
    templates="openai",
    unit="percentile",
    threshold=97.5,
    thresholds={"null": 90.0},
    hysteresis=1.5,
    confidence=0.98,
    bank_share=90,
    smoothing="savgol",
    smoothing_s=0.25,
    across_cuts=True,
    min_gap_s=0.1,
    min_duration_s=0.2,
    pad_s=0.3,
    score_range=(-1.0, 100.0),
    time_range=(0.0, 12.5),
    unflagged=("3",),
    combinations=(("then", "a dog", "null", 2.5), ("and", "3", "a dog", 0.0)),
)


@pytest.mark.parametrize("recipe", [Recipe(), FULL])
def test_a_recipe_comes_back_from_its_file_and_from_its_changes(recipe: Recipe) -> None:
    assert read_recipe(recipe_yaml(recipe).encode()) == recipe
    assert recipe_from(recipe.changed(), "It") == recipe
    assert Recipe().changed() == {}
    assert set(FULL.changed()) == set(FULL.as_mapping())


def test_what_json_and_yaml_hold_of_a_recipe() -> None:
    held = FULL.as_mapping()
    assert json.loads(json.dumps(held)) == held == yaml.safe_load(recipe_yaml(FULL))
    assert (held["unit"], held["confidence"], held["bank_share"]) == ("percentile", 0.98, 90)
    assert (held["score_range"], held["combinations"][0]) == ([-1.0, 100.0], ["then", "a dog", "null", 2.5])
    usual = Recipe().as_mapping()
    assert (usual["unit"], usual["threshold"], usual["confidence"], usual["bank_share"]) == ("corrected", None, 0.95, 0)
    assert Recipe(confidence=0.9, unit="z").changed() == {"confidence": 0.9, "unit": "z"}


OLD = (
    "prompts: [a dog]\nweights: {}\ntemplates: none\nunit: z\nthreshold: null\nthresholds: {}\nhysteresis: 0.0\n"
    "bank_share: 95\nsmoothing: mean\nsmoothing_s: 0.6\nacross_cuts: false\nmin_gap_s: 0.0\nmin_duration_s: 0.0\n"
    "pad_s: 0.0\nscore_range: null\ntime_range: null\nunflagged: []\ncombinations: []\n"
)
"""A settings file from before there was a confidence."""


def old(**changes: object) -> Recipe:
    return read_recipe(yaml.safe_dump(yaml.safe_load(OLD) | changes).encode())


def test_an_old_settings_file_is_detected_at_the_share_that_it_asks() -> None:
    assert read_recipe(OLD.encode()) == Recipe(
        prompts=("a dog",), unit="z", bank_share=95, smoothing_s=0.6, confidence=0.95
    )
    shares = (0, 50, 75, 90, 95, 98, 99, 100)
    assert [old(bank_share=share).confidence for share in shares] == [0.95, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.999]
    assert [old(bank_share=share).bank_share for share in shares] == list(shares)
    assert old(bank_share=90.0).confidence == 0.9


def test_an_old_settings_file_with_a_threshold_keeps_it_and_the_bank() -> None:
    recipe = old(threshold=2.5, bank_share=90)
    assert (recipe.unit, recipe.threshold, recipe.bank_share, recipe.confidence) == ("z", 2.5, 90, 0.95)
    own = old(thresholds={"a dog": 2.5}, bank_share=90)
    assert (dict(own.thresholds), own.bank_share, own.confidence) == ({"a dog": 2.5}, 90, 0.9)


def test_a_settings_file_with_a_confidence_is_believed() -> None:
    assert old(bank_share=90, confidence=0.95).confidence == 0.95
    for given in (Recipe(bank_share=90), Recipe(bank_share=100, confidence=0.5)):
        assert read_recipe(recipe_yaml(given).encode()) == given


@pytest.mark.parametrize(("recipe", "needed"), [
    (Recipe(), True), (Recipe(unit="z"), True), (Recipe(unit="corrected", threshold=0.1), True),
    (Recipe(unit="z", threshold=2.5), False), (Recipe(unit="cosine", threshold=0.0), False),
    (Recipe(unit="z", threshold=2.5, bank_share=50), True), (Recipe(unit="z", thresholds={"a dog": 1}), True),
])  # fmt: skip
def test_when_the_null_bank_must_be_asked(recipe: Recipe, needed: bool) -> None:
    assert recipe.needs_bank is needed


def test_lines_with_a_dash_are_negatives() -> None:
    recipe = Recipe(prompts=("a dog", " - a person", "- a dog", "-5 °C", "a dog ", "- ", ""))
    assert recipe.positives == ("a dog", "-5 °C")
    assert recipe.negatives == ("a person", "a dog")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("unit", "kelvin"), ("unit", ["z"]), ("unit", {}), ("smoothing", "box"), ("templates", "7"),
        ("threshold", float("nan")), ("threshold", True), ("threshold", "2"), ("threshold", 1e300),
        ("hysteresis", -0.1), ("bank_share", 94), ("bank_share", "95"),
        ("bank_share", True), ("bank_share", [90]), ("bank_share", None),
        ("confidence", 0.4), ("confidence", 95), ("confidence", 1), ("confidence", None), ("confidence", "0.9"),
        ("confidence", float("nan")),
        ("smoothing_s", -1), ("pad_s", float("inf")), ("min_gap_s", None),
        ("score_range", [2, 1]), ("score_range", [1]),
        ("time_range", [-1, 2]), ("time_range", "ab"), ("weights", {"a": 0}), ("weights", {"a": "x"}), ("weights", [1]),
        ("thresholds", {1: 2}), ("prompts", "a dog"), ("prompts", [1]), ("prompts", ["x"] * 201),
        ("prompts", ["x" * 20_001]),
        ("across_cuts", 1), ("unflagged", None), ("combinations", [["or", "a", "b", 0]]),
        ("combinations", [["and", "a"]]),
        ("combinations", [["then", "a", "b", -1]]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(RecipeError, match=f"The setting '{name}' cannot be .* Allowed: "):
        recipe_from({name: value}, "The link")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x" * 1_000_001, "larger than 1 MB"), (b"\xff\xfe", "not UTF-8"), (b"a: [", "not YAML"),
        (b"- a", "holds no settings"),
        (b"colour: red", "unknown setting 'colour'"), (b"!!python/object/apply:os.system ['true']", "not YAML"),
        (b"[" * 3000, "not YAML"), (b"prompts: &a [*a]", "'prompts' cannot be"),
    ],
)  # fmt: skip
def test_files_that_are_no_settings(content: bytes, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        read_recipe(content)


def test_an_empty_file_is_the_usual_recipe_and_the_names_are_those_of_scoring() -> None:
    assert read_recipe(b"") == Recipe()
    assert (KINDS, tuple(TEMPLATE_SETS)) == (SMOOTHINGS, TEMPLATES)


def test_a_file_of_aliases_of_aliases_is_refused_at_once() -> None:
    """Nine levels of ten are 10⁹ texts where somebody follows them all."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]\n" for k in range(1, 9))
    with pytest.raises(RecipeError, match="unknown setting 'a0'"):
        read_recipe(bomb.encode())
    nested = bomb.replace("a8:", "prompts:").replace("a0: ", "weights: ").replace("&a8 ", "")
    with pytest.raises(RecipeError):
        read_recipe(nested.encode())


def test_accents_that_are_spelled_in_two_ways_are_one_prompt() -> None:
    given = {"prompts": ["cafe\u0301"], "thresholds": {"cafe\u0301": 2.0}, "unflagged": ["cafe\u0301"]}
    recipe = recipe_from(given, "It")
    assert (recipe.positives, dict(recipe.thresholds), recipe.unflagged) == (("café",), {"café": 2.0}, ("café",))
