"""Sidebar, Signal: all its controls in their order, the filter and its width, and what the threshold means in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.encoders.base import ShownEncoder
from clip_core.evaluation.sweep import Setting
from clip_core.filters import FILTERS
from clip_core.scoring.detection import thresholds_by_hand
from clip_core.scoring.smoothing import step_s, window_samples
from clip_core.scoring.units import Equivalents, equivalents, equivalents_text
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.text import counted, value_text
from clip_core.types import Times, Unit
from pages.regions.sidebar import rules, threshold
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.state import SAMPLES, SECONDS, Range, sidebar_state
from pages.shared.widgets import bound

WIDEST_S, WIDEST_SAMPLES = 5.0, 25


@dataclass(frozen=True)
class Signal:
    """The settings of the sidebar, and the range of the score axis and of the bars."""

    settings: Settings
    axis: Range


def choose_signal(
    config: Config, encoder: ShownEncoder, video_scores: VideoScores, prompts: Prompts, video_id: str | None
) -> Signal:
    """Draw the controls, with limits that fit the data; return their values.

    ``video_id`` is None while nothing of the video is indexed.
    """
    pictures = prompts.pictures is not None
    st.markdown("##### Signal")
    threshold.start_thresholds(config, encoder, video_scores, pictures=pictures)
    left, right = st.columns([11, 13], vertical_alignment="bottom", gap="xsmall")  # else "Savitzky–Golay" is cut off
    with left:
        unit = threshold.choose_unit(video_scores)
    with right:
        smoothing = choose_smoothing()
    scores = video_scores.scale.in_unit(unit)
    limits = threshold.settle_sliders(scores, encoder, video_id)
    common = threshold.choose_threshold(unit, limits)
    state = sidebar_state()
    confidence = threshold.choose_confidence(video_scores) if common is None else state.confidence
    words_place = st.empty()
    smoothing_s, smoothing_samples = _choose_width(config, smoothing, scores.times_s)
    axis = threshold.choose_range(unit, limits)
    with st.container(horizontal=True, gap="xsmall", wrap=False, key="flag_row"):
        flagged = rules.choose_flagged(prompts, video_scores)
        chosen_rules = rules.choose_rules(unit, video_scores, limits, video_id, pictures=pictures)
    settings = Settings(
        prompts=prompts.lines,
        weights=prompts.weights,
        templates=prompts.templates,
        unit=unit,
        threshold=common,
        confidence=confidence,
        thresholds={p: own for p, own in state.own_thresholds.items() if p in video_scores.raw.prompts},
        smoothing=smoothing,
        smoothing_s=smoothing_s,
        smoothing_samples=smoothing_samples,
        unflagged=tuple(p for p in prompts.texts if p not in flagged),
        **chosen_rules,
    )
    words = threshold_words(settings, video_scores)
    words_place.caption(words, help=words_help(words))
    return Signal(settings, axis)


def use_swept(setting: Setting) -> None:
    """Use what a sweep found: threshold, smoothing and shortest duration. Thresholds of single prompts are dropped."""
    state = sidebar_state()
    threshold.use_common_threshold(setting.threshold)
    state.smoothing, state.smoothing_unit = setting.smoothing_s, SECONDS
    rules.use_shortest(setting.min_duration_s)


def put_smoothing(settings: Settings) -> None:
    """Put the filter and its width in place."""
    state, samples = sidebar_state(), settings.smoothing_samples
    state.smoothing_kind, state.smoothing = settings.smoothing, float(settings.smoothing_s)
    state.smoothing_unit = SECONDS if samples is None else SAMPLES
    if samples is not None:
        state.smoothing_samples = samples


def choose_smoothing() -> str:
    """Draw the list of filters; return a key of ``FILTERS``."""
    state, kinds = sidebar_state(), list(FILTERS)
    kind = st.selectbox(
        "Filter",
        kinds,
        index=kinds.index(state.smoothing_kind),
        format_func=lambda kind: FILTERS[kind].title,
        help="All are centred, so that none delays an onset. The same width blurs time about equally in each.",
        **bound(state, "smoothing_kind"),
    )
    return kind or "mean"


def _choose_width(config: Config, kind: str, times_s: Times) -> tuple[float, int | None]:
    """Draw the width; return it in seconds, and in samples if it was given in samples."""
    state, step = sidebar_state(), step_s(times_s)
    if state.smoothing is None:
        state.smoothing = float(config.smoothing_s)
    if state.smoothing_samples is None:
        state.smoothing_samples = window_samples(state.smoothing, times_s)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="smoothing_row"):
        slot = st.container()
        st.segmented_control(
            "Width in",
            [SECONDS, SAMPLES],
            default=state.smoothing_unit,
            required=True,
            label_visibility="collapsed",
            help="The unit in which the width is given and kept. With a width in samples, changing *Samples / s* "
            "changes the time that is smoothed over.",
            width="content",
            **bound(state, "smoothing_unit", _width_unit_changed, step),
        )
    help_text = f"Width of the {FILTERS[kind].title}. {{}} 0 shows the raw scores."
    if state.smoothing_unit == SAMPLES:
        return state.smoothing, _choose_samples(slot, help_text, state.smoothing_samples, step)
    samples = counted(window_samples(state.smoothing, times_s), "sample")
    return _choose_seconds(slot, help_text, state.smoothing, samples), None


def _choose_seconds(slot: DeltaGenerator, help_text: str, width_s: float, samples: str) -> float:
    label = f"Smoothing · {samples}"
    slot.markdown(f":small[{label}]", help=help_text.format(f"{width_s:.1f} s = {samples}."))
    return st.slider(
        label,
        0.0,
        max(WIDEST_S, float(math.ceil(width_s))),
        width_s,
        step=0.1,
        format="%.1f s",
        label_visibility="collapsed",  # it is drawn beside the unit
        **bound(sidebar_state(), "smoothing"),
    )


def _choose_samples(slot: DeltaGenerator, help_text: str, samples: int, step: float) -> int:
    width = f"{samples * step:.3g} s"
    label = f"Smoothing · {width}"
    slot.markdown(
        f":small[{label}]", help=help_text.format(f"{counted(samples, 'sample')} = {width} at the current rate.")
    )
    most = max(WIDEST_SAMPLES, samples)
    drawn = bound(sidebar_state(), "smoothing_samples")
    chosen: int = st.slider(label, 0, most, samples, label_visibility="collapsed", **drawn)
    return chosen


def _width_unit_changed(step: float) -> None:
    """Convert the width to the unit that was chosen; ``step`` is the time between samples in seconds."""
    state = sidebar_state()
    if state.smoothing is None or state.smoothing_samples is None:
        return  # nothing is drawn yet
    if state.smoothing_unit == SAMPLES:
        state.smoothing_samples = round(state.smoothing / step) if step > 0 else 1
    elif step > 0:
        state.smoothing = round(state.smoothing_samples * step, 3)


def threshold_words(settings: Settings, video_scores: VideoScores) -> str:
    """Return a description, as Markdown, of what decides where moments are."""
    prompts = [prompt for prompt in video_scores.raw.prompts if prompt not in settings.unflagged]
    if not prompts:
        return "No prompt is flagged."
    every = thresholds_by_hand(settings, video_scores.raw.prompts)
    by_hand = {prompt: score for prompt, score in every.items() if prompt in prompts}
    if settings.threshold is None:
        return _words_of_detection(settings, video_scores, len(prompts), len(by_hand))
    same = [equivalents(video_scores.scale, prompt, settings.unit, score) for prompt, score in by_hand.items()]
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
    return "\n\n".join(meaning for term, meaning in _EXPLAINED.items() if term in words) or None


def _words_of_detection(settings: Settings, video_scores: VideoScores, prompts: int, by_hand: int) -> str:
    """Return the words for detection, where smoothing changes only moments of prompts with their own threshold."""
    own = f"{by_hand} of {prompts} prompts have thresholds of their own{_bank_words(settings, video_scores)}."
    if by_hand == prompts:
        return own
    words = ["On segments, whatever the smoothing.", own if by_hand else ""]
    words.append("" if video_scores.has_bank else "Neutral texts are not used, so it cannot say how sure it is.")
    return " ".join(filter(None, words))


def _bank_words(settings: Settings, video_scores: VideoScores) -> str:
    """Return the words for the rule that a moment must beat the null bank, or "" if it is off."""
    is_on = settings.bank_share and video_scores.banks
    return f" · and beats {settings.bank_share:g} % of the null bank (Rules)" if is_on else ""


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
