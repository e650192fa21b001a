"""The chart, behind one function: all that streamlit-plotly-events needs to draw and to answer clicks."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st
from streamlit_plotly_events import plotly_events

from clip_core.charts.timeline import Timeline, timeline_figure
from clip_core.scoring.findings import Findings
from clip_core.text import value_text
from pages.parts.indexing import Indexed, Wish, density_text
from pages.parts.model import describe_model
from pages.parts.playhead import Playhead, stamp


class _Drawn:
    """What the component asks of a figure: its JSON. A go.Figure of this size takes 200 ms to build and write."""

    def __init__(self, figure: dict[str, object]) -> None:
        self._text = json.dumps(figure, separators=(",", ":"), allow_nan=False)

    def to_json(self) -> str:
        return self._text


def draw_chart(view: Timeline, head: Playhead) -> None:
    """Draw the timeline. A click is in ``st.session_state.chart`` at the next run, before anything is drawn.

    Args:
        view: What it shows.
        head: Where the playhead stands.
    """
    view = replace(view, cursor_s=head.time_s, cursor_frame=head.frame, stamp=stamp())
    plotly_events(_Drawn(timeline_figure(view)), override_height=view.height_px, key="chart")


def draw_footer(wish: Wish, indexed: Indexed, findings: Findings) -> None:
    """Say under the chart what it shows: model, frames, rate, unit; and warn when the threshold misses the curves."""
    samples, values, unit = len(findings.scores), findings.smoothed, findings.scores.unit
    facts = [
        describe_model(wish.encoder),
        f"{samples:,} frame{'' if samples == 1 else 's'} indexed",
        density_text(indexed.run),
        "cosine similarity" if unit == "cosine" else f"{unit} of cosine similarity",
    ]
    threshold = findings.recipe.threshold
    if threshold is not None and values.size and not values.min() <= threshold <= values.max():
        side, end = ("above", values.max()) if threshold > values.max() else ("below", values.min())
        cut, most = value_text(threshold, unit), value_text(float(end), unit)
        facts.append(f":material/warning: the threshold {cut} lies {side} every curve ({most})")
    with st.container(key="footer"):
        st.caption(" · ".join(facts))
