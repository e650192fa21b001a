"""Lines, names and times that formats can carry."""

import pytest

from clip_core.export.text import hms, one_line, title_of, xml_text
from clip_core.values import Moment


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0.0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3661.2345, "01:01:01.234"), (360_000.0, "100:00:00.000"),
     (-1, "00:00:00.000")],
)  # fmt: skip
def test_clocks(time_s: float, text: str) -> None:
    assert hms(time_s) == text
    assert hms(time_s, ",") == text.replace(".", ",")


def test_one_line_has_no_breaks_and_no_controls() -> None:
    assert one_line(" a\r\n\tb\x00\u2028c\x85d\ufffe ") == "a b c d"
    assert xml_text("a\x01\n\ud800\uffff🐕") == "a\n?🐕"


def test_titles_are_never_empty() -> None:
    assert title_of(Moment("a\ndog", 0, 1, 0, 0, 0)) == "a dog"
    assert title_of(Moment("a dog", 0, 1, 0, 0, 0, "left")) == "a dog (left)"
    assert title_of(Moment("\x00", 0, 1, 0, 0, 0)) == "moment"
