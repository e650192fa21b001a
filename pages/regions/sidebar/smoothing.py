"""Sidebar, Signal: the filter, and its width in seconds or in samples."""

from __future__ import annotations

import math

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.filters import FILTERS
from clip_core.scoring.smoothing import step_s, window_samples
from clip_core.settings import Settings
from clip_core.types import Times
from pages.shared.widgets import bound

SECONDS, SAMPLES = "s", "samples"
WIDEST_S, WIDEST_SAMPLES = 5.0, 25
UNIT_HELP = (
    "What the width is given in, and kept in: with a width in samples, another *Samples / s* smooths over another time."
)


def put_smoothing(settings: Settings) -> None:
    """Put the filter and width of settings into the session. Call before they are drawn."""
    state, samples = st.session_state, settings.smoothing_samples
    state.smoothing_kind, state.smoothing = settings.smoothing, float(settings.smoothing_s)
    state.smoothing_unit = SECONDS if samples is None else SAMPLES
    if samples is not None:
        state.smoothing_samples = samples


def choose_smoothing() -> str:
    """Draw the list of filters; return a key of ``FILTERS``."""
    kind = st.selectbox(
        "Filter",
        list(FILTERS),
        index=list(FILTERS).index(st.session_state.setdefault("smoothing_kind", "mean")),
        format_func=lambda kind: FILTERS[kind].title,
        help="All are centred, so that none delays an onset. The same width blurs time about alike in each.",
        **bound(st.session_state, "smoothing_kind"),
    )
    return kind or "mean"


def choose_width(config: Config, kind: str, times_s: Times) -> tuple[float, int | None]:
    """Draw the width; return it in seconds, and in samples if it was given in samples.

    Args:
        config: The config, which gives the width to start with.
        kind: The filter, a key of ``FILTERS``.
        times_s: The times of the samples.
    """
    state = st.session_state
    state.smoothing = float(state.get("smoothing", config.smoothing_s))
    state.setdefault("smoothing_unit", SECONDS)
    state.setdefault("smoothing_samples", window_samples(state.smoothing, times_s))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="smoothing_row"):
        slot = st.container()
        st.segmented_control(
            "Width in",
            [SECONDS, SAMPLES],
            default=state.smoothing_unit,
            required=True,
            label_visibility="collapsed",
            help=UNIT_HELP,
            width="content",
            **bound(st.session_state, "smoothing_unit", _unit_chosen, step_s(times_s)),
        )
    given = f"Width of the {FILTERS[kind].title}. {{}} 0 shows the raw scores."
    if state.smoothing_unit == SAMPLES:
        return state.smoothing, _choose_samples(slot, given, times_s)
    return _choose_seconds(slot, given, times_s), None


def _choose_seconds(slot: DeltaGenerator, help_text: str, times_s: Times) -> float:
    state = st.session_state
    counted = _counted(window_samples(state.smoothing, times_s))
    label = f"Smoothing · {counted}"
    slot.markdown(f":small[{label}]", help=help_text.format(f"{state.smoothing:.1f} s = {counted}."))
    width_s: float = st.slider(
        label,
        0.0,
        max(WIDEST_S, float(math.ceil(state.smoothing))),
        state.smoothing,
        step=0.1,
        format="%.1f s",
        label_visibility="collapsed",  # it is drawn beside the unit
        **bound(st.session_state, "smoothing"),
    )
    return width_s


def _choose_samples(slot: DeltaGenerator, help_text: str, times_s: Times) -> int:
    state = st.session_state
    width = f"{state.smoothing_samples * step_s(times_s):.3g} s"
    label = f"Smoothing · {width}"
    words = f"{_counted(state.smoothing_samples)} = {width} at the rate of now."
    slot.markdown(f":small[{label}]", help=help_text.format(words))
    samples: int = st.slider(
        label,
        0,
        max(WIDEST_SAMPLES, int(state.smoothing_samples)),
        int(state.smoothing_samples),
        label_visibility="collapsed",
        **bound(st.session_state, "smoothing_samples"),
    )
    return samples


def _counted(samples: int) -> str:
    return f"{samples} sample{'' if samples == 1 else 's'}"


def _unit_chosen(step: float) -> None:
    """Convert the width to the unit that was chosen."""
    state = st.session_state
    if state.smoothing_unit == SAMPLES:
        state.smoothing_samples = round(state.smoothing / step) if step > 0 else 1
    elif step > 0:
        state.smoothing = round(state.smoothing_samples * step, 3)
