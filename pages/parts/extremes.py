"""The samples that fit a prompt best and worst."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from clip_core.scoring.extremes import extreme_samples
from clip_core.scoring.findings import Findings
from clip_core.text import short_prompt, shown_value, value_decimals
from pages.parts.prompts import Prompts
from pages.parts.signal import Signal
from pages.parts.tables import draw_places, time_column, time_text


def draw_extremes(findings: Findings, prompts: Prompts, signal: Signal, *, worst: bool) -> None:
    """Draw the five highest or lowest samples of the chosen prompt, within score filter and time range."""
    state, scores = st.session_state, findings.scores
    if not prompts.texts or not len(scores):
        st.caption("Nothing to list yet.")
        return
    if state.get("extreme_of") not in prompts.texts:
        state.extreme_of = prompts.texts[0]
    prompt = st.selectbox(
        "Prompt", prompts.texts, key="extreme_of", persist_state="session", format_func=short_prompt,
        label_visibility="collapsed",
    )  # fmt: skip
    curve = findings.within(str(prompt), signal.recipe.score_range or (-math.inf, math.inf))
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
    # A key for each list: a late message names a row of another one.
    state.extremes_key = f"extremes_{'worst' if worst else 'best'}_{prompts.numbers[str(prompt)]}"
    draw_places(state.extremes_key, table, columns, times_s)
    st.caption("At least 2 s apart. A click on a row shows the frame.")
