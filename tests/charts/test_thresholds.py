"""Thresholds: one line for all, or one for each prompt."""

import pytest

from clip_core.charts.colours import THEMES
from clip_core.charts.timeline import live_figure
from clip_core.charts.view import Line
from tests.support.chart_maker import view

BLUE, AMBER = THEMES["light"].prompts[:2]


def lines(**changes: object) -> list[tuple]:
    shapes = live_figure(view(moments=[], **changes))["layout"]["shapes"]
    return [(s["y0"], s["line"]["color"], s.get("opacity", 1), s["x0"]) for s in shapes]


def words(**changes: object) -> list[str]:
    return [note["text"] for note in live_figure(view(moments=[], **changes))["layout"]["annotations"]]


def test_equal_ones_are_one_line_in_the_text_colour_as_without_any_of_their_own() -> None:
    text = THEMES["light"].text
    same = {"a dog": 0.25, "pizza": 0.25}
    assert lines(thresholds=same) == lines(threshold=0.25) == [(0.25, text, 1, 0)]
    assert words(thresholds=same) == ["threshold 0.250"]
    assert lines(thresholds={"pizza": 0.2}) == [(0.2, text, 1, 0)]


def test_different_ones_are_lines_in_their_prompts_colours_and_told_by_their_ends() -> None:
    own = {"a dog": 0.25, "pizza": 0.3, "unknown": 0.1}
    assert lines(thresholds=own) == [(0.25, BLUE, 0.75, 0), (0.3, AMBER, 0.75, 0)]
    assert words(thresholds=own) == ["thresholds 0.250 – 0.300"]
    assert words(thresholds={"a dog": 0.25, "pizza": 0.2501}) == ["thresholds 0.250"]
    assert lines(thresholds=own, lines=[Line("pizza", 1)]) == [(0.3, THEMES["light"].text, 1, 0)]


def test_many_different_ones_are_marks_at_the_end_and_one_outside_of_the_range_has_none() -> None:
    prompts = tuple(f"p{k}" for k in range(14))
    own = {prompt: 0.2 + k / 100 for k, prompt in enumerate(prompts)} | {"p0": 7.0}
    found = lines(prompts=prompts, thresholds=own)
    assert len(found) == 13
    assert {x0 for *_, x0 in found} == {0.98}
    assert (found[0][0], found[0][1]) == (pytest.approx(0.21), AMBER)


def test_without_any_there_is_neither_a_line_nor_a_word() -> None:
    assert (lines(thresholds={}), words(thresholds={})) == ([], [])
    assert (lines(kind="heat map"), words(kind="heat map")) == ([], [])


@pytest.mark.parametrize(
    ("offsets", "drawn"),
    [
        ({"a dog": 0.2, "pizza": 0.2}, [(0.2, 0.45), (0.3, 1)]),
        ({"a dog": 0.3, "pizza": 0.3}, [(0.3, 1)]),
        ({"a dog": 0.4, "pizza": 0.4}, [(0.3, 1)]),
        ({"a dog": 0.2, "pizza": 0.25}, [(0.3, 1)]),
        ({}, [(0.3, 1)]),
    ],
)
def test_the_end_of_moments_is_a_fainter_line_where_it_is_one_lower_number(offsets: dict, drawn: list) -> None:
    assert [(y, opacity) for y, _, opacity, _ in lines(threshold=0.3, offsets=offsets)] == drawn
