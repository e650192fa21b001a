"""Moments as lanes and shades; more of them in test_timeline.py."""

from clip_core.charts.lanes import MOST_LANES, lane_traces, lanes_of, shades
from clip_core.values import Moment
from tests.chart_maker import at, view


def test_each_shade_has_the_ends_and_the_colour_of_its_own_moment() -> None:
    moments = [Moment("pizza", 1.0, 2.0, 1.5, 0.3, 0.3), Moment("a dog", 3.0, 4.5, 3.5, 0.3, 0.3)]
    given = view(moments=moments)
    found = [(shape["x0"], shape["x1"], shape["fillcolor"]) for shape in shades(given)]
    blue, amber = given.colours.prompts[:2]
    assert found == [(at("01.000"), at("02.000"), amber), (at("03.000"), at("04.500"), blue)]
    assert [trace["x"][0] for trace in lane_traces(given)] == [at("03.000"), at("01.000")]


def test_twelve_prompts_have_lanes_and_without_any_there_is_an_empty_one() -> None:
    prompts = tuple(f"p{k}" for k in range(15))
    many = view(prompts=prompts, moments=[Moment(prompt, 1.0, 2.0, 1.5, 0.3, 0.3) for prompt in prompts])
    assert [line.prompt for line in lanes_of(many)] == list(prompts[:MOST_LANES])
    (empty,) = lane_traces(view(moments=[]))
    assert (empty["yaxis"], empty["opacity"]) == ("y3", 0)
