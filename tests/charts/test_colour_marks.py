"""From the thirteenth prompt on colours repeat: what looks the same is the same prompt."""

from __future__ import annotations

import base64

from clip_core.charts.colours import MARKS, PER_MARK, THEMES, looks_alone, mark_of, swatch_uri
from clip_core.charts.timeline import live_figure
from tests.support.chart_maker import view

PROMPTS = tuple(f"p{k}" for k in range(60))


def test_sixty_prompts_have_sixty_looks_in_swatches_and_in_curves() -> None:
    colours = THEMES["light"]
    assert len(colours.prompts) == len(THEMES["dark"].prompts) == PER_MARK
    assert len({swatch_uri(colours.colour(k), k) for k in range(60)}) == 60
    bold = [trace for trace in live_figure(view(prompts=PROMPTS))["data"] if "prompt" in trace]
    assert len({(curve["line"]["color"], curve["line"]["dash"]) for curve in bold}) == 60
    assert len({curve["swatch"] for curve in bold}) == 60
    assert (mark_of(0).name, mark_of(12).name, mark_of(24).name) == ("", "ring", "bars")
    assert looks_alone(59)
    assert not looks_alone(60)
    assert mark_of(60) == MARKS[0]


def test_heat_map_names_have_the_mark_as_a_letter() -> None:
    names = live_figure(view(prompts=PROMPTS[:25], kind="heat map", height_px=900))["layout"]["yaxis"]["ticktext"]
    assert [name[-len("■</span>") :][0] for name in (names[0], names[12], names[24])] == ["■", "□", "▥"]


def test_bars_of_moments_leave_out_what_the_mark_does() -> None:
    from clip_core.types import Moment

    moments = [Moment(prompt, 1.0, 2.0, 1.5, 0.5, 0.4) for prompt in ("p0", "p12")]
    given = view(prompts=PROMPTS[:13], moments=moments, candidates=[])
    bars = [trace for trace in live_figure(given)["data"] if trace.get("yaxis") == "y3"]
    colours = [trace["line"]["color"] for trace in bars]
    first, paper = THEMES["light"].prompts[0], THEMES["light"].background
    assert colours == [first, first, paper]  # the one of the second dozen is hollow
    assert bars[1]["x"] == bars[2]["x"]
    assert bars[2]["line"]["width"] < bars[1]["line"]["width"]


def test_a_swatch_is_a_picture_of_its_box() -> None:
    drawn = base64.b64decode(swatch_uri("#123456", 13, 20).partition(",")[2]).decode()
    assert 'width="20" height="20"' in drawn
    assert "translate(5 5)" in drawn
    assert "#123456" in drawn
