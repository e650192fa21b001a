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
from pages.parts.prompts import Prompts, choose

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
    _drop_stale_flags()
    flagged = [p for p in prompts.texts if p in state.get("flagged", prompts.texts)]
    new = [p for p in prompts.texts if p not in state.get("flagged_known", ())]
    count = len({*flagged, *new})
    with st.popover(
        f"Flag {count} of {len(prompts.texts)} prompts",
        icon=":material/flag:",
        width="stretch",
        key="flag_box",
        on_change="rerun",
    ):
        flagged = choose("flagged", "Flag moments of", prompts, wrap=True, width="content")
    state.flags = flagged
    return Signal(float(threshold), float(smoothing_s), (float(score_range[0]), float(score_range[1])), tuple(flagged))


def _drop_stale_flags() -> None:
    """Put the flags back that a closed box has lost.

    The browser goes on sending what the pills were when the box was closed, also after prompts were added.
    So once the box was opened, only an open box (or one that was open until now) may change them.
    """
    state = st.session_state
    is_open, was_open = bool(state.get("flag_box")), bool(state.get("flag_was_open"))
    state.flag_was_open = is_open
    state.flag_opened = is_open or bool(state.get("flag_opened"))
    if state.flag_opened and not is_open and not was_open:
        state.flagged = state.get("flags", [])


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
