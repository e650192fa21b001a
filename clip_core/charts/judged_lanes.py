"""Truth over findings: two lanes for each prompt under the curves, in which matched, missed and false look different.

A solid bar is matched, a hollow one a missed annotation, a dotted one with a cross a false moment, a pale one was not
judged. They differ in shape: the colours say whose they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from clip_core.charts.view import Bar, BarLook, Figure, Line, Timeline
from clip_core.text import short_prompt

MOST_PROMPTS = 12
LANE_PX, KEY_PX = 10, 14
GROUP = 2.5
"""From one prompt to the next, in lanes: its two, and a gap."""
HALF = 0.38
MOST_SHARE = 0.55
"""The lanes take no more of the chart's height: then they are lower."""
LETTER_PX, LEAST_LEFT_PX, MOST_LEFT_PX = 5.5, 38, 150
KEY = "lanes: truth above, found below · ■ matched · □ missed · ⊠ false"


def judged_lines(view: Timeline) -> list[Line]:
    """The prompts that have lanes: those that are drawn and have a bar, twelve at most."""
    return _with_bars(view)[:MOST_PROMPTS]


def _with_bars(view: Timeline) -> list[Line]:
    prompts = {bar.prompt for bar in view.bars or ()}
    return [line for line in view.lines if line.prompt in prompts]


def judged_px(view: Timeline, height_px: int) -> float:
    """How high all lanes are together, with the line that explains them, of a chart of ``height_px``."""
    wanted = max(1, len(judged_lines(view))) * GROUP * LANE_PX
    return KEY_PX + min(wanted, MOST_SHARE * height_px)


def judged_traces(view: Timeline) -> list[Figure]:
    """The bars, on the axis y3; without any an invisible line, so that the axis is there."""
    traces = []
    for place, line in enumerate(judged_lines(view)):
        own = [bar for bar in view.bars or () if bar.prompt == line.prompt]
        colour = view.colours.colour(line.number)
        for row, lane in enumerate(("truth", "found")):
            for look in ("matched", "missed", "false", "not judged"):
                bars = [bar for bar in own if (bar.lane, bar.look) == (lane, look)]
                if bars:
                    traces += _drawn(view, bars, GROUP * place + row, look, colour)
    none = {"x": view.x_of([0.0]), "y": [0], "line": {"width": 0}, "opacity": 0}
    return traces or [_BASE | {"mode": "lines"} | none]


_BASE: Figure = {"type": "scatter", "yaxis": "y3", "hoverinfo": "skip"}


def _drawn(view: Timeline, bars: Sequence[Bar], y: float, look: BarLook, colour: str) -> list[Figure]:
    """Boxes as one path that is broken between them. Their edges are lines: a short one is seen at any zoom."""
    ends = view.x_of([end for bar in bars for end in (bar.start_s, bar.end_s)])
    x: list[Any] = []
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        x += [start, end, end, start, start, None]
    low, high = y - HALF, y + HALF
    line = {"width": 1.5, "color": colour, "dash": "dot" if look == "false" else "solid"}
    box = _BASE | {"mode": "lines", "x": x, "y": [low, low, high, high, low, None] * len(bars), "line": line}
    if look in ("matched", "not judged"):
        return [box | {"fill": "toself", "fillcolor": colour, "opacity": 1 if look == "matched" else 0.35}]
    if look == "missed":
        return [box]
    middles = view.x_of([(bar.start_s + bar.end_s) / 2 for bar in bars])
    cross = {"symbol": "x-thin", "size": 7, "line": {"width": 1.5, "color": colour}}
    return [box, _BASE | {"mode": "markers", "x": middles, "y": [y] * len(bars), "marker": cross}]


def judged_layout(layout: Figure, view: Timeline, top: float, height_px: int) -> None:
    """Put into a layout what the lanes need: their axis with the names of the prompts, room for these, and a key.

    Args:
        layout: Of the chart; it is changed.
        view: What the chart shows.
        top: Where the lanes end, as a share of the height.
        height_px: What that is a share of.
    """
    layout["yaxis3"] = _axis(view, top, top * height_px)
    layout["margin"] |= {"l": max(layout["margin"]["l"], _left_px(view))}
    layout["annotations"].append(_key(view, top))


def _axis(view: Timeline, top: float, px: float) -> Figure:
    lines = judged_lines(view)
    lanes = GROUP * max(1, len(lines))
    above = lanes * KEY_PX / max(1.0, px - KEY_PX)
    names = [
        f'{escape(short_prompt(line.prompt))} <span style="color:{view.colours.colour(line.number)}">■</span>'
        for line in lines
    ]
    return {
        "domain": [0.0, top], "range": [lanes - GROUP + 1.75, -0.75 - above], "fixedrange": True,
        "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "tickfont": {"size": 10},
        "tickvals": [GROUP * place + 0.5 for place in range(len(lines))], "ticktext": names,
    }  # fmt: skip


def _left_px(view: Timeline) -> int:
    longest = max((len(short_prompt(line.prompt)) for line in judged_lines(view)), default=0)
    return round(max(LEAST_LEFT_PX, min(MOST_LEFT_PX, 22 + LETTER_PX * longest)))


def _key(view: Timeline, top: float) -> Figure:
    """What the lanes are, above them, and how many prompts have none."""
    every, drawn = len(_with_bars(view)), len(judged_lines(view))
    rest = f" · {drawn} of {every} prompts: hide some with the pills to see others" if drawn < every else ""
    place = {"x": 1, "xanchor": "right", "xref": "paper", "y": top, "yanchor": "top", "yref": "paper"}
    look = {"showarrow": False, "font": {"size": 10, "color": view.colours.muted}, "bgcolor": view.colours.background}
    return place | look | {"text": KEY + rest}
