"""Times and texts as people write them."""

import unicodedata

import pytest

from clip_core.text import clean_prompt, counted, parse_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12.5", 12.5),
        (" 12,5 ", 12.5),
        ("0", 0.0),
        (".5", 0.5),
        ("+3", 3.0),
        ("1e2", 100.0),
        ("1:02.5", 62.5),
        ("00:01:02.500", 62.5),
        ("01:01:02,250", 3662.25),
        ("90:00", 5400.0),
    ],
)
def test_a_time_is_read(text: str, expected: float) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-1",
        "nan",
        "inf",
        "1e99",
        "1:60",
        "1:2:3:4",
        "1:-2",
        "0x10",
        "1_000",
        "٣",
        "9" * 5000,
        "1e8",
        ":30",
        "1 2",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_time(text) is None


def test_a_prompt_is_cleaned_as_prompts_are_kept() -> None:
    assert clean_prompt("  cafe\u0301 ") == "caf\u00e9"
    assert clean_prompt("a\udcffb") == "a?b"


@pytest.mark.timeout(60)  # without the limit this takes hours: sorting marks is quadratic
def test_endless_accents_are_cut_and_normal_ones_stay() -> None:
    marks = "\u0301\u0323"
    cleaned = clean_prompt("a" + marks * 1_000_000 + "q" + marks * 1_000_000)
    assert cleaned.count("q") == 1
    assert sorted(cleaned) == sorted(unicodedata.normalize("NFC", "a" + marks * 15 + "q" + marks * 15))
    assert clean_prompt(cleaned) == cleaned
    for text in ("Việt Nam", "שָׁלוֹם", "नमस्ते", "각", "e" + "\u0301" * 30, "🧑🏽\u200d💻"):
        assert clean_prompt(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("count", "nouns", "expected"),
    [(0, ("moment",), "0 moments"), (1, ("moment",), "1 moment"), (1200, ("moment",), "1,200 moments"),
     (1, ("video is", "videos are"), "1 video is"), (2, ("video is", "videos are"), "2 videos are")],
)  # fmt: skip
def test_a_count_agrees_with_its_noun(count: int, nouns: tuple[str, ...], expected: str) -> None:
    assert counted(count, *nouns) == expected
