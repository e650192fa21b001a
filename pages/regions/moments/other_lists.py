"""The lists beside that of the moments: peaks, best and worst frames, and spikes."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import streamlit as st
from streamlit.column_config import ImageColumn, NumberColumn, TextColumn

from clip_core.errors import ClipVideoError
from clip_core.scoring.curve_features import Spike, extreme_samples, find_spikes
from clip_core.scoring.detection import MomentDetection
from clip_core.text import short_prompt, shown_value, value_decimals, value_text
from clip_core.types import Moment, VideoRecord
from pages.regions.moments.table import thumbnail_uris
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.regions.viewer.playhead import frame_on_screen, seek
from pages.shared.markdown import error_markdown, escape_markdown
from pages.shared.tables import draw_places, table_of, time_column, time_text

ACROSS, PER_PAGE = 3, 6
PROMPT_KEY = "extreme_of"


def draw_peaks(moments: Sequence[Moment], detection: MomentDetection, record: VideoRecord, path: str) -> None:
    """Draw one page of small pictures of the moments' peaks; the button below a picture shows its frame."""
    if not moments:
        st.caption("No moments, so no peaks.")
        return
    firsts = range(0, len(moments), PER_PAGE)
    first = firsts[0]
    if len(firsts) > 1:
        names = {f"{k + 1}–{min(len(moments), k + PER_PAGE)}": k for k in firsts}
        name = st.selectbox("Page", list(names), key="peaks_page", label_visibility="collapsed")
        first = names.get(name or "", first)
    shown = moments[first : first + PER_PAGE]
    try:
        pictures = thumbnail_uris(shown, detection.scores, record, path)
    except ClipVideoError as error:
        st.caption(error_markdown(error))
        return
    with st.container(key="peaks"):
        for place, moment in enumerate(shown):
            if place % ACROSS == 0:
                columns = st.columns(ACROSS, gap="xxsmall")
            with columns[place % ACROSS].container(gap="xxsmall"):
                _draw_peak(moment, pictures.get(moment.peak_s), detection, record, place)
    if len(pictures) < len({moment.peak_s for moment in shown}):
        st.caption("More pictures appear after your next action.")


def _draw_peak(
    moment: Moment, picture: str | None, detection: MomentDetection, record: VideoRecord, place: int
) -> None:
    time, name = time_text(moment.peak_s, detection.scores.end_s), escape_markdown(short_prompt(moment.prompt))
    if picture is not None:
        st.image(picture, width="stretch", alt=f"{moment.prompt} at {time}")
    st.button(
        f"{name}  \n{time}",
        key=f"peak_{place}",
        help=f"{name} {value_text(moment.peak, detection.scores.unit)}",
        on_click=seek,
        args=(frame_on_screen(record.table.times_s, moment.peak_s),),
        width="stretch",
    )


def draw_extremes(detection: MomentDetection, prompts: Prompts, signal: Signal, *, worst: bool) -> None:
    """Draw the five highest or lowest samples of the chosen prompt, within the score filter and time range."""
    scores = detection.scores
    if not prompts.texts or not len(scores):
        st.caption("Nothing to list yet.")
        return
    if st.session_state.get(PROMPT_KEY) not in prompts.texts:
        st.session_state[PROMPT_KEY] = prompts.texts[0]
    prompt = st.selectbox(
        "Prompt", prompts.texts, key=PROMPT_KEY, persist_state="session", format_func=short_prompt,
        label_visibility="collapsed",
    )  # fmt: skip
    curve = detection.within(str(prompt), signal.settings.score_range or (-math.inf, math.inf))
    rows = extreme_samples(curve, scores.times_s, worst=worst)
    times_s = [float(scores.times_s[row]) for row in rows]
    if not rows:
        st.caption("No sample lies within the score filter and the time range under Rules.")
        return
    number = f"%.{value_decimals(scores.unit)}f"
    table, columns = table_of(
        {
            "time": ([time_text(t, scores.end_s) for t in times_s], time_column("Time", scores.end_s)),
            "frame": (scores.frames[rows].tolist(), NumberColumn("Frame", format="%d", width=66)),
            "score": (
                [shown_value(s, scores.unit) for s in curve[rows]],
                NumberColumn("Score", format=number, width=60),
            ),
        }
    )
    # One key per list, because a late message may name a row of another list.
    key = f"extremes_{'worst' if worst else 'best'}_{prompts.numbers[str(prompt)]}"
    draw_places(key, table, columns, times_s)
    st.caption("At least 2 s apart. A click on a row shows the frame.")


REPEATED_S = 1.0
"""How much of the video Repeat plays at a spike, which has no duration of its own."""


def spikes_of(detection: MomentDetection, off: Collection[str]) -> list[Spike]:
    """Return the spikes of the drawn curves in time order, without the prompts in ``off`` (their pill is off)."""
    return [spike for spike in find_spikes(detection.scores, detection.smoothed) if spike.prompt not in off]


def spikes_as_moments(detection: MomentDetection, off: Collection[str]) -> list[Moment]:
    """Return the spikes as moments for Next, Previous and Repeat; each lasts ``REPEATED_S``, or to the video's end."""
    end_s = detection.scores.end_s
    return [
        Moment(s.prompt, s.time_s, min(s.time_s + REPEATED_S, max(s.time_s, end_s)), s.time_s, s.change, s.change)
        for s in spikes_of(detection, off)
    ]


def draw_spikes(detection: MomentDetection, off: Collection[str], prompts: Prompts) -> None:
    """Draw the list of spikes; a click on a row goes to that time."""
    scores, spikes = detection.scores, spikes_of(detection, off)
    if not spikes:
        none = "No curve rises or falls suddenly. With less smoothing shorter changes show."
        st.caption(none if len(scores) else "Nothing to list yet.")
        return
    swatches = [prompts.swatch(s.prompt, 20) if s.prompt in prompts.numbers else None for s in spikes]
    number = f"%+.{value_decimals(scores.unit)}f"
    table, columns = table_of(
        {
            "colour": (swatches, ImageColumn("", width=24)),
            "prompt": ([short_prompt(s.prompt) for s in spikes], TextColumn("Prompt", width=100)),
            "time": ([time_text(s.time_s, scores.end_s) for s in spikes], time_column("Time", scores.end_s)),
            "change": ([s.change for s in spikes], NumberColumn("Change", format=number, width=66)),
        }
    )
    draw_places("spikes", table, columns, [s.time_s for s in spikes])
