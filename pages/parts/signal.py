"""Sidebar, Signal: smoothing, threshold, score range, and whose moments are flagged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.scoring.smoothing import window_samples
from clip_core.values import Scores
from pages.parts.prompts import Prompts

GRID = 0.05


@dataclass(frozen=True)
class Signal:
    """What the sliders say: thresholds in cosine, the window in seconds."""

    threshold: float
    smoothing_s: float
    score_range: tuple[float, float]
    flagged: tuple[str, ...]

    @property
    def thresholds(self) -> dict[str, float]:
        """Prompt → threshold, for the prompts that are flagged."""
        return dict.fromkeys(self.flagged, self.threshold)


def choose_signal(settings: Config, encoder: ShownEncoder, scores: Scores, prompts: Prompts) -> Signal:
    """Draw the sliders with limits that fit the data; return what they say."""
    state = st.session_state
    st.markdown("##### Signal")
    _start_model(settings, encoder)
    low, high = _limits(encoder, scores)
    _start_values(settings, scores, low, high)
    threshold = st.slider(
        "Threshold",
        low,
        high,
        step=0.005,
        format="%.3f",
        key="threshold",
        persist_state="session",
        help="A moment is a stretch where the smoothed score stays at or above this. A good value depends on the "
        "model: for CLIP ViT-B/32 about 0.25–0.30, never 0.8.",
    )
    window = window_samples(state.smoothing, scores.times_s)
    smoothing_s = st.slider(
        "Smoothing",
        0.0,
        max(5.0, float(math.ceil(state.smoothing))),
        step=0.1,
        format="%.1f s",
        key="smoothing",
        persist_state="session",
        help=f"Centred moving average. {state.smoothing:.1f} s = {window} sample{'' if window == 1 else 's'}. "
        "0 shows the raw scores.",
    )
    score_range = st.slider(
        "Score range",
        low,
        high,
        step=0.01,
        format="%.2f",
        key="range",
        persist_state="session",
        on_change=_range_moved,
        help="Limits of the score axis and of the bars. What lies outside is neither flagged nor listed.",
    )
    flagged = _choose_flagged(prompts)
    return Signal(float(threshold), float(smoothing_s), (float(score_range[0]), float(score_range[1])), tuple(flagged))


def _choose_flagged(prompts: Prompts) -> list[str]:
    """Draw the pills that say whose moments are flagged; a prompt never seen before is.

    What is off is kept here, not in the pills: these are not mounted while the box is closed, and the browser goes on
    sending what they were, also after prompts were added. So other prompts get other pills.
    """
    state = st.session_state
    state.unflagged = {prompt for prompt in prompts.texts if prompt in state.get("unflagged", ())}
    flagged = [prompt for prompt in prompts.texts if prompt not in state.unflagged]
    key, of, _ = state.get("flag_pills", ("flagged_0", None, None))
    if of != prompts.texts or key not in state:  # nor do pills outlive a visit of another page
        state.flag_pills = (f"flagged_{int(key.rpartition('_')[2]) + 1}", prompts.texts, flagged)
    key, _, at_first = state.flag_pills
    label = f"Flag {len(flagged)} of {len(prompts.texts)} prompts"
    with st.popover(label, icon=":material/flag:", width="stretch", key="flag_box"), st.container(key="flagged"):
        st.pills(
            "Flag moments of",
            prompts.texts,
            selection_mode="multi",
            default=at_first,
            key=key,
            format_func=prompts.label,
            wrap=True,
            on_change=_flags_pressed,
        )
    return flagged


def _flags_pressed() -> None:
    state = st.session_state
    key, of, _ = state.flag_pills
    state.unflagged = set(of) - set(state[key])


def _start_model(settings: Config, encoder: ShownEncoder) -> None:
    """Under another model, start with its threshold: the config's if it speaks of this model, else its own."""
    state = st.session_state
    if state.get("limits_of") == encoder.fingerprint:
        return
    state.limits_of, state.limits, state.range_moved = encoder.fingerprint, None, False
    configured = settings.threshold if encoder.id == settings.model else None
    state.threshold = configured if configured is not None else encoder.default_threshold


def _limits(encoder: ShownEncoder, scores: Scores) -> tuple[float, float]:
    """Ends of the sliders: all scores, with some room above; they only widen while one model is shown."""
    state = st.session_state
    found = [encoder.default_threshold, state.threshold]
    if scores.values.size:
        found += [float(scores.values.min()), float(scores.values.max()) + 0.1 * float(np.ptp(scores.values))]
    else:
        found += [encoder.default_threshold - 0.15, encoder.default_threshold + 0.15]
    low = round(math.floor(min(found) / GRID) * GRID, 2)
    high = round(math.ceil(max(found) / GRID) * GRID, 2)
    if state.limits is not None:
        low, high = min(low, state.limits[0]), max(high, state.limits[1])
    state.limits = (max(-1.0, low), min(1.0, max(high, low + GRID)))
    return state.limits


def _start_values(settings: Config, scores: Scores, low: float, high: float) -> None:
    """Give each slider its value before it is drawn: the visitor's own, else the config's, else what fits the data."""
    state = st.session_state
    state.threshold = min(high, max(low, state.threshold))
    state.smoothing = float(state.get("smoothing", settings.smoothing_s))
    if not state.get("range_moved") or "range" not in state:
        values = scores.values
        bottom = math.floor(float(values.min()) * 100) / 100 if values.size else low
        top = math.ceil(float(values.max()) * 100) / 100 if values.size else high
        state["range"] = (max(low, bottom), min(high, max(top, bottom + 0.01)))
    state["range"] = (max(low, state["range"][0]), min(high, state["range"][1]))


def _range_moved() -> None:
    st.session_state.range_moved = True
