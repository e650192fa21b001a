"""What a sweep found: threshold × smoothing as a heat map, the best cell framed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clip_core.charts.palette import HEAT, THEMES, ThemeName
from clip_core.charts.recall_chart import HEIGHT_PX, plain_layout, titled
from clip_core.values import Times

ADAPT = "adapt"


def sweep_figure(
    thresholds: Sequence[float | None],
    smoothings_s: Sequence[float],
    scores: Times,
    best: tuple[int, int],
    theme: ThemeName,
) -> dict[str, Any]:
    """The figure for plotly. Its colours go from the worst cell to the best: settings often differ by little.

    Args:
        thresholds: One a row, from below; None: each prompt its own.
        smoothings_s: One a column.
        scores: float64 (rows, columns), from 0 to 1.
        best: Row and column of the cell that is framed.
        theme: Whose colours.
    """
    colours, stops = THEMES[theme], HEAT[theme]
    percent = (scores * 100).round(1)
    low, high = float(percent.min()), float(percent.max())
    rows = [ADAPT if cut is None else f"{cut:g}" for cut in thresholds]
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
