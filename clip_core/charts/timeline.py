"""The chart under the viewer: curves, threshold, moments and playhead as one plotly figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from clip_core.charts.axes import frame_axis, instants, score_ticks, time_axis
from clip_core.charts.inline import with_points
from clip_core.charts.labels import plotly_text, short
from clip_core.charts.palette import THEMES, Theme, ThemeName
from clip_core.values import Floats, Moment, Scores

AxisName: TypeAlias = Literal["m:ss", "Frames"]
Figure: TypeAlias = dict[str, Any]

LANE_PX = 10
MARGINS_PX = 30
MOST_LANES = 12
MOST_SHADES = 300
"""Above this many moments only the lanes are drawn: plotly is slow with shapes."""
_HIDDEN = {"visible": False, "fixedrange": True}


@dataclass(frozen=True)
class Line:
    """One prompt to draw: its text and its number, which gives its colour."""

    prompt: str
    number: int


@dataclass(frozen=True)
class Unfinished:
    """The part of the video that is not (or cannot be) densely sampled, and what to say of it."""

    start_s: float
    note: str
    end_s: float = 0.0
    """Where the video would end, if that is later than its samples do."""


@dataclass(frozen=True)
class Timeline:
    """All that the chart shows.

    Attributes:
        scores: Raw scores.
        smoothed: float32 of the same shape, the curves to draw bold.
        moments: Flagged moments; those of prompts that are not drawn are left out.
        lines: The prompts to draw, in order.
        threshold: In the unit of the scores.
        score_range: Limits of the score axis.
        cursor_s, cursor_frame: Where the playhead stands; a player draws it itself.
        theme, axis, height_px, raw: How it looks; ``raw`` draws the unsmoothed samples thinly.
        stamp: Changes with each accepted click, so that the same click again is a new one.
        unfinished: What lies on grey, or None.
    """

    scores: Scores
    smoothed: Floats
    moments: Sequence[Moment]
    lines: Sequence[Line]
    threshold: float
    score_range: tuple[float, float]
    cursor_s: float = 0.0
    cursor_frame: int = 0
    theme: ThemeName = "light"
    axis: AxisName = "m:ss"
    height_px: int = 430
    raw: bool = True
    stamp: int = 0
    unfinished: Unfinished | None = None

    @property
    def end_s(self) -> float:
        """Where the axis of time ends."""
        return max(self.scores.end_s, self.unfinished.end_s if self.unfinished is not None else 0.0)

    def x_of(self, times_s: Sequence[float]) -> list[Any]:
        """Put times on the x axis: instants of 1970 on its date axis, or frame numbers."""
        if self.axis == "m:ss":
            return instants(np.asarray(times_s))
        known, numbers = self.scores.times_s, self.scores.frames
        return [round(float(x), 3) for x in np.interp(times_s, known, numbers)] if len(known) else [0.0] * len(times_s)

    @property
    def shown_moments(self) -> list[Moment]:
        """The moments of the prompts that are drawn."""
        drawn = {line.prompt for line in self.lines}
        return [moment for moment in self.moments if moment.prompt in drawn]


def timeline_figure(view: Timeline) -> Figure:
    """Return the figure as a plain dict that plotly.js (1.58 or newer) draws as it is."""
    theme, figure = THEMES[view.theme], live_figure(view)
    traces = [_for_plotly(trace) if "curve" in trace else trace for trace in figure["data"]]
    curves, x = with_points(traces, view.scores, view.smoothed, frames=view.axis == "Frames")
    figure["data"] = [*curves, _stamp(x, view.stamp)]
    figure["layout"] |= _pointer(theme) | {"yaxis2": _HIDDEN | {"overlaying": "y"}}
    figure["layout"]["shapes"].append(_playhead(view, theme))
    return figure


def live_figure(view: Timeline) -> Figure:
    """Return the figure for a player, which draws the curves and the playhead itself and follows the pointer.

    A curve is ``{"curve": ["raw" or "smoothed", column], "line": {"color", "width", "dash"}}``, a faint one with an
    "opacity", one that answers to the pointer with its "prompt": the text to show, shortened, as it was typed. What
    has no "curve" is a trace of plotly's.
    """
    theme = THEMES[view.theme]
    lanes = _lanes(view)
    lane_share = max(1, len(lanes)) * LANE_PX / (view.height_px - MARGINS_PX)
    data = [*_curves(view, theme), *_lane_traces(view, theme, lanes)]
    layout = _layout(view, theme, lane_share, max(1, len(lanes)))
    layout["shapes"] = [*_shades(view, theme), *_threshold(view, theme)]
    layout["annotations"] = _notes(view, theme, lane_share)
    return {"data": data, "layout": layout}


def _for_plotly(curve: Figure) -> Figure:
    """Add what plotly draws a curve by; its points are still missing."""
    rest = {key: value for key, value in curve.items() if key != "prompt"}
    if "prompt" not in curve:
        return rest | {"type": "scatter", "mode": "lines", "hoverinfo": "skip"}
    named = {"name": plotly_text(curve["prompt"]), "hovertemplate": "%{y:.3f}"}
    return rest | {"type": "scatter", "mode": "lines"} | named


def _pointer(theme: Theme) -> Figure:
    """How plotly's own box under the pointer looks."""
    label = {"bgcolor": theme.background, "bordercolor": theme.grid, "font": {"color": theme.text, "size": 11}}
    return {"hovermode": "x unified", "hoverdistance": -1, "hoverlabel": label}


def _curves(view: Timeline, theme: Theme) -> list[Figure]:
    """Thin raw lines first, bold smoothed ones over them; only the bold ones answer to the pointer."""
    thin, bold = [], []
    for line in view.lines:
        column, colour = view.scores.prompts.index(line.prompt), theme.colour(line.number)
        if view.raw:
            thin.append({"curve": ["raw", column], "line": {"width": 1, "color": colour}, "opacity": 0.22})
        style = {"width": 1.8, "color": colour, "dash": "solid" if line.number < len(theme.prompts) else "dash"}
        bold.append({"curve": ["smoothed", column], "line": style, "prompt": short(line.prompt)})
    return [*thin, *bold]


def _stamp(x: list[Any], stamp: int) -> Figure:
    """An invisible line whose height counts the clicks: it makes the same click twice two events."""
    x = x or [0]
    hidden = {"yaxis": "y2", "opacity": 0, "hoverinfo": "none"}  # "skip" would keep it out of the click
    return {"type": "scatter", "mode": "lines", "x": x, "y": [stamp] * len(x), "line": {"width": 0}} | hidden


def _lanes(view: Timeline) -> list[Line]:
    flagged = {moment.prompt for moment in view.moments}
    return [line for line in view.lines if line.prompt in flagged][:MOST_LANES]


def _lane_traces(view: Timeline, theme: Theme, lanes: list[Line]) -> list[Figure]:
    base = {"type": "scatter", "mode": "lines", "yaxis": "y3", "hoverinfo": "skip"}
    if not lanes:
        return [base | {"x": view.x_of([0.0]), "y": [0], "line": {"width": 0}, "opacity": 0}]
    traces = []
    for row, lane in enumerate(lanes):
        x: list[Any] = []
        for moment in view.moments:
            if moment.prompt == lane.prompt:
                x += [*view.x_of([moment.start_s, moment.end_s]), None]
        y = [row, row, None] * (len(x) // 3)
        traces.append(base | {"x": x, "y": y, "line": {"width": 6, "color": theme.colour(lane.number)}})
    return traces


def _rect(view: Timeline, start_s: float, end_s: float, colour: str, opacity: float) -> Figure:
    x0, x1 = view.x_of([start_s, end_s])
    return {
        "type": "rect", "layer": "below", "xref": "x", "yref": "paper", "x0": x0, "x1": x1, "y0": 0, "y1": 1,
        "fillcolor": colour, "opacity": opacity, "line": {"width": 0},
    }  # fmt: skip


def _shades(view: Timeline, theme: Theme) -> list[Figure]:
    shades = []
    if view.unfinished is not None:
        shades.append(_rect(view, view.unfinished.start_s, view.end_s, theme.muted, 0.10))
    moments = view.shown_moments
    if len(moments) <= MOST_SHADES:
        colours = {line.prompt: theme.colour(line.number) for line in view.lines}
        shades += [_rect(view, m.start_s, m.end_s, colours[m.prompt], 0.12) for m in moments]
    return shades


def _threshold(view: Timeline, theme: Theme) -> list[Figure]:
    """In the text colour, as the playhead: colour is for prompts."""
    if not view.score_range[0] <= view.threshold <= view.score_range[1]:
        return []
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": view.threshold, "y1": view.threshold}
    return [{"type": "line", "line": {"color": theme.text, "width": 1, "dash": "dot"}} | place]


def _playhead(view: Timeline, theme: Theme) -> Figure:
    x = view.x_of([view.cursor_s])[0] if view.axis == "m:ss" else float(view.cursor_frame)
    place = {"xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
    return {"type": "line", "line": {"color": theme.text, "width": 1.5}} | place


def _notes(view: Timeline, theme: Theme, lane_share: float) -> list[Figure]:
    low, high = view.score_range
    font = {"size": 11, "color": theme.muted}
    base = {"xref": "paper", "showarrow": False, "font": font, "bgcolor": theme.background}
    text, place = f"threshold {view.threshold:.3f}", {"yref": "y", "y": view.threshold, "yanchor": "bottom"}
    if view.threshold > high:
        text, place = text + " ↑", {"yref": "paper", "y": 1, "yanchor": "top"}
    elif view.threshold < low:
        text, place = text + " ↓", {"yref": "paper", "y": lane_share + 0.02, "yanchor": "bottom"}
    notes = [base | {"x": 1, "xanchor": "right", "text": text} | place]
    if view.unfinished is not None:
        corner = {"x": 0.99, "xanchor": "right", "yref": "paper", "y": 0.94, "yanchor": "top"}
        notes.append(base | corner | {"text": plotly_text(view.unfinished.note)})
    return notes


def _layout(view: Timeline, theme: Theme, lane_share: float, lanes: int) -> Figure:
    last = int(view.scores.frames[-1]) if len(view.scores) else 1
    x = time_axis(view.end_s) if view.axis == "m:ss" else frame_axis(last)
    y = {"range": list(view.score_range), "domain": [lane_share + 0.02, 1], "tickformat": ".2f"}
    y["tickvals"] = score_ticks(*view.score_range)
    return {
        "template": "none", "uirevision": "k", "autosize": True, "height": view.height_px, "showlegend": False,
        "hovermode": False,
        "paper_bgcolor": theme.background, "plot_bgcolor": theme.background,
        "font": {"color": theme.muted, "size": 11, "family": "Source Sans, Source Sans Pro, Arial, sans-serif"},
        "margin": {"l": 38, "r": 16, "t": 4, "b": 22},
        "xaxis": x | {"gridcolor": theme.grid, "zeroline": False, "showline": False, "anchor": "y3"},
        "yaxis": y | {"gridcolor": theme.grid, "zeroline": False, "fixedrange": True},
        "yaxis3": _HIDDEN | {"domain": [0, lane_share], "range": [lanes - 0.5, -0.5]},
    }  # fmt: skip
