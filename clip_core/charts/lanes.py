"""The moments: a lane for each prompt under the curves, and shades behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clip_core.charts.colour_marks import marked_bars
from clip_core.charts.view import Figure, Line, Timeline
from clip_core.values import Moment

LANE_PX = 10
MOST_LANES = 12
CANDIDATE_OPACITY = 0.35
MOST_SHADES = 300
"""Above this many moments only the lanes are drawn: plotly is slow with shapes."""
WHOLE = 0.95
"""What covers this share of the video is only a lane: as shades, eight such prompts are one murky colour."""


def lanes_of(view: Timeline) -> list[Line]:
    """The drawn prompts that have a lane, in their order: twelve at most, those with moments before others."""
    sure, maybe = ({moment.prompt for moment in moments} for moments in (view.moments, view.candidates))
    flagged = [line for line in view.lines if line.prompt in sure | maybe]
    first = sorted(flagged, key=lambda line: line.prompt not in sure)[:MOST_LANES]
    return [line for line in flagged if line in first]


def lane_traces(view: Timeline) -> list[Figure]:
    """A broken line for each lane, on the axis y3; without any an invisible one, so that the axis is there."""
    base = {"type": "scatter", "mode": "lines", "yaxis": "y3", "hoverinfo": "skip"}
    lanes = lanes_of(view)
    if not lanes:
        return [base | {"x": view.x_of([0.0]), "y": [0], "line": {"width": 0}, "opacity": 0}]
    traces = []
    for row, lane in enumerate(lanes):
        line = {"width": 6, "color": view.colours.colour(lane.number)}
        for moments, look in ((view.moments, {}), (view.candidates, {"opacity": CANDIDATE_OPACITY})):
            x = view.stretches([(m.start_s, m.end_s) for m in moments if m.prompt == lane.prompt])
            if x:
                bars = base | look | {"x": x, "y": [row, row, None] * (len(x) // 3), "line": line}
                traces += marked_bars(bars, lane.number, view.colours.background)
    return traces


def shades(view: Timeline) -> list[Figure]:
    """What is not densely sampled on grey, and the moments in their colours behind the curves."""
    found = []
    if view.unfinished is not None:
        start, end = view.x_of([view.unfinished.start_s, view.end_s])
        found.append(_rect(start, end, view.colours.muted, 0.10))
    moments = _within(view.shown_moments, view)
    if len(moments) <= MOST_SHADES and view.kind == "curves":
        colours = {line.prompt: view.colours.colour(line.number) for line in view.lines}
        x = view.x_of([end for m in moments for end in (m.start_s, m.end_s)])
        ends = zip(x[::2], x[1::2], moments, strict=True)
        found += [_rect(x0, x1, colours[m.prompt], 0.12) for x0, x1, m in ends]
        found += _outlines(view, colours)
    return found


def _within(moments: Sequence[Moment], view: Timeline) -> list[Moment]:
    """Those that do not cover the whole video."""
    return [moment for moment in moments if moment.duration_s < WHOLE * view.end_s]


def _outlines(view: Timeline, colours: Mapping[str, str]) -> list[Figure]:
    """Candidates: hardly shaded, with dotted edges."""
    candidates = _within(view.shown_candidates, view)[:MOST_SHADES]
    x = view.x_of([end for m in candidates for end in (m.start_s, m.end_s)])
    return [
        _rect(x0, x1, colours[m.prompt], 0.05) | {"line": {"width": 1, "dash": "dot", "color": colours[m.prompt]}}
        for x0, x1, m in zip(x[::2], x[1::2], candidates, strict=True)
    ]


def _rect(x0: Any, x1: Any, colour: str, opacity: float) -> Figure:  # noqa: ANN401
    return {
        "type": "rect", "layer": "below", "xref": "x", "yref": "paper", "x0": x0, "x1": x1, "y0": 0, "y1": 1,
        "fillcolor": colour, "opacity": opacity, "line": {"width": 0},
    }  # fmt: skip
