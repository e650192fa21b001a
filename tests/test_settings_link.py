from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from clip_core.errors import SettingsError
from clip_core.settings import Settings, link, moment_query, settings_of_query, settings_query
from tests.test_settings import FULL


@pytest.mark.parametrize(
    "settings",
    [
        FULL, Settings(), Settings(prompts=("a & b = c?#%", "- ü🐕"), threshold=0.0), Settings(unit="cosine"),
        Settings(unit="cosine", threshold=-1.0), Settings(unit="z", confidence=0.9), Settings(unit="z", bank_share=95),
        Settings(unit="z", threshold=2.5, bank_share=95), Settings(bank_share=90),
        Settings(bank_share=98, confidence=0.5),
    ],
)  # fmt: skip
def test_a_link_restores_the_recipe(settings: Settings) -> None:
    address = link("http://127.0.0.1:8501/base/?old=1", settings, {"video": "a b&c.mp4", "frame": "7"})
    parts = urlsplit(address)
    query = parse_qs(parts.query, keep_blank_values=True)
    assert (parts.path, query["video"], query["frame"]) == ("/base/", ["a b&c.mp4"], ["7"])
    assert settings_of_query(query) == settings
    assert settings_of_query({name: [text] for name, text in settings_query(replace(settings, prompts=()))}) == replace(
        settings, prompts=()
    )


def test_the_parameters_of_a_moment_say_where_it_is_and_give_the_default_settings() -> None:
    query = moment_query("0123456789abcdef" * 4, 61.25, ["a & b", "- c"], "C 1.MP4")
    assert (query["id"], query["video"], query["time"]) == (["0123456789ab"], ["C 1.MP4"], ["61.250000"])
    assert parse_qs(urlencode(query, doseq=True)) == query
    assert settings_of_query(query) == Settings(prompts=("a & b", "- c"))
    assert moment_query("0123456789abcdef" * 4, 0.0) == {"id": ["0123456789ab"], "time": ["0.000000"]}


def test_an_address_without_settings_says_nothing_of_them() -> None:
    assert settings_of_query({}) is None
    assert settings_of_query({"video": ["x"], "utm": ["y"]}) is None
    assert parse_qs(urlsplit(link("http://x/", None, {"video": "x"})).query) == {"video": ["x"]}


def test_a_link_always_names_its_unit_and_its_confidence() -> None:
    """So that what it does not name can still be told from what a link of before did not name."""
    assert link("http://x/", Settings(), {}) == "http://x/?unit=corrected&confidence=0.95"
    changed = Settings(prompts=("a dog", "pizza"), unit="z", confidence=0.98, threshold=2.0)
    assert settings_query(changed) == [
        ("prompt", "a dog"), ("prompt", "pizza"), ("unit", "z"), ("confidence", "0.98"), ("threshold", "2.0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("prompt=a+dog", Settings(prompts=("a dog",), unit="z", bank_share=95)),
        ("threshold=2.5", Settings(unit="z", threshold=2.5, bank_share=95)),
        ("unit=cosine&threshold=0.3", Settings(unit="cosine", threshold=0.3, bank_share=95)),
        ("unit=cosine&threshold=0.3&bank_share=0", Settings(unit="cosine", threshold=0.3)),
        ("threshold=2.5&bank_share=90", Settings(unit="z", threshold=2.5, bank_share=90)),
        ("bank_share=90", Settings(unit="z", bank_share=90, confidence=0.9)),
        ("unit=percentile&bank_share=98", Settings(unit="percentile", bank_share=98, confidence=0.98)),
        ("prompt=a+dog&bank_share=0", Settings(prompts=("a dog",), unit="z")),
    ],
)
def test_a_link_of_before_means_what_it_meant(query: str, meant: Settings) -> None:
    """Its default unit was z, and moments had to beat 95 % of the bank; there was no confidence."""
    assert settings_of_query(parse_qs(query)) == meant


def test_a_link_in_corrected_scores_is_not_one_of_before() -> None:
    assert settings_of_query(parse_qs("unit=corrected&threshold=0.01")) == Settings(threshold=0.01)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"threshold": ["two"]}, "cannot be read"), ({"threshold": ["NaN"]}, "'threshold' cannot be"),
        ({"unit": ["kelvin"]}, "'unit'"),
        ({"weights": ["[" * 50_000]}, "nested too deeply"), ({"prompt": ["x"] * 201}, "'prompts'"),
        ({"thresholds": ["{}" * 40_000]}, "too long"),
        ({"threshold": ["1" * 5000]}, "'threshold' .* over 1,000 digits"),
        ({"weights": ['{"a": -' + "1" * 50_000 + "}"]}, "'weights' .* over 1,000 digits"),
        ({"bank_share": ["1e999"]}, "'bank_share'"), ({"bank_share": ['"90"']}, "'bank_share'"),
        ({"confidence": ["95"]}, "'confidence'"),
    ],
)  # fmt: skip
def test_links_that_lie(query: dict[str, list[str]], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        settings_of_query(query)
