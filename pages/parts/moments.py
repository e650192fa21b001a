"""The list beside the ranking: moments, or the frames that fit a prompt best and worst; and the downloads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from clip_core.charts.labels import short
from clip_core.export.csv_files import moments_csv, scores_csv
from clip_core.scoring.extremes import extreme_samples
from clip_core.values import Floats, Moment, Scores, clock
from pages.parts.curves import Findings
from pages.parts.look import swatch
from pages.parts.playhead import EPOCH
from pages.parts.prompts import Prompts
from pages.parts.signal import Signal
from pages.parts.text import literal

ROW_PX, HEAD_PX, MOST_ROWS = 28, 34, 7
HOUR_S = 3600.0
LISTS = ["Moments", "Best", "Worst"]


def draw_list(findings: Findings, prompts: Prompts, signal: Signal) -> None:
    """Draw the chosen list; a click on a row is taken in by the playhead at the next run."""
    state = st.session_state
    state.setdefault("list", LISTS[0])
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="list_row"):
        chosen = st.segmented_control(
            "List",
            LISTS,
            required=True,
            key="list",
            persist_state="session",
            format_func=lambda name: f"Moments · {len(findings.moments)}" if name == "Moments" else name,
            label_visibility="collapsed",
        )
        _downloads(findings.scores, findings.moments)
    if chosen == "Moments":
        state.extremes_times = []
        _draw_moments(findings, prompts, signal)
    else:
        state.moments_times = []
        _draw_extremes(findings.scores, prompts, signal, worst=chosen == "Worst")


def _downloads(scores: Scores, moments: Sequence[Moment]) -> None:
    with st.popover("", icon=":material/download:", help="Download", key="download_box"):
        st.caption("Cells that a spreadsheet would run as a formula get a quote in front.")
        st.download_button(
            "Scores (CSV)", partial(scores_csv, scores), "scores.csv", "text/csv", key="scores_csv", on_click="ignore"
        )
        st.download_button(
            "Moments (CSV)",
            partial(moments_csv, list(moments)),
            "moments.csv",
            "text/csv",
            key="moments_csv",
            on_click="ignore",
        )


def _draw_moments(findings: Findings, prompts: Prompts, signal: Signal) -> None:
    scores, moments = findings.scores, findings.moments
    st.session_state.moments_times = [moment.start_s for moment in moments]
    if not moments:
        st.caption(_why_none(scores, findings.smoothed, signal))
        return
    table = pd.DataFrame(
        {
            "colour": [swatch(prompts.colour(m.prompt), 20) for m in moments],
            "prompt": [short(m.prompt) for m in moments],
            "start": [_instant(m.start_s) for m in moments],
            "end": [_instant(m.end_s) for m in moments],
            "peak": [m.peak for m in moments],
        }
    )
    columns = {
        "colour": st.column_config.ImageColumn("", width=24),
        "prompt": st.column_config.TextColumn("Prompt", width=96),
        "start": _time_column("Start", scores.end_s),
        "end": _time_column("End", scores.end_s),
        "peak": st.column_config.NumberColumn("Peak", format="%.3f", width=50),
    }
    _table("moments", table, columns)


def _draw_extremes(scores: Scores, prompts: Prompts, signal: Signal, *, worst: bool) -> None:
    state = st.session_state
    if not prompts.texts or not len(scores):
        st.caption("Nothing to list yet.")
        return
    if state.get("extreme_of") not in prompts.texts:
        state.extreme_of = prompts.texts[0]
    prompt = st.selectbox(
        "Prompt", prompts.texts, key="extreme_of", persist_state="session", format_func=short,
        label_visibility="collapsed",
    )  # fmt: skip
    low, high = signal.score_range
    curve = scores.column(str(prompt))
    curve = np.where((curve >= np.float32(low)) & (curve <= np.float32(high)), curve, np.nan).astype(np.float32)
    rows = extreme_samples(curve, scores.times_s, worst=worst)
    state.extremes_times = [float(scores.times_s[row]) for row in rows]
    if not rows:
        st.caption("No sample lies within the score range.")
        return
    table = pd.DataFrame(
        {"time": [_instant(t) for t in state.extremes_times], "frame": scores.frames[rows], "score": curve[rows]}
    )
    columns = {
        "time": _time_column("Time", scores.end_s),
        "frame": st.column_config.NumberColumn("Frame", format="%d", width=66),
        "score": st.column_config.NumberColumn("Score", format="%.3f", width=60),
    }
    # A key for each list: in another list, a click on the same cell is another click.
    state.extremes_key = f"extremes_{'worst' if worst else 'best'}_{prompts.numbers[str(prompt)]}"
    _table(state.extremes_key, table, columns)
    st.caption("At least 2 s apart. A click on a row shows the frame.")


def _table(key: str, table: pd.DataFrame, columns: dict[str, Any]) -> None:
    st.dataframe(
        table,
        key=key,
        hide_index=True,
        row_height=ROW_PX,
        height=HEAD_PX + ROW_PX * min(len(table), MOST_ROWS),
        on_select="rerun",
        selection_mode="single-cell",
        column_config=columns,
    )


def _why_none(scores: Scores, smoothed: Floats, signal: Signal) -> str:
    flagged = [k for k, prompt in enumerate(scores.prompts) if prompt in signal.flagged]
    if not scores.prompts:
        return "Type a prompt in the sidebar: one per line."
    if not len(scores):
        return "Moments appear here while the video is being indexed."
    if not flagged:
        return "No prompt is flagged. Choose some under Flag in the sidebar."
    values = smoothed[:, flagged]
    sample, column = np.unravel_index(int(np.argmax(values)), values.shape)
    prompt, when = scores.prompts[flagged[int(column)]], clock(float(scores.times_s[sample]))
    best = f"Highest: **{literal(short(prompt))}** {values[sample, column]:.3f} at {when}."
    if values[sample, column] >= np.float32(signal.threshold):
        return f"What reaches {signal.threshold:.3f} lies outside the score range. {best} Widen the range."
    return f"No sample reaches {signal.threshold:.3f}. {best} Lower the threshold."


def _instant(time_s: float) -> dt.datetime:
    """A time as a date, so that the table's header sorts it rightly."""
    return EPOCH + dt.timedelta(seconds=time_s)


def _time_column(label: str, end_s: float) -> Any:  # noqa: ANN401 - Streamlit's own type is private
    return st.column_config.DatetimeColumn(label, format="H:mm:ss.SSS" if end_s >= HOUR_S else "m:ss.SSS", width=66)
