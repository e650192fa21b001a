"""Which prompt leads at each time: a strip in the colours of the prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clip_core.charts.colour_marks import marked_bars
from clip_core.charts.panels import STRIP_PX, Panels
from clip_core.charts.view import Figure, Timeline
from clip_core.values import Times

MOST_RUNS = 600
"""Of more, who leads longest in each of so many equal parts of the time is drawn."""


def winner_traces(view: Timeline) -> list[Figure]:
    """One broken line for each prompt that leads somewhere, on the axis y5; a prompt that is not drawn leaves gaps."""
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
    """Runs of whole parts of the time, each part its longest leader's; a part without any leader stays empty.

    Args:
        runs: (column, start_s, end_s), those of one column apart from each other and rising.
        most: How many equal parts the time from the first start to the last end has.
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
    """How long the stretches cover each part between two edges: the difference of what lies before each edge."""
    covered = np.cumsum(pairs_s[:, 1] - pairs_s[:, 0])
    before = np.stack([np.append(0.0, covered[:-1]), covered], axis=1).reshape(-1)
    return np.diff(np.interp(edges_s, pairs_s.reshape(-1), before))


def winner_axis(panels: Panels) -> Figure:
    """The axis of the strip."""
    if panels.strip is None:
        return {}
    return {"yaxis5": {"visible": False, "fixedrange": True, "domain": list(panels.strip), "range": [-0.5, 0.5]}}


def winner_note(panels: Panels, base: Figure) -> list[Figure]:
    """What the strip is, beside it."""
    if panels.strip is None:
        return []
    middle = sum(panels.strip) / 2
    place = {"x": 0, "xanchor": "right", "yref": "paper", "y": middle, "yanchor": "middle"}
    return [base | place | {"text": "leads", "font": base["font"] | {"size": 10}}]
