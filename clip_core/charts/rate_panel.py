"""The rate of change: a second panel under the curves, with its own axis and the same time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clip_core.charts.axes import score_ticks
from clip_core.charts.colour_marks import mark_of
from clip_core.charts.panels import Panels
from clip_core.charts.view import Figure, Timeline
from clip_core.values import Floats, Ints

MOST_SPIKES = 400
"""Of more, the steepest are marked: plotly is slow with thousands of marks."""
MOST_TICKS = 4


def rate_curves(view: Timeline) -> list[Figure]:
    """A curve for each prompt, as ``live_figure`` describes them, on the axis y6."""
    if view.rate is None:
        return []
    curves = []
    for line in view.lines:
        style = {"width": 1.2, "color": view.colours.colour(line.number), "dash": mark_of(line.number).dash}
        curves.append({"curve": ["rate", view.column(line)], "yaxis": "y6", "line": style})
    return curves


def spike_traces(view: Timeline) -> list[Figure]:
    """Small triangles in the prompts' colours, upwards where the score rises.

    And an invisible point: without a trace on it plotly leaves out the axis, on which a player draws the curves.
    """
    if view.rate is None:
        return []
    unseen = {"mode": "lines", "line": {"width": 0}, "opacity": 0, "hoverinfo": "skip"}
    traces: list[Figure] = [{"type": "scatter", "yaxis": "y6", "x": view.x_of([0.0]), "y": [0]} | unseen]
    samples, columns, values = _steepest(view.rate, view.spikes)
    for line in view.lines:
        own = np.flatnonzero(columns == view.column(line))
        if len(own):
            own = own[np.argsort(samples[own], kind="stable")]
            traces.append(_marks(view, samples[own], values[own], view.colours.colour(line.number)))
    return traces


def _steepest(rate: Floats, spikes: Sequence[tuple[int, int]]) -> tuple[Ints, Ints, Floats]:
    """Samples, columns and rates of the spikes that are marked."""
    samples, columns = np.array(spikes, np.int64).reshape(-1, 2).T
    there = (samples >= 0) & (samples < len(rate)) & (columns >= 0) & (columns < rate.shape[1])
    samples, columns = samples[there], columns[there]
    values = rate[samples, columns]
    kept = np.argsort(-np.abs(values), kind="stable")[:MOST_SPIKES]
    kept = kept[np.isfinite(values[kept])]
    return samples[kept], columns[kept], values[kept]


def _marks(view: Timeline, samples: Ints, values: Floats, colour: str) -> Figure:
    symbols = ["triangle-up" if value >= 0 else "triangle-down" for value in values.tolist()]
    x = view.scores.frames[samples].tolist() if view.axis == "Frames" else view.x_of(view.scores.times_s[samples])
    marker = {"symbol": symbols, "size": 7, "color": colour}
    y = np.round(values.astype(np.float64), 4).tolist()
    return {"type": "scatter", "mode": "markers", "yaxis": "y6", "hoverinfo": "skip", "x": x, "y": y, "marker": marker}


def rate_axis(view: Timeline, panels: Panels) -> Figure:
    """The axis of the panel: all that is drawn, and zero, which is a line."""
    if panels.rate is None or view.rate is None:
        return {}
    drawn = view.rate[:, [view.column(line) for line in view.lines]]
    low, high = (float(f(drawn, initial=0.0, where=np.isfinite(drawn))) for f in (np.min, np.max))
    room = 0.06 * (high - low) or 0.1
    ends = [low - room, high + room]
    look = {"gridcolor": view.colours.grid, "zeroline": True, "zerolinecolor": view.colours.edge, "fixedrange": True}
    ticks = score_ticks(ends[0], ends[1], MOST_TICKS)
    look |= {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "ticks": ""}
    return {"yaxis6": look | {"domain": list(panels.rate), "range": ends}}


def rate_note(panels: Panels, base: Figure) -> list[Figure]:
    """What the panel is, in its upper left corner."""
    if panels.rate is None:
        return []
    corner = {"x": 0.004, "xanchor": "left", "yref": "paper", "y": panels.rate[1], "yanchor": "top"}
    return [base | corner | {"text": "change per s"}]
