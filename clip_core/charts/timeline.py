"""The chart under the viewer as one plotly figure, assembled from the other modules of this package."""

from __future__ import annotations

from html import escape
from typing import Any

from clip_core.charts.colours import mark_of
from clip_core.charts.heat_map import heat_curves, heat_layout, heat_scale, heat_traces, scale_trace
from clip_core.charts.inline import with_points
from clip_core.charts.lanes import evaluated_layout, evaluated_traces, lane_traces, lanes_of, shades
from clip_core.charts.panels import Panels, panel_axes, panel_notes, panel_traces, panels_of
from clip_core.charts.thresholds import threshold_lines, threshold_note
from clip_core.charts.view import (
    AXIS_TITLES,
    Figure,
    Timeline,
    frame_axis,
    ribbon_curves,
    ribbon_traces,
    score_ticks,
    tick_texts,
    time_axis,
)
from clip_core.text import value_decimals

LEFT_PX = 54
NOTES_PX = 16
"""Space above the curves for notes on the thresholds and on the part that is not sampled yet."""
_HIDDEN = {"visible": False, "fixedrange": True}


def timeline_figure(view: Timeline, *, every_sample: bool = False) -> Figure:
    """Return the figure as a plain dict that plotly.js (1.58 or newer) draws as it is.

    Args:
        view: What to draw.
        every_sample: Whether curves have a point for each sample; otherwise as many as can be sent at each rerun.
    """
    live = live_figure(view)
    traces = [drawn for trace in live["data"] for drawn in _for_plotly(trace, view)]
    data, x = with_points(view, traces, every_sample=every_sample)
    figure: Figure = {"data": data, "layout": live["layout"]}
    if view.kind == "curves":
        figure["data"].append(_stamp(x, view.stamp))
        figure["layout"] |= {"yaxis2": _HIDDEN | {"overlaying": "y"}}
    figure["layout"] |= _pointer(view)
    figure["layout"]["shapes"].append(_playhead(view))
    return figure


def still_figure(view: Timeline) -> Figure:
    """Return ``timeline_figure`` for a file: with every sample and without a playhead."""
    figure = timeline_figure(view, every_sample=True)
    figure["layout"]["shapes"].pop()
    return figure


def live_figure(view: Timeline) -> Figure:
    """Return the figure for a player, which draws the curves and the playhead itself and handles the pointer.

    A curve is ``{"curve": [of, column], "line": {"color", "width", "dash"}}``, where ``of`` is "raw", "smoothed" or
    "rate". Optional keys are "opacity" (faint curves), "yaxis" (if not y) and, for curves that react to the pointer,
    "prompt" (the shortened text to show, not escaped) and "swatch" (a picture). A curve with a "row" is a row of the
    heat map, whose colours are in ``"heat"``. A band is ``{"band": place, "fill", "opacity"}``: its place is the index
    among the ribbons. All else are plotly traces. "decimals" is for values under the pointer, "seen" the part of the
    time to show, if any.
    """
    panels = panels_of(view)
    if view.kind == "heat map":
        drawn = [*heat_curves(view), scale_trace(view, view.x_of([0.0])[0])]
    else:
        drawn = [*ribbon_curves(view), *_curves(view)]
    lanes = lane_traces(view) if view.bars is None else evaluated_traces(view)
    layout = _layout(view, panels)
    layout["shapes"] = [*shades(view), *threshold_lines(view)]
    layout["annotations"] = _notes(view, panels)
    if view.bars is not None:
        evaluated_layout(layout, view, panels.lanes[1], panels.height_px)
    data = [*drawn, *panel_traces(view), *lanes]
    figure = {"data": data, "layout": layout, "decimals": value_decimals(view.unit), "seen": view.seen_s}
    return figure | ({"heat": heat_scale(view)} if view.kind == "heat map" else {})


def _for_plotly(trace: Figure, view: Timeline) -> list[Figure]:
    """Return the plotly traces for a curve or band, still without their points."""
    if "band" in trace:
        return ribbon_traces(trace)
    if trace.get("row") == 0:
        return heat_traces(view)
    if "row" in trace or trace.get("marker", {}).get("showscale"):
        return []
    if "curve" not in trace:
        return [trace]
    rest = {key: value for key, value in trace.items() if key not in ("prompt", "swatch")}
    base = rest | {"type": "scatter", "mode": "lines"}
    if "prompt" not in trace:
        return [base | {"hoverinfo": "skip"}]
    hover = f"%{{y:.{value_decimals(view.unit)}f}}"
    return [base | {"name": escape(trace["prompt"]), "hovertemplate": hover}]


def _pointer(view: Timeline) -> Figure:
    """Return the look of plotly's own box under the pointer."""
    theme = view.colours
    label = {"bgcolor": theme.background, "bordercolor": theme.grid, "font": {"color": theme.text, "size": 11}}
    mode = "x unified" if view.kind == "curves" else "closest"
    return {"hovermode": mode, "hoverdistance": -1, "hoverlabel": label}


def _curves(view: Timeline) -> list[Figure]:
    """Return thin raw lines, then bold smoothed ones over them; only the bold ones react to the pointer."""
    thin, bold = [], []
    for line in view.lines:
        column, colour = view.column(line), view.colour(line)
        if view.raw:
            thin.append({"curve": ["raw", column], "line": {"width": 1, "color": colour}, "opacity": 0.22})
        style = {"width": 1.8, "color": colour, "dash": mark_of(line.number).dash}
        bold.append({"curve": ["smoothed", column], "line": style} | view.label(line))
    return [*thin, *bold]


def _stamp(x: list[Any], stamp: int) -> Figure:
    """Return an invisible line whose height counts the clicks, so that the same click twice gives two events."""
    x = x or [0]
    hidden = {"yaxis": "y2", "opacity": 0, "hoverinfo": "none"}  # "skip" would exclude it from click events
    return {"type": "scatter", "mode": "lines", "x": x, "y": [stamp] * len(x), "line": {"width": 0}} | hidden


def _playhead(view: Timeline) -> Figure:
    x = view.x_of([view.cursor_s])[0] if view.axis == "m:ss" else float(view.cursor_frame)
    place = {"xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
    return {"type": "line", "line": {"color": view.colours.text, "width": 1.5}} | place


def _notes(view: Timeline, panels: Panels) -> list[Figure]:
    font = {"size": 11, "color": view.colours.muted}
    base = {"xref": "paper", "showarrow": False, "font": font, "bgcolor": view.colours.background}
    notes = threshold_note(view, panels.curves[0], base)
    if view.unfinished is not None:
        corner = {"x": 0.5, "xanchor": "center", "yref": "paper", "y": 1, "yanchor": "bottom"}
        text = {"text": escape(view.unfinished.note), "hovertext": escape(view.unfinished.explanation)}
        notes.append(base | corner | text)
    return [*panel_notes(panels, base), *notes]


def _layout(view: Timeline, panels: Panels) -> Figure:
    theme = view.colours
    last = int(view.scores.frames[-1]) if len(view.scores) else 1
    x = time_axis(view.end_s) if view.axis == "m:ss" else frame_axis(last)
    if view.seen_s is not None:
        x |= {"range": view.x_of(view.seen_s), "uirevision": f"k {view.seen_s}"}
    ticks = score_ticks(*view.score_range)
    y: Figure = {"range": list(view.score_range), "domain": list(panels.curves), "tickvals": ticks}
    y |= {"ticktext": tick_texts(view.unit, ticks), "gridcolor": theme.grid, "zeroline": False, "fixedrange": True}
    y |= {"title": {"text": AXIS_TITLES[view.unit], "font": {"size": 11}, "standoff": 4}}
    layout = {
        "template": "none", "uirevision": "k", "autosize": True, "height": view.height_px, "showlegend": False,
        "hovermode": False,
        "paper_bgcolor": theme.background, "plot_bgcolor": theme.background,
        "font": {"color": theme.muted, "size": 11, "family": "Source Sans, Source Sans Pro, Arial, sans-serif"},
        "margin": {"l": LEFT_PX, "r": 16, "t": NOTES_PX, "b": 22},
        "xaxis": x | {"gridcolor": theme.grid, "zeroline": False, "showline": False, "ticks": "", "anchor": "y3"},
        "yaxis": y,
        "yaxis3": _HIDDEN | {"domain": list(panels.lanes), "range": [max(1, len(lanes_of(view))) - 0.5, -0.5]},
    }  # fmt: skip
    layout |= panel_axes(view, panels)
    return layout | (heat_layout(view, panels) if view.kind == "heat map" else {})
