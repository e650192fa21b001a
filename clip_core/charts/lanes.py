"""Lanes below the curves: moments by prompt, or the comparison with ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clip_core.charts.colours import marked_bars
from clip_core.charts.view import Bar, BarLook, Figure, Line, Timeline
from clip_core.text import short_prompt
from clip_core.types import Moment

LANE_PX = 10
MOST_LANES = 12
CANDIDATE_OPACITY = 0.35
MOST_SHADES = 300
"""Above this many moments only the lanes are drawn, because plotly is slow with shapes."""
WHOLE = 0.95
"""A moment that covers this share of the video is not shaded: eight such shades would blend into a murky colour."""


def lanes_of(view: Timeline) -> list[Line]:
    """Return the drawn prompts that have a lane, in order: at most twelve, preferring those with moments."""
    sure, maybe = ({moment.prompt for moment in moments} for moments in (view.moments, view.candidates))
    flagged = [line for line in view.lines if line.prompt in sure | maybe]
    first = sorted(flagged, key=lambda line: line.prompt not in sure)[:MOST_LANES]
    return [line for line in flagged if line in first]


def lane_traces(view: Timeline) -> list[Figure]:
    """Return a broken line for each lane, on axis y3; without lanes an invisible one, so that the axis exists."""
    base: Figure = {"type": "scatter", "mode": "lines", "yaxis": "y3", "hoverinfo": "skip"}
    traces = []
    for row, lane in enumerate(lanes_of(view)):
        for moments, look in ((view.moments, {}), (view.candidates, {"opacity": CANDIDATE_OPACITY})):
            own = [(m.start_s, m.end_s) for m in moments if m.prompt == lane.prompt]
            traces += bar_traces(view, lane, own, base | look, row, 6)
    return traces or [base | {"x": view.x_of([0.0]), "y": [0], "line": {"width": 0}, "opacity": 0}]


def bar_traces(
    view: Timeline, line: Line, pairs_s: Sequence[tuple[float, float]], base: Figure, y: float, width_px: float
) -> list[Figure]:
    """Return intervals of a prompt as one broken thick line at ``y`` with the prompt's mark; nothing for none."""
    if not pairs_s:
        return []
    x, stroke = view.stretches(pairs_s), {"width": width_px, "color": view.colour(line)}
    trace = base | {"x": x, "y": [y, y, None] * len(pairs_s), "line": stroke}
    return marked_bars(trace, line.number, view.colours.background)


def shades(view: Timeline) -> list[Figure]:
    """Return the shades of the part without dense samples (grey), of moments, and of candidates.

    Moments have their prompts' colours; candidates are fainter, with dotted edges.
    """
    shapes = []
    if view.unfinished is not None:
        start, end = view.x_of([view.unfinished.start_s, view.end_s])
        shapes.append(_rect(start, end, view.colours.muted, 0.10))
    if view.kind == "curves":
        moments, candidates = (_shaded(every, view) for every in (view.moments, view.candidates))
        if len(moments) <= MOST_SHADES:
            shapes += [_rect(x0, x1, colour, 0.12) for x0, x1, colour in moments]
            for x0, x1, colour in candidates[:MOST_SHADES]:
                shapes.append(_rect(x0, x1, colour, 0.05) | {"line": {"width": 1, "dash": "dot", "color": colour}})
    return shapes


def _shaded(moments: Sequence[Moment], view: Timeline) -> list[tuple[Any, Any, str]]:
    """Return (start, end, colour) of the moments of drawn prompts that do not cover the whole video."""
    colours = {line.prompt: view.colour(line) for line in view.lines}
    drawn = [m for m in moments if m.prompt in colours and m.duration_s < WHOLE * view.end_s]
    pairs = view.x_pairs([(m.start_s, m.end_s) for m in drawn])
    return [(start, end, colours[m.prompt]) for (start, end), m in zip(pairs, drawn, strict=True)]


def _rect(x0: Any, x1: Any, colour: str, opacity: float) -> Figure:  # noqa: ANN401
    return {
        "type": "rect", "layer": "below", "xref": "x", "yref": "paper", "x0": x0, "x1": x1, "y0": 0, "y1": 1,
        "fillcolor": colour, "opacity": opacity, "line": {"width": 0},
    }  # fmt: skip


MOST_PROMPTS = 12
EVALUATED_LANE_PX, KEY_PX = 10, 14
GROUP = 2.5
"""Distance from one prompt to the next, in lanes: its two lanes and a gap."""
HALF = 0.38
MOST_SHARE = 0.55
"""The lanes take at most this share of the chart's height; beyond it they get thinner."""
LETTER_PX, LEAST_LEFT_PX, MOST_LEFT_PX = 5.5, 38, 150
KEY = "lanes: truth above, found below · ■ matched · □ missed · ⊠ false"


def evaluated_lines(view: Timeline) -> list[Line]:
    """Return the prompts that have lanes: at most twelve of those that are drawn and have a bar."""
    return _with_bars(view)[:MOST_PROMPTS]


def _with_bars(view: Timeline) -> list[Line]:
    prompts = {bar.prompt for bar in view.bars or ()}
    return [line for line in view.lines if line.prompt in prompts]


def evaluated_px(view: Timeline, height_px: int) -> float:
    """Return the height of all lanes and of the line that explains them, in a chart of ``height_px``."""
    lanes_px = max(1, len(evaluated_lines(view))) * GROUP * EVALUATED_LANE_PX
    return KEY_PX + min(lanes_px, MOST_SHARE * height_px)


def evaluated_traces(view: Timeline) -> list[Figure]:
    """Return the bars, on axis y3; without bars an invisible line, so that the axis exists."""
    traces = []
    for place, line in enumerate(evaluated_lines(view)):
        own = [bar for bar in view.bars or () if bar.prompt == line.prompt]
        colour = view.colour(line)
        for row, lane in enumerate(("truth", "found")):
            for look in ("matched", "missed", "false", "not judged"):
                bars = [bar for bar in own if (bar.lane, bar.look) == (lane, look)]
                if bars:
                    traces += _drawn(view, bars, GROUP * place + row, look, colour)
    none = {"x": view.x_of([0.0]), "y": [0], "line": {"width": 0}, "opacity": 0}
    return traces or [_BASE | {"mode": "lines"} | none]


_BASE: Figure = {"type": "scatter", "yaxis": "y3", "hoverinfo": "skip"}


def _drawn(view: Timeline, bars: Sequence[Bar], y: float, look: BarLook, colour: str) -> list[Figure]:
    """Return boxes as one path with breaks. Their edges are lines, so that a short box is visible at any zoom."""
    pairs = view.x_pairs([(bar.start_s, bar.end_s) for bar in bars])
    x = [at for start, end in pairs for at in (start, end, end, start, start, None)]
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


def evaluated_layout(layout: Figure, view: Timeline, top: float, height_px: int) -> None:
    """Add what the lanes need to a layout: their axis with prompt names, a margin for the names, and a key.

    Args:
        layout: The layout of the chart; it is changed.
        view: What the chart shows.
        top: Upper end of the lanes, as a share of the height.
        height_px: The height of the chart.
    """
    layout["yaxis3"] = _axis(view, top, top * height_px)
    longest = max((len(short_prompt(line.prompt)) for line in evaluated_lines(view)), default=0)
    left_px = round(min(MOST_LEFT_PX, 22 + LETTER_PX * longest))
    layout["margin"] |= {"l": max(layout["margin"]["l"], LEAST_LEFT_PX, left_px)}
    layout["annotations"].append(_key(view, top))


def _axis(view: Timeline, top: float, px: float) -> Figure:
    lines = evaluated_lines(view)
    lanes = GROUP * max(1, len(lines))
    above = lanes * KEY_PX / max(1.0, px - KEY_PX)
    names = [view.name_with("■", line) for line in lines]
    return {
        "domain": [0.0, top], "range": [lanes - GROUP + 1.75, -0.75 - above], "fixedrange": True,
        "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "tickfont": {"size": 10},
        "tickvals": [GROUP * place + 0.5 for place in range(len(lines))], "ticktext": names,
    }  # fmt: skip


def _key(view: Timeline, top: float) -> Figure:
    """Return the note above the lanes: what they show, and how many prompts have none."""
    every, drawn = len(_with_bars(view)), len(evaluated_lines(view))
    rest = f" · {drawn} of {every} prompts: hide some with the pills to see others" if drawn < every else ""
    place = {"x": 1, "xanchor": "right", "xref": "paper", "y": top, "yanchor": "top", "yref": "paper"}
    look = {"showarrow": False, "font": {"size": 10, "color": view.colours.muted}, "bgcolor": view.colours.background}
    return place | look | {"text": KEY + rest}
