"""The heat map: one row per prompt, one column per interval of time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clip_core.charts.colours import HEAT, mark_of
from clip_core.charts.panels import Panels
from clip_core.charts.view import AXIS_TITLES, Figure, Timeline, score_ticks, tick_texts
from clip_core.text import short_prompt, value_decimals
from clip_core.types import Floats, Times

MOST_HALF = 1.25
"""A sample stands for half the step to its neighbours, but for at most this many median steps."""


def spans(x: Times) -> tuple[Times, Times]:
    """Return where each sample's interval begins and ends; nothing is shown between samples that are far apart.

    Args:
        x: float64 (n,), increasing.
    """
    steps = np.diff(x)
    most = MOST_HALF * float(np.median(steps)) if len(steps) else 0.5
    halves = np.minimum(steps / 2, most)
    side = halves[:1] if len(halves) else np.array([most])
    return x - np.concatenate([side, halves]), x + np.concatenate([halves, halves[-1:] if len(halves) else side])


def raster(x: Times, values: Floats, low: float, high: float, bins: int) -> Floats:
    """Return float32 (c, bins): the highest value of each curve in each bin; NaN where there is no sample.

    A bin without a sample takes the value of the sample whose interval contains its middle.

    Args:
        x: float64 (n,), increasing.
        values: float32 (n, c).
        low, high: Start of the first bin and end of the last.
        bins: The number of bins, all equally wide.
    """
    edges = np.linspace(low, high, bins + 1)
    begins, ends = spans(x)
    middles = (edges[:-1] + edges[1:]) / 2
    owner = np.searchsorted(begins, middles, side="right") - 1
    known = (owner >= 0) & (middles < ends[np.maximum(owner, 0)])
    cells = np.where(known[:, None], values[np.maximum(owner, 0)], np.float32(np.nan))
    inside = np.flatnonzero((x >= low) & (x <= high))
    if len(inside):
        bin_of = np.minimum(np.searchsorted(edges, x[inside], side="right") - 1, bins - 1)
        first = np.flatnonzero(np.append(True, np.diff(bin_of) > 0))
        highest = np.fmax.reduceat(values[inside[0] : inside[-1] + 1], first, axis=0)
        cells[bin_of[first]] = highest
    return cells.T.astype(np.float32)


MOST_COLUMNS = 2_000
MOST_CELLS = 60_000
FEWEST_COLUMNS = 100
NAME_ROW_PX = 16
"""Lower rows cannot all show their names; in a low window only two thirds of this are left."""
LETTER_PX, MOST_NAME_PX, BAR_PX = 6, 170, 62


def heat_curves(view: Timeline) -> list[Figure]:
    """Return a row for each prompt, in the format of ``live_figure``: the player draws the cells from all samples."""
    rows = []
    for row, line in enumerate(view.lines):
        curve = {"curve": ["smoothed", view.column(line)], "row": row, "line": {"color": view.colour(line)}}
        rows.append(curve | view.label(line))
    return rows


def heat_scale(view: Timeline) -> Figure:
    """Return the colours of the cells from the lowest to the highest score, and these scores."""
    low, high = view.score_range
    return {"colours": list(HEAT[view.theme]), "range": [low, high], "rows": len(view.lines)}


def heat_traces(view: Timeline) -> list[Figure]:
    """Return the cells for plotly: for each prompt the highest score in each of at most 2,000 parts of the axis.

    Plotly reports a click only by its position, so the row numbers change with each accepted click.
    """
    count = len(view.lines)
    if not count or not len(view.scores):
        return []
    columns = max(FEWEST_COLUMNS, min(MOST_COLUMNS, MOST_CELLS // count))
    x, low, high = _across(view)
    values = view.smoothed[:, [view.column(line) for line in view.lines]]
    cells = raster(x, values, low, high, columns)
    step = (high - low) / columns
    middle = low + step / 2
    frames = view.axis == "Frames"
    place = {"x0": middle, "dx": step} if frames else {"x0": view.x_of([middle])[0], "dx": step * 1000}
    hover = f"%{{z:.{value_decimals(view.unit)}f}}<extra></extra>"
    look = _colours(view) | {"ygap": 1, "hoverongaps": False, "hovertemplate": hover}
    rows = {"type": "heatmap", "z": _numbers(cells, value_decimals(view.unit)), "y0": _first_row(view), "dy": 1}
    return [rows | place | look]


def scale_trace(view: Timeline, x: Any) -> Figure:  # noqa: ANN401
    """Return a trace with only the colour scale, for a player that draws the cells itself."""
    colours = _colours(view)
    marker = {"color": [view.score_range[0]], "cmin": colours.pop("zmin"), "cmax": colours.pop("zmax")}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [None], "hoverinfo": "skip",
            "marker": marker | colours | {"showscale": True}}  # fmt: skip


def heat_layout(view: Timeline, panels: Panels) -> Figure:
    """Return the axis of the rows with shortened names, and margins for the names (left) and the scale (right)."""
    rows, base = len(view.lines), _first_row(view)
    each = max(1, math.ceil(rows * NAME_ROW_PX / max(1.0, panels.curves_px)))
    named = list(enumerate(view.lines))[::each]
    names = [view.name_with(mark_of(line.number).glyph, line) for _, line in named]
    longest = max((len(short_prompt(line.prompt)) for line in view.lines), default=0)
    axis = {"range": [base + max(1, rows) - 0.5, base - 0.5], "domain": list(panels.curves), "showgrid": False}
    axis |= {
        "title": {"text": ""},
        "tickvals": [base + row for row, _ in named],
        "ticktext": names,
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
    }
    left = max(38, min(MOST_NAME_PX, 24 + LETTER_PX * longest))
    return {"yaxis": axis, "margin": {"l": left, "r": BAR_PX, "t": 4, "b": 22}}


def _across(view: Timeline) -> tuple[Times, float, float]:
    """Return where the samples are on the x axis, and which part of it has cells."""
    if view.axis == "Frames":
        return view.scores.frames.astype(np.float64), 0.0, float(view.scores.frames[-1]) + 1.0
    low, high = view.seen_s or (0.0, max(view.end_s, 0.001))
    return view.scores.times_s, low, high


def _first_row(view: Timeline) -> int:
    return view.stamp * 1000


def _numbers(cells: Floats, decimals: int) -> list[list[float | None]]:
    """Return rows of numbers for JSON, None for missing values."""
    rounded = np.round(cells.astype(np.float64), decimals)
    return np.where(np.isfinite(rounded), rounded, None).tolist()  # type: ignore[call-overload, no-any-return]


def _colours(view: Timeline) -> Figure:
    low, high = view.score_range
    stops = HEAT[view.theme]
    ticks = score_ticks(low, high)
    bar = {
        "thickness": 8, "outlinewidth": 0, "xpad": 6, "ypad": 4, "x": 1, "len": 0.5, "y": 1, "yanchor": "top",
        "tickvals": ticks, "ticktext": tick_texts(view.unit, ticks), "tickfont": {"size": 10},
        "title": {"text": AXIS_TITLES[view.unit], "side": "right", "font": {"size": 10}},
    }  # fmt: skip
    scale = [[k / (len(stops) - 1), colour] for k, colour in enumerate(stops)]
    return {"zmin": low, "zmax": high, "colorscale": scale, "colorbar": bar}
