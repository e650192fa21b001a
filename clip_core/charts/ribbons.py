"""The spread over the templates: a band behind a prompt's curve."""

from __future__ import annotations

import numpy as np

from clip_core.charts.view import Figure, Line, Timeline
from clip_core.values import Floats

OPACITY = 0.16


def ribboned(view: Timeline) -> list[tuple[int, Line]]:
    """The prompts that are drawn and have a band, with its place among all bands."""
    if view.kind == "heat map":
        return []
    places = {prompt: place for place, prompt in enumerate(view.ribbon)}
    return [(places[line.prompt], line) for line in view.lines if line.prompt in places]


def ribbon_curves(view: Timeline) -> list[Figure]:
    """The bands, as ``live_figure`` describes them."""
    return [
        {"band": place, "fill": view.colours.colour(line.number), "opacity": OPACITY} for place, line in ribboned(view)
    ]


def ribbon_edges(view: Timeline) -> tuple[Floats, Floats]:
    """The lower and the upper edges of all bands, float32 (n, bands) each."""
    edges = [np.stack(side, axis=1) for side in zip(*view.ribbon.values(), strict=True)]
    none = np.empty((len(view.scores), 0), np.float32)
    return (edges[0], edges[1]) if edges else (none, none)


def ribbon_traces(band: Figure) -> list[Figure]:
    """A band as plotly draws it: its lower edge, and its upper one filled down to that."""
    base = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": {"width": 0}}
    red, green, blue = (int(band["fill"][k : k + 2], 16) for k in (1, 3, 5))
    filled = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},{band['opacity']})"}
    return [base | {"curve": ["low", band["band"]]}, base | filled | {"curve": ["high", band["band"]]}]
