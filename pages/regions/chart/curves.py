"""The curves of this session, kept across reruns so that only new ones are computed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from clip_core.analysis.analyse import Analysis, Picture
from clip_core.analysis.score_prompts import known_prompts
from clip_core.charts.view import Unfinished
from clip_core.encoders.base import ShownEncoder
from clip_core.encoders.waits import MOST_WAIT_S, on_wait, raise_busy
from clip_core.errors import EncoderError, NotIndexedError
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.null_bank import NO_SAMPLES
from clip_core.scoring.segments import NO_SEGMENTS
from clip_core.scoring.similarity_table import image_key
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.text import clock
from clip_core.types import Floats, Scores, VideoRecord
from clip_core.video.sampling import coarse_pts, missing_samples
from pages.regions.sidebar.prompts import Prompts
from pages.shared.indexing import Indexed, IndexRequest
from pages.shared.markdown import error_markdown
from pages.shared.session import region_state

_COARSE = "Where it is grey, few samples are indexed yet: short moments may be missing, and verdicts may change."


@dataclass
class ChartState:
    """What is kept of the curves across reruns.

    Attributes:
        analysis: The scores of the video that is shown, under one model.
        analysis_of: The id of that video, the model's fingerprint and the store's location; None: look again.
        unscored: What the model could not embed last, and why; None: it could.
        ask_again_at: When it is asked again by itself (``time.monotonic``), as its server wishes; None: it is not.
        ribbons, ribbons_of: The bands of the templates, and the scores that they belong to.
        heat_map_answered: Whether the proposal of a heat map was answered.
    """

    analysis: Analysis | None = None
    analysis_of: tuple[str, str, str] | None = None
    unscored: tuple[tuple[object, ...], EncoderError] | None = None
    ask_again_at: float | None = None
    ribbons: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    ribbons_of: VideoScores | None = None
    heat_map_answered: bool = False


def live_video_scores(request: IndexRequest, indexed: Indexed, prompts: Prompts) -> VideoScores:
    """Return the scores of what is stored now; only new frames and new prompts are computed.

    If the model cannot embed new prompts or pictures (its server may be down), only the known ones are scored and the
    sidebar says why. The model is not asked again until the visitor presses "Try again" or changes the request, or
    until the time is over for which its server asks to wait.
    """
    state, pictures = region_state(ChartState), prompts.pictures
    settings = Settings(prompts=prompts.lines, templates=prompts.templates, weights=prompts.weights)
    fingerprint = request.encoder.fingerprint
    if pictures is None:
        asked: tuple[object, ...] = (fingerprint, settings.prompts, settings.templates)
    else:
        asked = (fingerprint, *(picture.picture_id for picture in pictures.values()))
    if state.unscored is None or state.unscored[0] != asked:
        state.unscored = None
        try:
            with on_wait(raise_busy):  # the page must not stand still
                return _video_scores(request, indexed.record, settings, pictures)
        except EncoderError as error:
            state.unscored, wait_s = (asked, error), getattr(error, "wait_s", None)
            state.ask_again_at = time.monotonic() + wait_s if wait_s and wait_s <= MOST_WAIT_S else None
    if pictures is not None:
        return _known_pictures(request, indexed, settings, pictures, state.unscored[1])
    return _known_texts(request, indexed, settings, state.unscored[1])


def _known_pictures(
    request: IndexRequest, indexed: Indexed, settings: Settings, pictures: Mapping[str, Picture], error: EncoderError
) -> VideoScores:
    """Score only the pictures that were embedded in this session."""
    keys = {name: image_key(picture.picture_id) for name, picture in pictures.items()}
    unknown = _analysis(indexed.record, request).similarities.unknown(keys.values())
    known = {name: picture for name, picture in pictures.items() if keys[name] not in unknown}
    _draw_error(error, f"{_counted(len(pictures) - len(known), 'picture')} not scored.")
    return _video_scores(request, indexed.record, settings, known)


def _known_texts(request: IndexRequest, indexed: Indexed, settings: Settings, error: EncoderError) -> VideoScores:
    """Score only what needs no model: prompts with stored vectors, and the null bank only if it is ready."""
    analysis = _analysis(indexed.record, request)
    known = set(
        known_prompts(analysis.similarities, settings.texts, settings.templates, request.encoder, request.store)
    )
    lines = tuple(prompt.line for prompt in settings.parsed if prompt.text in known)
    scored = replace(settings, prompts=lines)
    ask_bank = analysis.bank_is_ready(scored.positives)
    unscored = len(settings.prompts) - len(lines)
    without_bank = unscored == 0 and not ask_bank
    _draw_error(error, "The null bank is not used." if without_bank else f"{_counted(unscored, 'prompt')} not scored.")
    return _video_scores(request, indexed.record, scored, ask_bank=ask_bank)


def _counted(count: int, what: str) -> str:
    return f"No {what} is" if count == 0 else f"One {what} is" if count == 1 else f"{count} {what}s are"


def _draw_error(error: EncoderError, what: str) -> None:
    st.error(f"{error_markdown(error)} {what}", icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button("Try again", key="rescore", on_click=_try_again)
        if region_state(ChartState).ask_again_at is not None:
            st.fragment(_count_down, run_every=1.0)()


def _count_down() -> None:
    left_s = (region_state(ChartState).ask_again_at or 0.0) - time.monotonic()
    if left_s <= 0:
        _try_again()
        st.rerun(scope="app")
    st.caption(f"Asks again in {clock(left_s, 0)}")


def _try_again() -> None:
    state = region_state(ChartState)
    state.unscored = state.ask_again_at = None


def _analysis(record: VideoRecord | None, request: IndexRequest) -> Analysis:
    state, video_id = region_state(ChartState), "" if record is None else record.video_id
    subject = (video_id, request.encoder.fingerprint, request.store.location)
    if state.analysis is None or state.analysis_of != subject:
        state.analysis_of, state.analysis = subject, Analysis(video_id, request.encoder, request.store)
    return state.analysis


def forget() -> None:
    """Drop the scores that this session holds."""
    state = region_state(ChartState)
    state.analysis = state.analysis_of = state.ribbons_of = None
    state.ribbons = {}


def template_ribbons(detection: MomentDetection) -> Mapping[str, tuple[Floats, Floats]]:
    """Return prompt → lower and upper edge of its cosines over the templates; no slider changes them."""
    state = region_state(ChartState)
    if state.analysis is None:
        return {}
    if state.ribbons_of is not detection.video_scores:
        state.ribbons, state.ribbons_of = state.analysis.ribbons(detection.settings), detection.video_scores
    return state.ribbons


def _video_scores(
    request: IndexRequest,
    record: VideoRecord | None,
    settings: Settings,
    pictures: Mapping[str, Picture] | None = None,
    *,
    ask_bank: bool = True,
) -> VideoScores:
    names = settings.positives if pictures is None else tuple(pictures)
    asks_bank = ask_bank and pictures is None
    if record is None:
        return _nothing(names, settings, request.encoder, 0.0, asks_bank=asks_bank)
    analysis = _analysis(record, request)
    try:
        if asks_bank and not analysis.bank_is_ready(settings.positives):
            with st.spinner("Embedding 300 neutral texts, once for this model…"):
                analysis.prepare_bank(settings.positives)
        return analysis.video_scores(settings, pictures=pictures, ask_bank=asks_bank)
    except NotIndexedError:  # opened, but no sample is stored yet: the next run has more
        region_state(ChartState).analysis_of = None
        return _nothing(names, settings, request.encoder, record.table.end_s, asks_bank=asks_bank)


def _nothing(
    names: tuple[str, ...], settings: Settings, encoder: ShownEncoder, end_s: float, *, asks_bank: bool
) -> VideoScores:
    def none(prompts: tuple[str, ...]) -> Scores:
        values = np.empty((0, len(prompts)), np.float32)
        return Scores(np.empty(0, np.int64), np.empty(0), prompts, values, 0.0, end_s, complete=False)

    return VideoScores(
        none(names),
        none(settings.negatives),
        weights=settings.weights,
        logit_scale=encoder.logit_scale,
        banks=dict.fromkeys(names, NO_SAMPLES) if asks_bank else {},
        shot_boundaries_s=np.empty(0),
        segments=NO_SEGMENTS,
    )


def unfinished_part(request: IndexRequest, indexed: Indexed, scores: Scores) -> Unfinished | None:
    """Return the part of the video that is not densely indexed or cannot be read, or None."""
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
    missing = missing_samples(table, request.rate, stored)
    if not len(missing):
        return None
    total = len(np.union1d(stored, np.union1d(missing, coarse_pts(table))))  # the final count, as in the sidebar
    note = f"coarse: {len(stored):,} of {total:,} samples"
    return Unfinished(float(table.seconds(missing[:1])[0]), note, explanation=_COARSE)
