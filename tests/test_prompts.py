"""Prompts, from a typed line to a typed line."""

import pytest

from clip_core.prompts import Prompt, parse_prompt, parse_prompts
from clip_core.settings import Settings


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("  cafe\u0301 ", Prompt("caf\u00e9")), ("- a person", Prompt("a person", negative=True)),
        (" -  a person ", Prompt("a person", negative=True)), ("-5 °C", Prompt("-5 °C")), ("", None), (" - ", None),
        ("-", None), ("- - a", Prompt("- a", negative=True)),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, prompt: Prompt | None) -> None:
    assert parse_prompt(line) == prompt


def test_each_prompt_is_taken_once_with_its_weight() -> None:
    found = parse_prompts(["a dog", "- a person", "a dog ", "pizza"], {"pizza": 2.0})
    assert found == (Prompt("a dog"), Prompt("a person", negative=True), Prompt("pizza", weight=2.0))
    assert [prompt.line for prompt in found] == ["a dog", "- a person", "pizza"]


def test_settings_parse_their_lines_once() -> None:
    settings = Settings(prompts=("- a person", "a dog"), weights={"a person": 3.0})
    assert settings.parsed == (Prompt("a person", negative=True, weight=3.0), Prompt("a dog"))
    assert settings.parsed is settings.parsed
    assert settings == Settings(prompts=("- a person", "a dog"), weights={"a person": 3.0})
