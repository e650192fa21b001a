"""The panels of the chart: how they share its height, and what is in the small ones between lanes and curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from clip_core.charts.colours import mark_of
from clip_core.charts.lanes import LANE_PX, bar_traces, evaluated_px, lanes_of
from clip_core.charts.view import Figure, Timeline, score_ticks
from clip_core.types import Floats, Ints, Times

Share: TypeAlias = tuple[float, float]

MARGINS_PX = 30
STRIP_PX = 8
STRIP_GAP_PX = 4
MARK_PX, BOUNDARY_GAP_PX = 7, 2
GAP = 0.02
RATE_SHARE = 0.25
MOST_RUNS = 600
"""With more runs, this many equal parts of the time are drawn, each in the colour of its longest leader."""
MOST_SPIKES = 400
"""Of more, only the steepest are marked, because plotly is slow with thousands of marks."""
MOST_TICKS = 4
MOST_MARKS = 600
"""Of more shot boundaries, only one in each of this many parts is drawn; at the chart's width, closer ones look like
one."""


@dataclass(frozen=True)
class Panels:
    """Lower and upper end of each panel, as shares of the height between the margins; None: not shown.

    Attributes:
        lanes, strip, rate, shot_boundaries, curves: From bottom to top. The heat map takes the place of the curves.
            Shot boundaries have their own panel only below a heat map; otherwise they are marked over the curves.
        height_px: The height between the margins.
    """

    lanes: Share
    strip: Share | None
    rate: Share | None
    shot_boundaries: Share | None
    curves: Share
    height_px: int

    @property
    def curves_px(self) -> float:
        """The height of the curves."""
        return (self.curves[1] - self.curves[0]) * self.height_px


def panels_of(view: Timeline) -> Panels:
    """Share out the height of a chart."""
    height = view.height_px - MARGINS_PX
    moments_px = max(1, len(lanes_of(view))) * LANE_PX
    floor = (moments_px if view.bars is None else evaluated_px(view, height)) / height
    lanes, strip, rate = (0.0, floor), None, None
    if view.winners:
        strip = (floor + STRIP_GAP_PX / height, floor + (STRIP_GAP_PX + STRIP_PX) / height)
        floor = strip[1]
    if view.rate is not None:
        rate = (floor + GAP, floor + GAP + RATE_SHARE * (1 - floor))
        floor = rate[1] + GAP
    floor += GAP
    shot_boundaries = None
    if len(view.shot_boundaries_s) and view.kind == "heat map":
        shot_boundaries = (floor, floor + MARK_PX / height)
        floor = shot_boundaries[1] + BOUNDARY_GAP_PX / height
    return Panels(lanes, strip, rate, shot_boundaries, (floor, 1.0), height)


def panel_traces(view: Timeline) -> list[Figure]:
    """Return what is in the small panels; the curves of the rates of change are in the format of ``live_figure``."""
    rates = [] if view.rate is None else [*_rate_curves(view), *_spikes(view, view.rate)]
    return [*rates, *_shot_boundaries(view), *_leaders(view)]


def panel_axes(view: Timeline, panels: Panels) -> Figure:
    """Return the axes of the small panels that are shown, by name."""
    axes: Figure = {}
    hidden = {"visible": False, "fixedrange": True}
    if panels.shot_boundaries is not None:
        axes["yaxis4"] = hidden | {"domain": list(panels.shot_boundaries), "range": [0, 1]}
    elif len(view.shot_boundaries_s):
        axes["yaxis4"] = hidden | {"overlaying": "y", "range": [0, panels.curves_px / MARK_PX]}
    if panels.strip is not None:
        axes["yaxis5"] = hidden | {"domain": list(panels.strip), "range": [-0.5, 0.5]}
    if panels.rate is not None and view.rate is not None:
        axes["yaxis6"] = _rate_axis(view, view.rate, panels.rate)
    return axes


def panel_notes(panels: Panels, base: Figure) -> list[Figure]:
    """Return the labels of the rate's panel (in its corner) and of the leaders' strip (beside it)."""
    notes = []
    if panels.rate is not None:
        corner = {"x": 0.004, "xanchor": "left", "yref": "paper", "y": panels.rate[1], "yanchor": "top"}
        notes.append(base | corner | {"text": "change per s"})
    if panels.strip is not None:
        place = {"x": 0, "xanchor": "right", "yref": "paper", "y": sum(panels.strip) / 2, "yanchor": "middle"}
        notes.append(base | place | {"text": "leads", "font": base["font"] | {"size": 10}})
    return notes


def _leaders(view: Timeline) -> list[Figure]:
    """Return one broken line per leading prompt, on axis y5; prompts that are not drawn leave gaps."""
    runs = [run for run in view.winners if run[2] > run[1]]
    if len(runs) > MOST_RUNS:
        runs = fewer_runs(runs, MOST_RUNS)
    base: Figure = {"type": "scatter", "mode": "lines", "yaxis": "y5", "hoverinfo": "skip"}
    traces = []
    for line in view.lines:
        column = view.column(line)
        led = [(start, end) for winner, start, end in runs if winner == column]
        traces += bar_traces(view, line, led, base, 0, STRIP_PX)
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
    parts = zip(winner[begins], edges[begins], edges[ends], strict=True)
    return [(int(columns[k]), float(start), float(end)) for k, start, end in parts if k >= 0]


def _covered(pairs_s: Times, edges_s: Times) -> Times:
    """Return how long the intervals cover each part between two edges, as the difference of what precedes the edges."""
    covered = np.cumsum(pairs_s[:, 1] - pairs_s[:, 0])
    before = np.stack([np.append(0.0, covered[:-1]), covered], axis=1).reshape(-1)
    return np.diff(np.interp(edges_s, pairs_s.reshape(-1), before))


def _rate_curves(view: Timeline) -> list[Figure]:
    """Return a curve for each prompt on axis y6."""
    curves = []
    for line in view.lines:
        style = {"width": 1.2, "color": view.colour(line), "dash": mark_of(line.number).dash}
        curves.append({"curve": ["rate", view.column(line)], "yaxis": "y6", "line": style})
    return curves


def _spikes(view: Timeline, rate: Floats) -> list[Figure]:
    """Return small triangles in the prompts' colours, pointing up where the score rises.

    An invisible point comes first: without a trace, plotly omits the axis on which a player draws the curves.
    """
    unseen = {"mode": "lines", "line": {"width": 0}, "opacity": 0, "hoverinfo": "skip"}
    traces: list[Figure] = [{"type": "scatter", "yaxis": "y6", "x": view.x_of([0.0]), "y": [0]} | unseen]
    samples, columns, values = _steepest(rate, view.spikes)
    for line in view.lines:
        own = np.flatnonzero(columns == view.column(line))
        if len(own):
            own = own[np.argsort(samples[own], kind="stable")]
            traces.append(_marks(view, samples[own], values[own], view.colour(line)))
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
    x = view.x_of_samples(samples)
    marker = {"symbol": symbols, "size": 7, "color": colour}
    y = np.round(values.astype(np.float64), 4).tolist()
    return {"type": "scatter", "mode": "markers", "yaxis": "y6", "hoverinfo": "skip", "x": x, "y": y, "marker": marker}


def _rate_axis(view: Timeline, rate: Floats, domain: Share) -> Figure:
    """Return the axis of the rates: it spans all drawn curves and zero, which gets a line."""
    drawn = rate[:, [view.column(line) for line in view.lines]]
    low, high = (float(f(drawn, initial=0.0, where=np.isfinite(drawn))) for f in (np.min, np.max))
    room = 0.06 * (high - low) or 0.1
    ends = [low - room, high + room]
    look = {"gridcolor": view.colours.grid, "zeroline": True, "zerolinecolor": view.colours.edge, "fixedrange": True}
    ticks = score_ticks(ends[0], ends[1], MOST_TICKS)
    look |= {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks], "ticks": ""}
    return look | {"domain": list(domain), "range": ends}


def _shot_boundaries(view: Timeline) -> list[Figure]:
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
