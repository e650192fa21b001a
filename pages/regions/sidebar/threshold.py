"""Sidebar, Signal: the unit of the curves, the threshold, which is converted when the unit changes, and the range."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
import streamlit as st

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.scoring.detection import convert_threshold
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import CONFIDENCES, UNITS, Settings
from clip_core.text import shown_value, value_decimals
from clip_core.types import Scores, Unit
from pages.regions.sidebar.state import ADAPT, MODES, ONE_FOR_ALL, Range, sidebar_state
from pages.shared.widgets import bound


class UnitScale(NamedTuple):
    """How the controls of a unit are drawn."""

    title: str
    step: float  # of the sliders of scores
    ends: Range  # theirs while there are no samples: a range of plausible thresholds
    grid: float | None  # their ends are multiples of it; None keeps ``ends``
    most_hysteresis: float

    @property
    def middle(self) -> float:
        """The threshold to start with where the data gives none."""
        return sum(self.ends) / 2


SCALES: dict[Unit, UnitScale] = {
    "corrected": UnitScale("corrected", 0.005, (-0.1, 0.1), 0.05, 0.2),
    "z": UnitScale("z (robust)", 0.05, (-2.0, 6.0), 0.5, 5.0),
    "cosine": UnitScale("cosine", 0.005, (-0.15, 0.15), 0.05, 0.2),
    "percentile": UnitScale("percentile", 0.1, (0.0, 100.0), None, 50.0),
    "margin": UnitScale("margin", 0.005, (-0.1, 0.1), 0.05, 0.2),
    "softmax": UnitScale("softmax", 0.01, (0.0, 1.0), None, 1.0),
}
_UNIT_HELP = (
    "**corrected**: cosine, less what 300 neutral texts score on the same frame.\n\n"
    "**z**: how far a score stands above this prompt's own median in this video, in robust deviations: says *when*.\n\n"
    "**cosine**: the raw similarity, the only one that is kept; its useful range differs from model to model.\n\n"
    "**percentile**: the rank of a sample within the video.\n\n"
    '**margin**: lead over the best negative prompt (a line such as "- a person").\n\n'
    "**softmax**: which of the shown prompts and negatives wins; never whether anything is there."
)
_LACKS: dict[Unit, str] = {
    "margin": "Margin needs a negative prompt, such as “- a person”.",
    "corrected": "The null bank cannot be used, so there are no corrected scores.",
}


def put_thresholds(settings: Settings, made_with: str | None) -> None:
    """Put unit, thresholds and confidence in place; under another model than ``made_with`` they start anew."""
    state = sidebar_state()
    state.unit, state.confidence = settings.unit, float(settings.confidence)
    state.thresholds_of = made_with
    state.drop_scale()
    _start_from(settings.threshold)
    state.own_thresholds = dict(settings.thresholds)


def use_common_threshold(threshold: float | None) -> None:
    """Use a threshold in the unit in force for all prompts; None: they adapt. Own thresholds are dropped."""
    state = sidebar_state()
    before = state.threshold
    _start_from(threshold)
    if threshold is None:  # the slider comes back where it was
        state.threshold = before


def _start_from(threshold: float | None) -> None:
    state = sidebar_state()
    state.threshold_mode = ADAPT if threshold is None else ONE_FOR_ALL
    state.threshold = math.nan if threshold is None else float(threshold)
    state.own_thresholds, state.thresholds_set = {}, None


def use_own_thresholds(thresholds: Mapping[str, float | None]) -> None:
    """Give prompts thresholds of their own, in the unit in force; None takes a prompt's own threshold away."""
    state = sidebar_state()
    changed = {**state.own_thresholds, **thresholds}
    state.own_thresholds = {prompt: own for prompt, own in changed.items() if own is not None}
    state.thresholds_set = None


def own_thresholds_of(prompts: Collection[str]) -> dict[str, float]:
    """Drop the own thresholds of all other prompts; return the rest."""
    state = sidebar_state()
    state.own_thresholds = {prompt: own for prompt, own in state.own_thresholds.items() if prompt in prompts}
    return state.own_thresholds


def start_thresholds(config: Config, encoder: ShownEncoder, video_scores: VideoScores, *, pictures: bool) -> None:
    """Under another model, start anew: with the config's threshold if it is for this model, else with detection.

    The config's threshold and the model's default are cosines between a picture and a text.
    """
    state = sidebar_state()
    if state.thresholds_of == "":
        state.thresholds_of = encoder.fingerprint
    elif state.thresholds_of != encoder.fingerprint:
        state.thresholds_of = encoder.fingerprint
        state.drop_scale()
        state.unit, threshold = start_of_model(config, encoder, has_bank=video_scores.has_bank, pictures=pictures)
        _start_from(threshold)
    if math.isnan(state.threshold):
        state.threshold = _usual_threshold(encoder, video_scores, pictures=pictures)


def _usual_threshold(encoder: ShownEncoder, video_scores: VideoScores, *, pictures: bool) -> float:
    """Return the threshold to start with, in the unit in force."""
    unit = sidebar_state().unit
    usual: tuple[float, Unit] = (SCALES["z"].middle, "z") if pictures else (encoder.default_threshold, "cosine")
    possible = unit in video_scores.scale.units
    if possible and (threshold := convert_threshold(*usual, unit, video_scores)) is not None:
        return threshold
    return encoder.default_threshold if unit == "cosine" else SCALES[unit].middle


def start_of_model(
    config: Config, encoder: ShownEncoder, *, has_bank: bool, pictures: bool = False
) -> tuple[Unit, float | None]:
    """Return the unit and threshold with which a model starts; None: moments are detected on segments."""
    if config.threshold is not None and encoder.id == config.model and not pictures:
        return "cosine", config.threshold
    return "corrected" if has_bank and not pictures else "z", None


def choose_unit(video_scores: VideoScores) -> Unit:
    """Draw the list of units; return the chosen one. A change converts the thresholds."""
    state, possible = sidebar_state(), video_scores.scale.units
    if state.unit not in possible:
        st.toast(f"{_LACKS[state.unit]} The unit is now z.", icon=":material/info:")
        before, state.unit = state.unit, "z"
        _unit_changed(before, video_scores)
    units = [unit for unit in UNITS if unit in possible]
    unit = st.selectbox(
        "Unit",
        units,
        index=units.index(state.unit),
        format_func=lambda unit: SCALES[unit].title,
        help=_UNIT_HELP,
        **bound(state, "unit", _unit_changed, state.unit, video_scores),
    )
    return unit or "z"


def _unit_changed(before: Unit, video_scores: VideoScores) -> None:
    """Convert the thresholds from the unit ``before``; reset limits and range, switch hysteresis and filter off.

    They are converted from the values last set by hand, not from unit to unit, so that they come back unchanged.
    """
    state = sidebar_state()
    unit, common, own = state.thresholds_set = state.thresholds_set or (before, state.threshold, state.own_thresholds)
    if unit not in video_scores.scale.units:  # a margin without negatives no longer means anything
        state.thresholds_set, state.threshold_mode = None, ADAPT
        unit, common, own = state.unit, SCALES[state.unit].middle, {}
    converted = convert_threshold(common, unit, state.unit, video_scores)
    state.threshold = state.threshold if converted is None else converted
    every = {prompt: convert_threshold(old, unit, state.unit, video_scores, prompt) for prompt, old in own.items()}
    state.own_thresholds = {prompt: threshold for prompt, threshold in every.items() if threshold is not None}
    state.hysteresis = 0.0
    state.drop_scale()


def settle_sliders(scores: Scores, encoder: ShownEncoder, video_id: str | None) -> Range:
    """Set the sliders of threshold and range to values within their ends; return the ends. Call before they are drawn.

    A range that the visitor has not moved fits the data.
    """
    state = sidebar_state()
    low, high = _limits(scores, encoder, video_id)
    threshold = min(high, max(low, state.threshold))
    state.threshold = threshold if shown_value(threshold, scores.unit) else 0.0  # the slider would write "-0.00"
    if not state.range_moved or state.range is None:
        values = scores.values
        steps = 10 ** (value_decimals(scores.unit) - 1)  # ends between steps would be shown rounded, or as "-0.0"
        bottom = math.floor(float(values.min()) * steps) / steps if values.size else low
        top = math.ceil(float(values.max()) * steps) / steps if values.size else high
        state.range = (max(low, bottom), min(high, max(top, bottom + 1 / steps)))
    bottom, top = (min(high, max(low, end)) for end in state.range)
    if bottom >= top:  # both ends were moved to one value, or lie outside another video's limits
        top = min(high, bottom + 2 * SCALES[scores.unit].step)
        bottom = max(low, top - 2 * SCALES[scores.unit].step)
    state.range = (bottom, top)
    return low, high


def _limits(scores: Scores, encoder: ShownEncoder, video_id: str | None) -> Range:
    """Return the ends of the sliders: all scores, with some room above. They only widen for one video and unit."""
    state, scale, values = sidebar_state(), SCALES[scores.unit], scores.values
    if state.limits_for != video_id:
        state.limits_for, state.limits = video_id, None
    if scale.grid is None:
        return scale.ends
    inside = [state.threshold, *(state.range if state.range_moved and state.range else ())]
    if values.size:
        inside += [float(values.min()), float(values.max()) + 0.1 * float(np.ptp(values))]
    else:
        inside += [end + (encoder.default_threshold if scores.unit == "cosine" else 0.0) for end in scale.ends]
    before = state.limits or (math.inf, -math.inf)
    low = min(round(math.floor(min(inside) / scale.grid) * scale.grid, 2), before[0])
    high = max(round(math.ceil(max(inside) / scale.grid) * scale.grid, 2), before[1], low + scale.grid)
    state.limits = (max(-1.0, low), min(1.0, high)) if scores.unit == "cosine" else (low, high)
    return state.limits


def choose_threshold(unit: Unit, limits: Range) -> float | None:
    """Draw the threshold; return it, or None if moments are detected from the data for each prompt."""
    state = sidebar_state()
    mode = st.segmented_control(
        "Threshold",
        MODES,
        required=True,
        default=state.threshold_mode,
        help="**Adapt** cuts the video into segments where the picture changes, and asks for each prompt whether its "
        "highest segment beats neutral texts, and which segments are about as high. **One for all**: a moment is a "
        "stretch where the smoothed curve stays at or above the slider. In cosine a good value depends on the model: "
        "for CLIP ViT-B/32 about 0.25–0.30, never 0.8.",
        **bound(state, "threshold_mode"),
    )
    if mode == ADAPT:
        return None
    threshold: float = st.slider(
        "Threshold",
        *limits,
        state.threshold,
        step=SCALES[unit].step,
        format=f"%.{value_decimals(unit)}f",
        label_visibility="collapsed",  # the switch above it says what it is
        **bound(state, "threshold", _threshold_moved),
    )
    return threshold


def _threshold_moved() -> None:
    sidebar_state().thresholds_set = None


def choose_confidence(video_scores: VideoScores) -> float:
    """Draw the confidence: the share of neutral texts that a prompt must beat to count as there."""
    state = sidebar_state()
    options = sorted({*CONFIDENCES, state.confidence})  # a settings file may hold another
    chosen = st.segmented_control(
        "Confidence",
        options,
        default=state.confidence,
        required=True,
        format_func=lambda share: f"{100 * share:g} %{' sure' if share == options[0] else ''}",
        label_visibility="collapsed",
        disabled=not video_scores.has_bank or not video_scores.banks,
        help="A prompt is there if its best segment beats this share of 300 neutral texts, each in its own best "
        "segment of this video. At 95 % about 5 of 100 prompts that are not in the video come out as there.",
        **bound(state, "confidence"),
    )
    return chosen or state.confidence


def choose_range(unit: Unit, limits: Range) -> Range:
    """Draw the range of the score axis and of the bars; return it."""
    state = sidebar_state()
    bottom, top = st.slider(
        "Score range",
        *limits,
        state.range,
        step=2 * SCALES[unit].step,
        format=f"%.{value_decimals(unit) - 1}f",
        help="Limits of the score axis and of the bars. Display only: moments are found as before. To leave scores out "
        "of moments, switch on the score filter under Rules.",
        **bound(state, "range", _range_moved),
    )
    return float(bottom), float(top)


def _range_moved() -> None:
    sidebar_state().range_moved = True
