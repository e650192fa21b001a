"""Charts of the evaluation: precision over recall, and the map of swept settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from clip_core.charts.colours import HEAT, THEMES, ThemeName
from clip_core.text import value_decimals
from clip_core.types import Reals, Unit

HEIGHT_PX = 208


@dataclass(frozen=True, eq=False)
class RecallLine:
    """One curve.

    Attributes:
        name: The name under the pointer.
        colour: As CSS; None: the text colour.
        thresholds, precision, recall: float64 (k,), the last two from 0 to 1.
        here: Precision and recall at the current threshold, if there is one.
    """

    name: str
    colour: str | None
    thresholds: Reals
    precision: Reals
    recall: Reals
    here: tuple[float, float] | None = None


def share_text(share: float) -> str:
    """Return a share from 0 to 1 as Evaluate writes it, such as "41.7 %"."""
    return f"{100 * share:.1f} %"


def recall_figure(lines: Sequence[RecallLine], theme: ThemeName, unit: Unit) -> dict[str, Any]:
    """Return the plotly figure, with a circle at the current threshold."""
    colours = THEMES[theme]
    traces: list[dict[str, Any]] = []
    for line in lines:
        colour = line.colour or colours.text
        name = escape(line.name)
        hover = f"{name}<br>recall %{{x:.1f}} %, precision %{{y:.1f}} %"
        at_threshold = f"<br>threshold %{{customdata:.{value_decimals(unit)}f}}<extra></extra>"
        traces.append(
            {
                "type": "scatter", "mode": "lines", "name": name, "line": {"color": colour, "width": 2},
                "x": (line.recall * 100).tolist(), "y": (line.precision * 100).tolist(),
                "customdata": line.thresholds.tolist(), "hovertemplate": hover + at_threshold,
            }
        )  # fmt: skip
        if line.here is not None:
            marker = {"color": colours.background, "size": 9, "line": {"color": colour, "width": 2}}
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "name": f"{name}, now", "marker": marker,
                    "x": [100 * line.here[1]], "y": [100 * line.here[0]],
                    "hovertemplate": f"{hover}<br>now<extra></extra>",
                }
            )  # fmt: skip
    axis = {
        "range": [-2, 104],
        "gridcolor": colours.grid,
        "zeroline": False,
        "ticksuffix": " %",
        "fixedrange": True,
    }
    return {"data": traces, "layout": plain_layout(theme, HEIGHT_PX) | {
        "xaxis": axis | titled("recall"),
        "yaxis": axis | titled("precision"),
    }}  # fmt: skip


def titled(text: str) -> dict[str, Any]:
    """Return the title of an axis, in the size of its tick labels."""
    return {"title": {"text": text, "standoff": 4, "font": {"size": 11}}}


def plain_layout(theme: ThemeName, height_px: int) -> dict[str, Any]:
    """Return the layout that small charts share: no legend, the theme's greys, no background of their own."""
    colours = THEMES[theme]
    return {
        "height": height_px,
        "showlegend": False,
        "margin": {"l": 52, "r": 8, "t": 6, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours.muted, "size": 11},
        "hoverlabel": {"bgcolor": colours.background, "font": {"color": colours.text}, "bordercolor": colours.edge},
    }


ADAPT = "adapt"


def sweep_figure(
    thresholds: Sequence[float | None],
    smoothings_s: Sequence[float],
    scores: Reals,
    best: tuple[int, int],
    theme: ThemeName,
) -> dict[str, Any]:
    """Return the plotly figure. Colours span the worst to the best cell, because settings often differ little.

    Args:
        thresholds: One per row, from the bottom; None: each prompt is detected from the data.
        smoothings_s: One per column.
        scores: float64 (rows, columns), from 0 to 1.
        best: Row and column of the cell to frame.
        theme: The theme of the colours.
    """
    colours, stops = THEMES[theme], HEAT[theme]
    percent = (scores * 100).round(1)
    low, high = float(percent.min()), float(percent.max())
    rows = [ADAPT if threshold is None else f"{threshold:g}" for threshold in thresholds]
    columns = [f"{width:g} s" for width in smoothings_s]
    cells = {
        "type": "heatmap", "x": columns, "y": rows, "z": percent.tolist(),
        "xgap": 1, "ygap": 1,
        "zmin": low, "zmax": high if high > low else low + 1,
        "colorscale": [[k / (len(stops) - 1), stop] for k, stop in enumerate(stops)],
        "colorbar": {"thickness": 8, "outlinewidth": 0, "xpad": 6, "ticksuffix": " %", "tickfont": {"size": 10}},
        "hovertemplate": "threshold %{y}, smoothing %{x}<br>F1 %{z:.1f} %<extra></extra>",
    }  # fmt: skip
    row, column = best
    frames = [
        {
            "type": "rect", "xref": "x", "yref": "y", "line": {"color": colour, "width": width},
            "x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5,
        }
        for colour, width in ((colours.background, 5), (colours.text, 2))
    ]  # fmt: skip
    axis = {"type": "category", "showgrid": False, "zeroline": False, "fixedrange": True}
    return {"data": [cells], "layout": plain_layout(theme, HEIGHT_PX) | {
        "shapes": frames,
        "xaxis": axis | titled("smoothing"),
        "yaxis": axis | titled("threshold"),
    }}  # fmt: skip
