"""Strips below the curves: leading prompt, rate of change, shot boundaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clip_core.charts.colours import mark_of, marked_bars
from clip_core.charts.panels import MARK_PX, STRIP_PX, Panels
from clip_core.charts.view import Figure, Timeline, score_ticks
from clip_core.types import Floats, Ints, Times

MOST_RUNS = 600
"""With more runs, this many equal parts of the time are drawn, each in the colour of its longest leader."""


def winner_traces(view: Timeline) -> list[Figure]:
    """Return one broken line per leading prompt, on axis y5; prompts that are not drawn leave gaps."""
    runs = [run for run in view.winners if run[2] > run[1]]
    if len(runs) > MOST_RUNS:
        runs = fewer_runs(runs, MOST_RUNS)
    traces = []
    for line in view.lines:
        column = view.column(line)
        x = view.stretches([(start, end) for winner, start, end in runs if winner == column])
        if x:
            look = {"width": STRIP_PX, "color": view.colours.colour(line.number)}
            base = {"type": "scatter", "mode": "lines", "yaxis": "y5", "hoverinfo": "skip"}
            strip = base | {"x": x, "y": [0, 0, None] * (len(x) // 3), "line": look}
            traces += marked_bars(strip, line.number, view.colours.background)
    return traces


def fewer_runs(runs: Sequence[tuple[int, float, float]], most: int) -> list[tuple[int, float, float]]:
    """Divide the time into equal parts, each led by its longest leader; a part without a leader stays empty.

    Args:
        runs: (column, start_s, end_s); those of one column are disjoint and increasing.
        most: The number of equal parts from the first start to the last end.
    """
    table = np.array(runs, np.float64)
    edges = np.linspace(table[:, 1].min(), table[:, 2].max(), most + 1)
    columns = np.unique(table[:, 0])
    led = np.stack([_covered(table[table[:, 0] == column, 1:], edges) for column in columns])
    winner = np.where(led.max(axis=0) > 0, led.argmax(axis=0), -1)
    begins = np.flatnonzero(np.append(True, np.diff(winner) != 0))
    ends = np.append(begins[1:], most)
    found = zip(winner[begins], edges[begins], edges[ends], strict=True)
    return [(int(columns[k]), float(start), float(end)) for k, start, end in found if k >= 0]


def _covered(pairs_s: Times, edges_s: Times) -> Times:
    """Return how long the intervals cover each part between two edges, as the difference of what precedes the edges."""
    covered = np.cumsum(pairs_s[:, 1] - pairs_s[:, 0])
    before = np.stack([np.append(0.0, covered[:-1]), covered], axis=1).reshape(-1)
    return np.diff(np.interp(edges_s, pairs_s.reshape(-1), before))


def winner_axis(panels: Panels) -> Figure:
    """Return the axis of the strip."""
    if panels.strip is None:
        return {}
    return {"yaxis5": {"visible": False, "fixedrange": True, "domain": list(panels.strip), "range": [-0.5, 0.5]}}


def winner_note(panels: Panels, base: Figure) -> list[Figure]:
    """Return the label beside the strip."""
    if panels.strip is None:
        return []
    middle = sum(panels.strip) / 2
    place = {"x": 0, "xanchor": "right", "yref": "paper", "y": middle, "yanchor": "middle"}
    return [base | place | {"text": "leads", "font": base["font"] | {"size": 10}}]


MOST_SPIKES = 400
"""Of more, only the steepest are marked, because plotly is slow with thousands of marks."""
MOST_TICKS = 4


def rate_curves(view: Timeline) -> list[Figure]:
    """Return a curve for each prompt on axis y6, in the format of ``live_figure``."""
    if view.rate is None:
        return []
    curves = []
    for line in view.lines:
        style = {"width": 1.2, "color": view.colours.colour(line.number), "dash": mark_of(line.number).dash}
        curves.append({"curve": ["rate", view.column(line)], "yaxis": "y6", "line": style})
    return curves


def spike_traces(view: Timeline) -> list[Figure]:
    """Return small triangles in the prompts' colours, pointing up where the score rises.

    An invisible point comes first: without a trace, plotly omits the axis on which a player draws the curves.
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
    """Return samples, columns and rates of the spikes to mark."""
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
    """Return the axis of the panel: it spans all drawn curves and zero, which gets a line."""
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
    """Return the label in the panel's upper left corner."""
    if panels.rate is None:
        return []
    corner = {"x": 0.004, "xanchor": "left", "yref": "paper", "y": panels.rate[1], "yanchor": "top"}
    return [base | corner | {"text": "change per s"}]


MOST_MARKS = 600
"""Of more, only one in each of this many parts is drawn; at the chart's width, closer ones look like one."""


def shot_boundary_traces(view: Timeline) -> list[Figure]:
    """Return all shot boundaries as one broken line on axis y4."""
    times = np.asarray(view.shot_boundaries_s, np.float64)
    times = np.sort(times[(times >= 0) & (times <= view.end_s)])
    if not len(times):
        return []
    if len(times) > MOST_MARKS:
        places = np.floor(times / max(view.end_s, 1e-9) * MOST_MARKS)
        times = times[np.append(True, np.diff(places) > 0)]
    x = view.stretches(np.repeat(times, 2))
    line = {"width": 1, "color": view.colours.muted}
    y = [0, 1, None] * len(times)
    return [{"type": "scatter", "mode": "lines", "yaxis": "y4", "hoverinfo": "skip", "x": x, "y": y, "line": line}]


def shot_boundary_axis(view: Timeline, panels: Panels) -> Figure:
    """Return the axis of the marks, which are one high; empty without shot boundaries."""
    if not len(view.shot_boundaries_s):
        return {}
    hidden = {"visible": False, "fixedrange": True}
    if panels.shot_boundaries is not None:
        return {"yaxis4": hidden | {"domain": list(panels.shot_boundaries), "range": [0, 1]}}
    return {"yaxis4": hidden | {"overlaying": "y", "range": [0, panels.curves_px / MARK_PX]}}
