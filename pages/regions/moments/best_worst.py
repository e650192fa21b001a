"""Lists of the best and worst frames and of spikes."""

from __future__ import annotations

import math
from collections.abc import Collection

import pandas as pd
import streamlit as st

from clip_core.analysis.export_bundle import ExportBundle, spikes_file
from clip_core.files import named_after
from clip_core.scoring.curve_features import Spike, extreme_samples, find_spikes
from clip_core.scoring.detection import MomentDetection
from clip_core.text import short_prompt, shown_value, value_decimals
from clip_core.types import Moment
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.shared.tables import draw_places, time_column, time_text


def draw_extremes(detection: MomentDetection, prompts: Prompts, signal: Signal, *, worst: bool) -> None:
    """Draw the five highest or lowest samples of the chosen prompt, within the score filter and time range."""
    state, scores = st.session_state, detection.scores
    if not prompts.texts or not len(scores):
        st.caption("Nothing to list yet.")
        return
    if state.get("extreme_of") not in prompts.texts:
        state.extreme_of = prompts.texts[0]
    prompt = st.selectbox(
        "Prompt", prompts.texts, key="extreme_of", persist_state="session", format_func=short_prompt,
        label_visibility="collapsed",
    )  # fmt: skip
    curve = detection.within(str(prompt), signal.settings.score_range or (-math.inf, math.inf))
    rows = extreme_samples(curve, scores.times_s, worst=worst)
    times_s = [float(scores.times_s[row]) for row in rows]
    if not rows:
        st.caption("No sample lies within the score filter and the time range under Rules.")
        return
    table = pd.DataFrame(
        {
            "time": [time_text(t, scores.end_s) for t in times_s],
            "frame": scores.frames[rows],
            "score": [shown_value(score, scores.unit) for score in curve[rows]],
        }
    )
    columns = {
        "time": time_column("Time", scores.end_s),
        "frame": st.column_config.NumberColumn("Frame", format="%d", width=66),
        "score": st.column_config.NumberColumn("Score", format=f"%.{value_decimals(scores.unit)}f", width=60),
    }
    # One key per list, because a late message may name a row of another list.
    state.extremes_key = f"extremes_{'worst' if worst else 'best'}_{prompts.numbers[str(prompt)]}"
    draw_places(state.extremes_key, table, columns, times_s)
    st.caption("At least 2 s apart. A click on a row shows the frame.")


REPEATED_S = 1.0
"""How much of the video Repeat plays at a spike, which has no duration of its own."""


def spikes_of(detection: MomentDetection, off: Collection[str]) -> list[Spike]:
    """Return the spikes of the drawn curves in time order, without the prompts in ``off`` (their pill is off)."""
    return [spike for spike in find_spikes(detection.scores, detection.smoothed) if spike.prompt not in off]


def spikes_to_walk(detection: MomentDetection, off: Collection[str]) -> tuple[list[Moment], list[Moment]] | None:
    """Return what Next, Previous and Repeat go through while the list of spikes is shown; None for another list."""
    if st.session_state.get("list") != "Spikes":
        return None
    spikes, end_s = spikes_of(detection, off), detection.scores.end_s
    places = [(s, min(s.time_s + REPEATED_S, max(s.time_s, end_s))) for s in spikes]
    return [Moment(s.prompt, s.time_s, stop_s, s.time_s, s.change, s.change) for s, stop_s in places], []


def draw_spikes(detection: MomentDetection, off: Collection[str], prompts: Prompts) -> None:
    """Draw the list of spikes; a click on a row goes to that time."""
    scores, spikes = detection.scores, spikes_of(detection, off)
    if not spikes:
        none = "No curve rises or falls suddenly. With less smoothing shorter changes show."
        st.caption(none if len(scores) else "Nothing to list yet.")
        return
    table = pd.DataFrame(
        {
            "colour": [prompts.swatch(s.prompt, 20) if s.prompt in prompts.numbers else None for s in spikes],
            "prompt": [short_prompt(s.prompt) for s in spikes],
            "time": [time_text(s.time_s, scores.end_s) for s in spikes],
            "change": [s.change for s in spikes],
        }
    )
    columns = {
        "colour": st.column_config.ImageColumn("", width=24),
        "prompt": st.column_config.TextColumn("Prompt", width=100),
        "time": time_column("Time", scores.end_s),
        "change": st.column_config.NumberColumn("Change", format=f"%+.{value_decimals(scores.unit)}f", width=66),
    }
    draw_places("spikes", table, columns, [s.time_s for s in spikes])


def draw_spikes_file(bundle: ExportBundle, off: Collection[str]) -> None:
    """Draw the button that downloads the list of spikes."""
    detection = bundle.detection
    st.caption("Spikes as")
    st.download_button(
        "CSV",
        lambda: spikes_file(bundle, spikes_of(detection, off)),
        named_after(bundle.record.name, "spikes.csv"),
        "text/csv",
        key="spikes_file",
        on_click="ignore",
        help="spikes.csv: where the drawn curves rise and fall suddenly.",
    )
