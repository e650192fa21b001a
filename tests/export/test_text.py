"""Lines, names and times that formats can carry."""

import pytest

from clip_core.export.text import one_line, title_of, xml_text
from clip_core.text import alternatives, clock, full_clock, printable, short_prompt, shorten, single_line
from clip_core.types import Moment


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0.0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3661.2345, "01:01:01.234"), (360_000.0, "100:00:00.000"),
     (-1, "00:00:00.000")],
)  # fmt: skip
def test_clocks(time_s: float, text: str) -> None:
    assert full_clock(time_s) == text


@pytest.mark.parametrize(
    ("time_s", "decimals", "width", "text"),
    [(59.6, 0, 0, "1:00"), (3661.2, 0, 0, "1:01:01"), (12.4, 3, 9, "00:12.400"), (12.4, 3, 11, "0:00:12.400"),
     (3661.2, 3, 9, "1:01:01.200"), (12.44, 1, 0, "0:12.4")],
)  # fmt: skip
def test_clocks_of_other_widths(time_s: float, decimals: int, width: int, text: str) -> None:
    assert clock(time_s, decimals, width) == text


def test_prompts_get_shorter_where_there_is_little_room() -> None:
    long = "a wide establishing shot of a crowded night market in the rain"
    assert short_prompt(long) == "a wide establish…the rain"
    assert len(short_prompt("x" * 5000)) <= 26
    assert short_prompt("a dog") == "a dog"


@pytest.mark.parametrize(
    ("text", "most", "tail", "short"),
    [("abcdef", 6, 0, "abcdef"), ("abcdefg", 6, 0, "abcde…"), ("abcdefg", 6, 2, "abc…fg"), ("abcdefg", 6, 5, "…cdefg")],
)
def test_shorter_texts_say_where_something_is_missing(text: str, most: int, tail: int, short: str) -> None:
    assert shorten(text, most, tail) == short


def test_foreign_words_become_one_printable_line() -> None:
    assert printable("a\x1b[2J\nb") == "a?[2J?b"
    assert single_line(" a\n\t b\x00c " + "d" * 200, 10) == "a b c ddd…"


def test_a_choice_is_told_in_words() -> None:
    assert (alternatives(["a"]), alternatives(["a", "b"]), alternatives("abc")) == ("a", "a or b", "a, b or c")


def test_one_line_has_no_breaks_and_no_controls() -> None:
    assert one_line(" a\r\n\tb\x00\u2028c\x85d\ufffe ") == "a b c d"
    assert xml_text("a\x01\n\ud800\uffff🐕") == "a\n?🐕"


def test_titles_are_never_empty() -> None:
    assert title_of(Moment("a\ndog", 0, 1, 0, 0, 0)) == "a dog"
    assert title_of(Moment("a dog", 0, 1, 0, 0, 0, "left")) == "a dog (left)"
    assert title_of(Moment("\x00", 0, 1, 0, 0, 0)) == "moment"
