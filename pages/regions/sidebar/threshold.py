"""Sidebar, Signal: the unit of the curves, and the threshold, which is converted when the unit changes."""

from __future__ import annotations

import streamlit as st

from clip_core.scoring.detection import convert_threshold, thresholds_by_hand
from clip_core.scoring.units import Equivalents, equivalents, equivalents_text
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import CONFIDENCES, UNITS, Settings
from clip_core.text import value_decimals, value_text
from clip_core.types import Unit
from pages.shared.widgets import bound

UNIT_NAMES: dict[Unit, str] = {
    "corrected": "corrected",
    "z": "z (robust)",
    "cosine": "cosine",
    "percentile": "percentile",
    "margin": "margin",
    "softmax": "softmax",
}
UNIT_HELP = (
    "**corrected**: cosine, less what 300 neutral texts score on the same frame.\n\n"
    "**z**: how far a score stands above this prompt's own median in this video, in robust deviations: says *when*.\n\n"
    "**cosine**: the raw similarity, the only one that is kept; its useful range differs from model to model.\n\n"
    "**percentile**: the rank of a sample within the video.\n\n"
    '**margin**: lead over the best negative prompt (a line such as "- a person").\n\n'
    "**softmax**: which of the shown prompts and negatives wins; never whether anything is there."
)
STEPS: dict[Unit, float] = {
    "corrected": 0.005, "cosine": 0.005, "z": 0.05, "percentile": 0.1, "margin": 0.005, "softmax": 0.01
}  # fmt: skip
GRIDS: dict[Unit, float] = {
    "corrected": 0.05, "cosine": 0.05, "z": 0.5, "percentile": 100.0, "margin": 0.05, "softmax": 1.0
}  # fmt: skip
ALONE: dict[Unit, tuple[float, float]] = {
    "corrected": (-0.1, 0.1), "cosine": (-0.15, 0.15), "z": (-2.0, 6.0), "percentile": (0.0, 100.0),
    "margin": (-0.1, 0.1), "softmax": (0.0, 1.0),
}  # fmt: skip
"""Ends of the slider while there are no samples: a range of plausible thresholds."""
_LACKS: dict[Unit, str] = {
    "margin": "Margin needs a negative prompt, such as “- a person”.",
    "corrected": "The null bank cannot be asked, so there are no corrected scores.",
}
MODES = ["Adapt", "One for all"]


def choose_unit(video_scores: VideoScores) -> Unit:
    """Draw the list of units; return the chosen one. A change converts the thresholds."""
    state, possible = st.session_state, video_scores.scale.units
    if state.unit not in possible:
        st.toast(f"{_LACKS[state.unit]} Here is z instead.", icon=":material/info:")
        _change_unit("z", video_scores)
    state.unit_seen = state.unit
    units = [unit for unit in UNITS if unit in possible]
    unit = st.selectbox(
        "Unit",
        units,
        index=units.index(state.unit),
        format_func=lambda unit: UNIT_NAMES[unit],
        help=UNIT_HELP,
        **bound(st.session_state, "unit", _unit_chosen, video_scores),
    )
    return unit or "z"


def _unit_chosen(video_scores: VideoScores) -> None:
    state = st.session_state
    wanted, state.unit = state.unit, state.unit_seen
    _change_unit(wanted, video_scores)


def _change_unit(wanted: Unit, video_scores: VideoScores) -> None:
    """Convert the thresholds to another unit; reset limits and range, switch hysteresis and filter off.

    They are converted from the values last set by hand, not from unit to unit, so that they come back unchanged.
    """
    state = st.session_state
    if not state.get("thresholds_before"):
        state.thresholds_before = (state.unit, state.threshold, state.get("own_thresholds", {}))
    unit, common, own = state.thresholds_before
    if unit not in video_scores.scale.units:  # a margin without negatives no longer means anything
        state.thresholds_before, common, own = None, sum(ALONE[wanted]) / 2, {}
        unit, state.threshold_mode = wanted, MODES[0]
    carried = convert_threshold(common, unit, wanted, video_scores)
    state.threshold = state.threshold if carried is None else carried
    converted = {prompt: convert_threshold(old, unit, wanted, video_scores, prompt) for prompt, old in own.items()}
    state.own_thresholds = {prompt: threshold for prompt, threshold in converted.items() if threshold is not None}
    state.unit, state.limits, state.range_moved = wanted, None, False
    state.hysteresis, state.filter_on = 0.0, False


def _threshold_moved() -> None:
    st.session_state.thresholds_before = None


def choose_threshold(unit: Unit, low: float, high: float) -> float | None:
    """Draw the threshold; return it, or None if moments are detected from the data for each prompt."""
    mode = st.segmented_control(
        "Threshold",
        MODES,
        required=True,
        default=st.session_state.threshold_mode,
        help="**Adapt** cuts the video into segments where the picture changes, and asks for each prompt whether its "
        "highest segment beats neutral texts, and which segments are about as high. **One for all**: a moment is a "
        "stretch where the smoothed curve stays at or above the slider. In cosine a good value depends on the model: "
        "for CLIP ViT-B/32 about 0.25–0.30, never 0.8.",
        **bound(st.session_state, "threshold_mode"),
    )
    if mode == MODES[0]:
        return None
    threshold: float = st.slider(
        "Threshold",
        low,
        high,
        st.session_state.threshold,
        step=STEPS[unit],
        format=f"%.{value_decimals(unit)}f",
        label_visibility="collapsed",  # the switch above it says what it is
        **bound(st.session_state, "threshold", _threshold_moved),
    )
    return threshold


def choose_confidence(video_scores: VideoScores) -> float:
    """Draw the confidence: the share of neutral texts that a prompt must beat to count as there."""
    state = st.session_state
    options = sorted({*CONFIDENCES, float(state.confidence)})  # a settings file may hold another
    chosen = st.segmented_control(
        "Confidence",
        options,
        default=float(state.confidence),
        required=True,
        format_func=lambda share: f"{100 * share:g} %{' sure' if share == options[0] else ''}",
        label_visibility="collapsed",
        disabled=not video_scores.has_bank or not video_scores.banks,
        help="A prompt is there if its best segment beats this share of 300 neutral texts, each in its own best "
        "segment of this video. At 95 % about 5 of 100 prompts that are not in the video come out as there.",
        **bound(st.session_state, "confidence"),
    )
    return float(chosen or state.confidence)


def threshold_words(settings: Settings, video_scores: VideoScores) -> str:
    """Return a description, as Markdown, of what decides where moments are."""
    prompts = [prompt for prompt in video_scores.raw.prompts if prompt not in settings.unflagged]
    if not prompts:
        return "No prompt is flagged."
    by_hand = {
        p: threshold for p, threshold in thresholds_by_hand(settings, video_scores.raw.prompts).items() if p in prompts
    }
    if settings.threshold is None:
        return _words_of_detection(settings, video_scores, len(prompts), len(by_hand))
    same = [equivalents(video_scores.scale, prompt, settings.unit, threshold) for prompt, threshold in by_hand.items()]
    words = equivalents_text(same[0]) if len(same) == 1 else _spans(settings.unit, same)
    return f"{words}{_bank_words(settings, video_scores)}"


_EXPLAINED = {
    "≙": "**≙** joins what is the same threshold in other units.",
    "top": "**top 25 %**: a quarter of the video's samples reach it.",
    "z ": "**z** counts robust deviations above what this prompt usually scores in this video.",
    "null bank": "**Null bank**: 300 neutral texts, embedded once for each model. A moment must beat the share that "
    "*Rules* name, each text at its own best in this video.",
    "On segments": "The video is cut into segments where the picture changes. Verdicts and moments are made of whole "
    "segments, so *Smoothing* changes the drawn curves alone.",
}


def words_help(words: str) -> str | None:
    """Return what the signs and terms in ``threshold_words`` mean, or None if there are none."""
    return "\n\n".join(told for term, told in _EXPLAINED.items() if term in words) or None


def _words_of_detection(settings: Settings, video_scores: VideoScores, prompts: int, by_hand: int) -> str:
    """Return the words for detection, where smoothing changes only moments of prompts with their own threshold."""
    own = f"{by_hand} of {prompts} prompts have thresholds of their own{_bank_words(settings, video_scores)}."
    if by_hand == prompts:
        return own
    words = ["On segments, whatever the smoothing.", own if by_hand else ""]
    words.append("" if video_scores.has_bank else "No neutral texts are asked, so it cannot say how sure it is.")
    return " ".join(filter(None, words))


def _bank_words(settings: Settings, video_scores: VideoScores) -> str:
    """Return the words for the rule that a moment must beat the null bank, or "" if it is off."""
    return (
        f" · and beats {settings.bank_share:g} % of the null bank (Rules)"
        if settings.bank_share and video_scores.banks
        else ""
    )


def _spans(unit: Unit, same: list[Equivalents]) -> str:
    """Return, in the other units, the range of what one threshold means for different prompts."""
    words = []
    for other in ("z", "cosine"):
        numbers = [number for s in same if (number := getattr(s, other)) is not None]
        if other != unit and numbers:
            words.append(f"{other} {value_text(min(numbers), other)} … {value_text(max(numbers), other)}")
    if unit != "percentile":  # a percentile is itself a share, the same for all
        shares = [100 * s.share for s in same]
        words.append(f"top {min(shares):.1f} … {max(shares):.1f} %")
    return "≙ " + " ≙ ".join(words) if words else ""
