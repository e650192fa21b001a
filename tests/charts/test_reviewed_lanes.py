"""Truth over findings in the lanes of the chart: where each bar stands, and that its look does not hang on colour."""

import plotly.graph_objects as go
import pytest

from clip_core.charts.lanes import GROUP, HALF, MOST_PROMPTS, MOST_SHARE, evaluated_lines, evaluated_traces
from clip_core.charts.panels import panels_of
from clip_core.charts.timeline import live_figure, timeline_figure
from clip_core.charts.view import Bar, Line
from tests.support.chart_maker import at, on_axis, view

BARS = [
    Bar("a dog", 1.0, 2.0, "truth", "matched"),
    Bar("a dog", 5.0, 6.0, "truth", "missed"),
    Bar("a dog", 1.5, 2.5, "found", "matched"),
    Bar("pizza", 3.0, 4.0, "found", "false"),
    Bar("pizza", 7.0, 8.0, "found", "not judged"),
]


def box(start: str, end: str, y: float) -> tuple[list[str | None], list[float | None]]:
    low, high = y - HALF, y + HALF
    return [at(start), at(end), at(end), at(start), at(start), None], [low, low, high, high, low, None]


def test_each_bar_stands_in_its_lane_at_its_time() -> None:
    traces = evaluated_traces(view(bars=BARS))
    assert [(t["x"], t["y"]) for t in traces if t["mode"] == "lines"] == [
        box("01.000", "02.000", 0.0),
        box("05.000", "06.000", 0.0),
        box("01.500", "02.500", 1.0),
        box("03.000", "04.000", GROUP + 1),
        box("07.000", "08.000", GROUP + 1),
    ]


def test_looks_differ_without_their_colours() -> None:
    def shape(trace: dict) -> tuple:
        return trace["mode"], trace.get("fill"), trace.get("opacity", 1), trace.get("line", {}).get("dash")

    matched, missed, found, false, cross, pale = evaluated_traces(view(bars=BARS))
    assert shape(matched) == shape(found) == ("lines", "toself", 1, "solid")
    assert shape(missed) == ("lines", None, 1, "solid")
    assert shape(false) == ("lines", None, 1, "dot")
    assert (cross["mode"], cross["marker"]["symbol"], cross["x"]) == ("markers", "x-thin", [at("03.500")])
    assert shape(pale) == ("lines", "toself", 0.35, "solid")
    (note,) = [n["text"] for n in live_figure(view(bars=BARS))["layout"]["annotations"] if "matched" in n["text"]]
    assert note == "lanes: truth above, found below · ■ matched · □ missed · ⊠ false"


@pytest.mark.parametrize("kind", ["curves", "heat map"])
def test_the_names_stand_beside_their_lanes_and_nothing_overlaps(kind: str) -> None:
    given = view(bars=BARS, height_px=330, kind=kind)
    layout = live_figure(given)["layout"]
    axis = layout["yaxis3"]
    assert [name.split(" <")[0] for name in axis["ticktext"]] == ["a dog", "pizza"]
    assert axis["tickvals"] == [0.5, GROUP + 0.5]
    low, high = axis["range"][1], axis["range"][0]
    assert low < -HALF
    assert high > GROUP + 1 + HALF
    panels = panels_of(given)
    assert 0 < axis["domain"][1] < panels.curves[0]
    assert layout["margin"]["l"] >= 38
    go.Figure(timeline_figure(given))


def test_the_lanes_leave_room_for_the_curves_and_say_who_has_none() -> None:
    prompts = tuple(f"prompt {k}" for k in range(15))
    bars = [Bar(prompt, 1.0, 2.0, "truth", "missed") for prompt in prompts]
    given = view(prompts=prompts, bars=bars, height_px=330)
    assert [line.prompt for line in evaluated_lines(given)] == list(prompts[:MOST_PROMPTS])
    panels = panels_of(given)
    assert panels.curves_px > (1 - MOST_SHARE) * panels.height_px - 25
    texts = [note["text"] for note in live_figure(given)["layout"]["annotations"]]
    assert any("12 of 15 prompts" in text for text in texts)
    hidden = view(prompts=prompts, bars=bars, lines=[Line(prompts[14], 14)])
    assert [line.prompt for line in evaluated_lines(hidden)] == [prompts[14]]


def test_without_bars_the_lanes_are_those_of_the_moments_and_without_any_bar_there_is_an_axis() -> None:
    assert "ticktext" not in live_figure(view())["layout"]["yaxis3"]
    (unseen,) = on_axis(live_figure(view(bars=[])), "y3")
    assert unseen["opacity"] == 0


def test_names_are_text_and_not_markup() -> None:
    given = view(prompts=("<b>x</b>", "pizza"), bars=[Bar("<b>x</b>", 1.0, 2.0, "truth", "missed")])
    assert live_figure(given)["layout"]["yaxis3"]["ticktext"][0].startswith("&lt;b&gt;x&lt;/b&gt; ")
