"""Moments as lanes and shades; more of them in test_timeline.py."""

from dataclasses import replace

from clip_core.charts.lanes import CANDIDATE_OPACITY, MOST_LANES, lane_traces, lanes_of, shades
from clip_core.charts.view import Line
from clip_core.types import Moment
from tests.support.chart_maker import at, view


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


MOMENT = Moment("a dog", 1.0, 2.0, 1.5, 0.3, 0.3)
MAYBE = [
    Moment("a dog", 3.0, 4.0, 3.5, 0.25, 0.2, "candidate"),
    Moment("pizza", 5.0, 6.5, 6.0, 0.2, 0.2, "candidate"),
]


def test_candidates_are_pale_in_the_lane_of_their_prompt() -> None:
    given = view(moments=[MOMENT], candidates=MAYBE)
    assert [line.prompt for line in lanes_of(given)] == ["a dog", "pizza"]
    blue, amber = given.colours.prompts[:2]
    drawn = [(t["x"], t["y"], t["line"]["color"], t.get("opacity", 1)) for t in lane_traces(given)]
    assert drawn == [
        ([at("01.000"), at("02.000"), None], [0, 0, None], blue, 1),
        ([at("03.000"), at("04.000"), None], [0, 0, None], blue, CANDIDATE_OPACITY),
        ([at("05.000"), at("06.500"), None], [1, 1, None], amber, CANDIDATE_OPACITY),
    ]


def test_candidates_are_shaded_faintly_within_dots() -> None:
    given = view(moments=[MOMENT], candidates=MAYBE)
    sure, *pale = shades(given)
    assert (sure["x0"], sure["opacity"], sure["line"]) == (at("01.000"), 0.12, {"width": 0})
    assert [(s["x0"], s["x1"], s["fillcolor"], s["opacity"], s["line"]["dash"]) for s in pale] == [
        (at("03.000"), at("04.000"), given.colours.prompts[0], 0.05, "dot"),
        (at("05.000"), at("06.500"), given.colours.prompts[1], 0.05, "dot"),
    ]


def test_candidates_of_a_prompt_that_is_not_drawn_are_left_out() -> None:
    given = view(moments=[MOMENT], candidates=MAYBE, lines=[Line("a dog", 0)])
    assert [line.prompt for line in lanes_of(given)] == ["a dog"]
    assert [shape["x0"] for shape in shades(given)] == [at("01.000"), at("03.000")]


def test_what_covers_the_whole_video_is_a_lane_and_no_shade() -> None:
    end_s = view().end_s
    whole = [Moment(prompt, 0.0, end_s, 1.0, 0.3, 0.3, "candidate") for prompt in ("a dog", "pizza")]
    given = view(moments=[replace(whole[0], end_s=0.94 * end_s)], candidates=whole)
    assert [(shape["x0"], shape["opacity"]) for shape in shades(given)] == [(at("00.000"), 0.12)]
    assert [line.prompt for line in lanes_of(given)] == ["a dog", "pizza"]
    assert len(lane_traces(given)) == 3


def test_of_many_prompts_those_with_moments_have_their_lanes() -> None:
    prompts = tuple(f"p{k}" for k in range(20))
    sure = [Moment(prompt, 1.0, 2.0, 1.5, 0.3, 0.3) for prompt in prompts[15:]]
    maybe = [Moment(prompt, 3.0, 4.0, 3.5, 0.3, 0.3, "candidate") for prompt in prompts]
    lanes = lanes_of(view(prompts=prompts, moments=sure, candidates=maybe))
    assert [line.prompt for line in lanes] == [*prompts[:7], *prompts[15:]]
