"""The chart, its optional parts, and the proposal of a heat map."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit_plotly_events import plotly_events

from clip_core.analysis.analyse import Analysis
from clip_core.charts.timeline import Timeline, timeline_figure
from clip_core.scoring.curve_features import find_spikes, leading_prompts, rate_of_change
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.smoothing import smooth_as
from clip_core.text import value_text
from clip_core.types import Floats
from pages.regions.sidebar.model import describe_model
from pages.regions.viewer.playhead import Playhead, stamp
from pages.regions.viewer.transport import KINDS, ChartLook
from pages.shared.indexing import Indexed, IndexRequest, density_text
from pages.shared.theme import unseen


@dataclass(frozen=True)
class Extras:
    """Optional parts of the chart, as in ``charts.view.Timeline``; those not wanted are empty."""

    rate: Floats | None = None
    spikes: Sequence[tuple[int, int]] = ()
    ribbon: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    winners: Sequence[tuple[int, float, float]] = ()


def compute_extras(detection: MomentDetection, style: ChartLook) -> Extras:
    """Compute what the View menu asks for."""
    return Extras(
        rate=rate_of_change(detection.scores, detection.smoothed) if style.rate else None,
        spikes=_spikes(detection) if style.rate else [],
        ribbon=_ribbons(detection) if style.spread else {},
        winners=_winners(detection) if style.winners else [],
    )


def _spikes(detection: MomentDetection) -> list[tuple[int, int]]:
    scores = detection.scores
    return [(spike.sample, scores.prompts.index(spike.prompt)) for spike in find_spikes(scores, detection.smoothed)]


def _winners(detection: MomentDetection) -> list[tuple[int, float, float]]:
    """Return the leads by cosine, whatever the unit: z compares a prompt only with itself."""
    video_scores, settings = detection.video_scores, detection.settings
    smoothed = smooth_as(settings, video_scores.raw, detection.shot_boundaries_s)
    leads = leading_prompts(
        video_scores.raw, smoothed, weights=video_scores.weights_of_prompts, logit_scale=video_scores.logit_scale
    )  # fmt: skip
    return list(zip(leads.prompt.tolist(), leads.start_s.tolist(), leads.end_s.tolist(), strict=True))


def _ribbons(detection: MomentDetection) -> dict[str, tuple[Floats, Floats]]:
    """Return the template bands, in corrected, cosine and z only: other units depend on other prompts or on ranks."""
    state, video_scores = st.session_state, detection.video_scores
    analysis: Analysis | None = state.get("analysis")
    if analysis is None or detection.scores.unit not in ("corrected", "cosine", "z") or not len(detection.scores):
        return {}
    if state.get("ribbons_of") is not video_scores:  # no slider changes them
        state.ribbons, state.ribbons_of = analysis.ribbons(detection.settings), video_scores
    return {
        prompt: (_beside(detection, prompt, low), _beside(detection, prompt, high))
        for prompt, (low, high) in state.ribbons.items()
        if prompt in detection.scores.prompts and len(low) == len(detection.scores)
    }


def _beside(detection: MomentDetection, prompt: str, cosines: Floats) -> Floats:
    """Return an edge of a band in the unit of the curves, smoothed as they are."""
    settings, edge = detection.settings, detection.scale_to_unit(prompt, cosines)
    alone = replace(detection.scores, prompts=(prompt,), values=edge[:, None])
    return smooth_as(settings, alone, detection.shot_boundaries_s)[:, 0]


MANY = 12
LINE_PX = 36
"""Includes the gap below the line."""


def proposal_px(prompts: int) -> int:
    """Return the height of the proposal: 0 with few curves, after an answer, or if the heat map is chosen."""
    state = st.session_state
    answered = state.get("heat_answered", False) or state.get("chart_kind", KINDS[0]) == KINDS[1]
    return 0 if answered or prompts < MANY else LINE_PX


def draw_proposal(prompts: int) -> None:
    """Draw the proposal and its two buttons, if it is due."""
    if not proposal_px(prompts):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="heat_proposal"):
        st.caption(f"{prompts} curves are hard to tell apart.", width="content")
        st.button("Show a heat map", icon=":material/grid_on:", key="take_heat", on_click=_take)
        help_text = "Keep the curves. *View* has both."
        st.button(unseen("Keep the curves"), icon=":material/close:", key="leave_heat", help=help_text, on_click=_leave)


def _take() -> None:
    st.session_state.chart_kind = KINDS[1]
    _leave()


def _leave() -> None:
    st.session_state.heat_answered = True


class _Drawn:
    """What the component needs of a figure: its JSON. A go.Figure of this size takes 200 ms to build and write."""

    def __init__(self, figure: dict[str, object]) -> None:
        self._text = json.dumps(figure, separators=(",", ":"), allow_nan=False)

    def to_json(self) -> str:
        return self._text


def draw_chart(view: Timeline, head: Playhead) -> None:
    """Draw the timeline. A click is in ``st.session_state.chart`` at the next run, before anything is drawn."""
    view = replace(view, cursor_s=head.time_s, cursor_frame=head.frame, stamp=stamp())
    plotly_events(_Drawn(timeline_figure(view)), override_height=view.height_px, key="chart")


def draw_footer(request: IndexRequest, indexed: Indexed, detection: MomentDetection) -> None:
    """Draw a caption with model, frames, rate and unit, and a warning if the threshold misses all curves."""
    samples, values, unit = len(detection.scores), detection.smoothed, detection.scores.unit
    facts = [
        describe_model(request.encoder),
        f"{samples:,} frame{'' if samples == 1 else 's'} indexed",
        density_text(indexed.run),
        "cosine similarity" if unit == "cosine" else f"{unit} of cosine similarity",
    ]
    threshold = detection.settings.threshold
    if threshold is not None and values.size and not values.min() <= threshold <= values.max():
        side, end = ("above", values.max()) if threshold > values.max() else ("below", values.min())
        limit, most = value_text(threshold, unit), value_text(float(end), unit)
        facts.append(f":material/warning: the threshold {limit} lies {side} every curve ({most})")
    with st.container(key="footer"):
        st.caption(" · ".join(facts))
