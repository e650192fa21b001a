"""Sidebar, Signal: unit, threshold, smoothing, range of the axis, flagged prompts, and rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import streamlit as st

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.scoring.detection import convert_threshold
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.text import shown_value, value_decimals
from clip_core.types import Scores, Unit
from pages.regions.chart.curves import scored_video
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.rules import choose_flagged, choose_rules
from pages.regions.sidebar.smoothing import choose_smoothing, choose_width
from pages.regions.sidebar.threshold import (
    ALONE,
    GRIDS,
    MODES,
    STEPS,
    choose_confidence,
    choose_threshold,
    choose_unit,
    threshold_words,
    words_help,
)
from pages.shared.widgets import bound


@dataclass(frozen=True)
class Signal:
    """The settings of the sidebar, and the range of the score axis and of the bars."""

    settings: Settings
    axis: tuple[float, float]


def choose_signal(config: Config, encoder: ShownEncoder, video_scores: VideoScores, prompts: Prompts) -> Signal:
    """Draw the controls, with limits that fit the data; return their values."""
    state, raw = st.session_state, video_scores.raw
    st.markdown("##### Signal")
    _start_model(config, encoder, video_scores, pictures=prompts.pictures is not None)
    left, right = st.columns([11, 13], vertical_alignment="bottom", gap="xsmall")  # else "Savitzky–Golay" is cut off
    with left:
        unit = choose_unit(video_scores)
    with right:
        smoothing = choose_smoothing()
    scores = video_scores.scale.in_unit(unit)
    low, high = _limits(unit, encoder, scores)
    _start_values(scores, low, high)
    threshold = choose_threshold(unit, low, high)
    confidence = choose_confidence(video_scores) if threshold is None else float(state.confidence)
    told = st.empty()
    smoothing_s, smoothing_samples = choose_width(config, smoothing, scores.times_s)
    axis = _choose_range(unit, low, high)
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="flag_row"):
        flagged = choose_flagged(prompts, video_scores)
        rules, time_range = choose_rules(unit, video_scores, (low, high), pictures=prompts.pictures is not None)
    settings = Settings(
        prompts=prompts.lines,
        weights=prompts.weights,
        templates=prompts.templates,
        unit=unit,
        threshold=threshold,
        confidence=confidence,
        thresholds={p: t for p, t in state.own_thresholds.items() if p in raw.prompts},  # in the current unit
        smoothing=smoothing,
        smoothing_s=smoothing_s,
        smoothing_samples=smoothing_samples,
        unflagged=tuple(p for p in prompts.texts if p not in flagged),
        time_range=time_range,
        **rules,
    )
    words = threshold_words(settings, video_scores)
    told.caption(words, help=words_help(words))
    return Signal(settings, axis)


def _choose_range(unit: Unit, low: float, high: float) -> tuple[float, float]:
    bottom, top = st.slider(
        "Score range",
        low,
        high,
        st.session_state["range"],
        step=2 * STEPS[unit],
        format=f"%.{value_decimals(unit) - 1}f",
        help="Limits of the score axis and of the bars. Display only: moments are found as before. To leave scores out "
        "of moments, switch on the score filter under Rules.",
        **bound(st.session_state, "range", _range_moved),
    )
    return float(bottom), float(top)


def _start_model(config: Config, encoder: ShownEncoder, video_scores: VideoScores, *, pictures: bool) -> None:
    """Under another model, start anew: with the config's threshold if it is for this model, else with detection.

    The config's threshold and the model's default are cosines between a picture and a text.
    """
    state = st.session_state
    made_with = state.pop("recipe_given", None)
    if made_with is not None:
        state.limits_of, state.limits = encoder.fingerprint if made_with in ("", encoder.fingerprint) else None, None
    if state.get("limits_of") != encoder.fingerprint:
        state.limits_of, state.limits = encoder.fingerprint, None
        state.range_moved = state.filter_on = False
        state.own_thresholds, state.thresholds_before = {}, None
        state.unit, state.threshold = start_of_model(config, encoder, has_bank=video_scores.has_bank, pictures=pictures)
        state.threshold_mode = MODES[0] if state.threshold is None else MODES[1]
    state.setdefault("confidence", Settings().confidence)
    if state.threshold is None and state.unit in video_scores.scale.units:
        usual: tuple[float, Unit] = (sum(ALONE["z"]) / 2, "z") if pictures else (encoder.default_threshold, "cosine")
        state.threshold = convert_threshold(*usual, state.unit, video_scores)
    if state.threshold is None:
        state.threshold = encoder.default_threshold if state.unit == "cosine" else sum(ALONE[state.unit]) / 2


def start_of_model(
    config: Config, encoder: ShownEncoder, *, has_bank: bool, pictures: bool = False
) -> tuple[Unit, float | None]:
    """Return the unit and threshold with which a model starts; None: moments are detected on segments."""
    configured = config.threshold if encoder.id == config.model and not pictures else None
    if configured is not None:
        return "cosine", configured
    return "corrected" if has_bank and not pictures else "z", None


def _limits(unit: Unit, encoder: ShownEncoder, scores: Scores) -> tuple[float, float]:
    """Return the ends of the sliders: all scores, with some room above. They only widen for one video and unit."""
    state, grid = st.session_state, GRIDS[unit]
    if state.get("limits_for") != scored_video():
        state.limits_for, state.limits = scored_video(), None
    low_end, high_end = ALONE[unit]
    if unit in ("percentile", "softmax"):
        return low_end, high_end
    found = [state.threshold, *(state.get("range", ()) if state.get("range_moved") else ())]
    if scores.values.size:
        found += [float(scores.values.min()), float(scores.values.max()) + 0.1 * float(np.ptp(scores.values))]
    else:
        middle = encoder.default_threshold if unit == "cosine" else 0.0
        found += [middle + low_end, middle + high_end]
    low = round(math.floor(min(found) / grid) * grid, 2)
    high = round(math.ceil(max(found) / grid) * grid, 2)
    if state.limits is not None:
        low, high = min(low, state.limits[0]), max(high, state.limits[1])
    high = max(high, low + grid)
    limits = (max(-1.0, low), min(1.0, high)) if unit == "cosine" else (low, high)
    state.limits = limits
    return limits


def _start_values(scores: Scores, low: float, high: float) -> None:
    """Set the sliders before they are drawn: clamp values to the limits; a range that nobody moved fits the data."""
    state = st.session_state
    threshold = min(high, max(low, float(state.threshold)))
    state.threshold = threshold if shown_value(threshold, scores.unit) else 0.0  # the slider would write "-0.00"
    if not state.get("range_moved") or "range" not in state:
        values = scores.values
        steps = 10 ** (value_decimals(scores.unit) - 1)  # ends between steps would be shown rounded, or as "-0.0"
        bottom = math.floor(float(values.min()) * steps) / steps if values.size else low
        top = math.ceil(float(values.max()) * steps) / steps if values.size else high
        state["range"] = (max(low, bottom), min(high, max(top, bottom + 1 / steps)))
    bottom, top = (min(high, max(low, end)) for end in state["range"])
    if bottom >= top:  # both ends were moved to one value, or lie outside another video's limits
        top = min(high, bottom + 2 * STEPS[scores.unit])
        bottom = max(low, top - 2 * STEPS[scores.unit])
    state["range"] = (bottom, top)


def _range_moved() -> None:
    st.session_state.range_moved = True
