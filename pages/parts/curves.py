"""The curves of this session: kept from rerun to rerun, so that only what is new is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from clip_core.charts.timeline import Unfinished
from clip_core.errors import EncoderError, NotIndexedError
from clip_core.pipeline.score_prompts import known_prompts, update_curves
from clip_core.scoring.curves import Curves
from clip_core.scoring.moments import find_moments
from clip_core.scoring.smoothing import smooth
from clip_core.values import Floats, Moment, Scores, Times, VideoRecord, clock
from clip_core.video.sampling import missing_samples, sample_pts
from pages.parts.indexing import Indexed, Wish
from pages.parts.signal import Signal
from pages.parts.text import told


def live_scores(wish: Wish, indexed: Indexed, prompts: Sequence[str]) -> Scores:
    """Return the scores of what is stored now; computed are only new frames and new prompts.

    If the model cannot embed the new prompts (a server that is down), those that are known are scored, the
    sidebar says why, and nothing is asked again before the visitor wants it.
    """
    state, asked = st.session_state, (wish.encoder.fingerprint, tuple(prompts))
    if state.get("unscored", (None,))[0] != asked:
        state.pop("unscored", None)
        try:
            return _scores(wish, indexed.record, prompts)
        except EncoderError as error:
            state.unscored = (asked, error)
    known = known_prompts(state.curves, prompts, wish.encoder, wish.store)
    _draw_unscored(state.unscored[1], len(prompts) - len(known))
    return _scores(wish, indexed.record, known)


def _draw_unscored(error: EncoderError, prompts: int) -> None:
    counted = "One prompt is" if prompts == 1 else f"{prompts} prompts are"
    st.error(f"{told(error)} {counted} not scored.", icon=":material/error:")
    st.button("Try again", key="rescore", on_click=lambda: st.session_state.pop("unscored", None))


def _scores(wish: Wish, record: VideoRecord | None, prompts: Sequence[str]) -> Scores:
    state = st.session_state
    if record is None:
        return _no_scores(prompts, 0.0)
    subject = (record.video_id, wish.encoder.fingerprint)
    if state.get("curves_of") != subject:
        state.curves_of, state.curves = subject, Curves()
    try:
        return update_curves(state.curves, record.video_id, prompts, wish.encoder, wish.store)
    except NotIndexedError:  # it is opened but not begun: the next run has more
        state.curves = Curves()
        return _no_scores(prompts, record.table.end_s)


def _no_scores(prompts: Sequence[str], end_s: float) -> Scores:
    none = np.empty(0, np.int64)
    values = np.empty((0, len(prompts)), np.float32)
    return Scores(none, np.empty(0), tuple(prompts), values, 0.0, end_s, complete=False)


@dataclass(frozen=True)
class Findings:
    """The raw scores, the smoothed curves of the same shape, and the moments of the flagged prompts.

    What follows them is for the chart and as ``charts.view.Timeline`` says; None: not computed.
    """

    scores: Scores
    smoothed: Floats
    moments: list[Moment]
    thresholds: Mapping[str, float] | None = None
    offsets: Mapping[str, float] | None = None
    rate: Floats | None = None
    spikes: Sequence[tuple[int, int]] | None = None
    ribbon: Mapping[str, tuple[Floats, Floats]] | None = None
    cuts_s: Times | None = None
    winners: Sequence[tuple[int, float, float]] | None = None
    time_range: tuple[float, float] | None = None


def find(scores: Scores, signal: Signal) -> Findings:
    """Smooth the curves and flag their moments as the sliders say."""
    smoothed = smooth(scores, signal.smoothing_s)
    moments = find_moments(scores, threshold=signal.thresholds, score_range=signal.score_range, smoothed=smoothed)
    return Findings(scores, smoothed, moments)


def unfinished_part(wish: Wish, indexed: Indexed, scores: Scores) -> Unfinished | None:
    """The part of the video that is not densely indexed, or cannot be read."""
    record = indexed.record
    if record is None:
        return None
    if record.unreadable_after_s is not None and (indexed.job is None or not indexed.job.active):
        note = f"unreadable after {clock(record.unreadable_after_s)}"
        return Unfinished(record.unreadable_after_s, note, record.header_duration_s or 0.0)
    if indexed.run is not None and indexed.run.finished:
        return None
    table = record.table
    stored = table.pts[scores.frames[scores.frames < len(table)]]
    missing = missing_samples(table, wish.rate, stored)
    if not len(missing):
        return None
    total = len(sample_pts(table, wish.rate))
    return Unfinished(float(table.seconds(missing[:1])[0]), f"coarse: {total - len(missing):,} of {total:,} samples")
