"""The cuts between shots: short marks at the bottom of the curves."""

from __future__ import annotations

import numpy as np

from clip_core.charts.panels import MARK_PX, Panels
from clip_core.charts.view import Figure, Timeline

MOST_MARKS = 600
"""Of more, one a place is drawn: closer together they are not told apart at the chart's width."""


def cut_traces(view: Timeline) -> list[Figure]:
    """All of them as one broken line on the axis y4."""
    times = np.asarray(view.cuts_s, np.float64)
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


def cut_axis(view: Timeline, panels: Panels) -> Figure:
    """The axis of the marks, on which they are one high; nothing where there are none."""
    if not len(view.cuts_s):
        return {}
    hidden = {"visible": False, "fixedrange": True}
    if panels.cuts is not None:
        return {"yaxis4": hidden | {"domain": list(panels.cuts), "range": [0, 1]}}
    return {"yaxis4": hidden | {"overlaying": "y", "range": [0, panels.curves_px / MARK_PX]}}
