"""The chart's optional parts, the proposal of a heat map, its caption and its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from clip_core.charts.view import Timeline
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.registry import SAMPLE
from clip_core.scoring.curve_features import find_spikes, leading_prompts, rate_of_change
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.smoothing import smooth_as
from clip_core.text import counted, value_text
from clip_core.types import Floats
from pages.regions.chart.curves import ChartState, template_ribbons
from pages.regions.sidebar.model import SEES, describe_model
from pages.regions.viewer.view_menu import ChartLook, choose_heat_map, shows_heat_map
from pages.shared.indexing import Indexed, IndexRequest, density_text
from pages.shared.markdown import escape_markdown
from pages.shared.session import region_state
from pages.shared.theme import unseen


def with_extras(view: Timeline, detection: MomentDetection, look: ChartLook, shown: Sequence[str]) -> Timeline:
    """Return the chart with the optional parts that the View menu asks for; bands only of the prompts ``shown``."""
    if look.rate:
        view = replace(view, rate=rate_of_change(detection.scores, detection.smoothed), spikes=_spikes(detection))
    if look.spread:
        ribbons = _ribbons(detection)
        view = replace(view, ribbon={prompt: ribbons[prompt] for prompt in ribbons if prompt in shown})
    return replace(view, winners=_winners(detection)) if look.winners else view


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
    if detection.scores.unit not in ("corrected", "cosine", "z") or not len(detection.scores):
        return {}
    return {
        prompt: (_beside(detection, prompt, low), _beside(detection, prompt, high))
        for prompt, (low, high) in template_ribbons(detection).items()
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
    is_due = prompts >= MANY and not region_state(ChartState).heat_map_answered and not shows_heat_map()
    return LINE_PX if is_due else 0


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
    choose_heat_map()
    _leave()


def _leave() -> None:
    region_state(ChartState).heat_map_answered = True


def draw_footer(request: IndexRequest, indexed: Indexed, detection: MomentDetection) -> None:
    """Draw a caption with model, frames, rate and unit, and a warning if the threshold misses all curves."""
    samples, values, unit = len(detection.scores), detection.smoothed, detection.scores.unit
    facts = [
        describe_model(request.encoder),
        f"{counted(samples, 'frame')} indexed",
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


_EXPLANATION = """
**CLIP** is a model that puts pictures and texts into one space: a picture and a text that fits it point the same way.

Each curve is one prompt. Its height at a time is the **cosine similarity** of that prompt and the frame there: 1
would be the same direction, 0 unrelated. Pictures and texts never get near 1, because the two kinds lie apart in the
space: on real CLIP **0.25 can be a strong match**, 0.15 means "not there", and 0.8 is never reached. The sample model
uses more of the range. So compare a curve with itself over time, and never compare scores of two models.

**Units.** *Corrected*, the usual default, is the cosine minus what 300 neutral texts score on the same frame: half
of a curve's movement is common to all texts, and that is taken off. *z* says how far a frame stands above what its
prompt usually scores in this video, in robust deviations. *Percentile* is the rank within the video. *Margin* is the
lead over the best negative prompt, a line such as "- a person". *Softmax* says which of the prompts wins, never
whether anything is there.

**Verdicts.** *Adapt* cuts the video into segments where the picture changes. A prompt is **there** if its best
segment beats 95 % (*Confidence*) of 300 neutral texts, each in its own best segment: about 5 of 100 prompts that are
not in the video come out as there. It is there **throughout** if that holds for most of the video. Else it is **not
sure**: its likeliest places are **candidates**, marked ? in the list and pale in the chart; one click accepts one.
The chips below the list tell each prompt's verdict and, on hover, why.

**Generic prompts** such as "a person" are high in nearly every frame. Neutral texts score as high, so such prompts get
no verdict. What helps: a negative prompt with the unit *margin*, a threshold set by hand, or one fitted to ten marks
on *Evaluate*.

**Thresholds by hand.** *One for all* cuts the smoothed curves exactly at the slider; the null bank plays a part only
if *Rules* ask for it. The "0.8" that other tools advise flags nothing in cosines of real CLIP.

A **moment** is shaded, and a bar below the curves; a candidate is pale. Thin lines are the raw samples. **Click**
anywhere on the chart to see the frame there, drag the line of the playhead to look through the video, drag elsewhere to
zoom in, double click to zoom out. **?** below the video shows the keys.

*View → Frames* shows exact pictures from the server in place of the playing video. Its chart draws a long video with
at most 2,400 points a line, peaks and dips kept; the frames between are reached with the slider and the arrow keys.
"""
_REAL = """
**What real CLIP looks like.** Six captions on a film of twelve photographs: three are there, one is shown but not
sure, two fit nothing. What is there scores a few hundredths above what is not. Whole scenes and striking things work;
small things that somebody holds, actions, counts and negation are hard.
"""
_PICTURE = Path(__file__).parents[3] / "static" / "real_clip.png"


def draw_explanation(encoder: ShownEncoder) -> None:
    """Draw the popover."""
    with st.popover(
        unseen("What am I looking at?"), icon=":material/help:", help="What am I looking at?", key="help_box"
    ):
        st.markdown("##### What am I looking at?")
        st.markdown(_EXPLANATION)
        st.markdown(_REAL)
        st.image(str(_PICTURE), width="stretch")
        st.markdown(
            f"**{escape_markdown(encoder.name)}** sees {SEES[encoder.framing]}; "
            "*Model sees* in the sidebar changes that."
        )
        if encoder.id == SAMPLE:
            st.caption("The sample model knows emoji pictures, not photographs. See data/models/sample/README.md.")
