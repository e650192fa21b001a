"""The curves of this session, kept across reruns so that only new ones are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from clip_core.analysis.analyse import Analysis, Picture
from clip_core.analysis.score_prompts import known_prompts
from clip_core.charts.timeline import Unfinished
from clip_core.encoders.base import ShownEncoder
from clip_core.errors import EncoderError, NotIndexedError
from clip_core.scoring.null_bank import NO_SAMPLES
from clip_core.scoring.segments import NO_SEGMENTS
from clip_core.scoring.similarity_table import image_key
from clip_core.scoring.video_scores import VideoScores
from clip_core.settings import Settings
from clip_core.text import clock
from clip_core.types import Scores, VideoRecord
from clip_core.video.sampling import coarse_pts, missing_samples
from pages.regions.sidebar.prompts import Prompts
from pages.shared.indexing import Indexed, IndexRequest
from pages.shared.markdown import error_markdown

_COARSE = "On grey, few samples are there yet: short moments may be missing, and verdicts may change."


def live_video_scores(request: IndexRequest, indexed: Indexed, prompts: Prompts) -> VideoScores:
    """Return the scores of what is stored now; only new frames and new prompts are computed.

    If the model cannot embed new prompts or pictures (its server may be down), only the known ones are scored and the
    sidebar says why. The model is not asked again until the visitor presses "Try again" or changes the request.
    """
    state = st.session_state
    settings = Settings(prompts=prompts.lines, templates=prompts.templates, weights=prompts.weights)
    pictures = prompts.pictures
    if pictures is None:
        asked: tuple[object, ...] = (request.encoder.fingerprint, settings.prompts, settings.templates)
    else:
        asked = (request.encoder.fingerprint, *(picture.picture_id for picture in pictures.values()))
    if state.get("unscored", (None,))[0] != asked:
        state.pop("unscored", None)
        try:
            return _video_scores(request, indexed.record, settings, pictures)
        except EncoderError as error:
            state.unscored = (asked, error)
    if pictures is not None:
        return _known_pictures(request, indexed, settings, pictures)
    return _what_is_known(request, indexed, settings)


def _known_pictures(
    request: IndexRequest, indexed: Indexed, settings: Settings, pictures: Mapping[str, Picture]
) -> VideoScores:
    """Score only the pictures that were embedded in this session."""
    keys = {name: image_key(picture.picture_id) for name, picture in pictures.items()}
    unknown = _analysis(indexed.record, request).similarities.unknown(keys.values())
    known = {name: picture for name, picture in pictures.items() if keys[name] not in unknown}
    left = len(pictures) - len(known)
    _draw_error(st.session_state.unscored[1], f"{_counted(left, 'picture')} not scored.")
    return _video_scores(request, indexed.record, settings, known)


def _what_is_known(request: IndexRequest, indexed: Indexed, settings: Settings) -> VideoScores:
    """Score only what needs no model: prompts with stored vectors, and the null bank only if it is ready."""
    state = st.session_state
    analysis = _analysis(indexed.record, request)
    known = set(
        known_prompts(analysis.similarities, settings.texts, settings.templates, request.encoder, request.store)
    )
    lines = tuple(prompt.line for prompt in settings.parsed if prompt.text in known)
    scored = replace(settings, prompts=lines)
    ask_bank = analysis.bank_is_ready(scored.positives)
    _draw_unscored(state.unscored[1], len(settings.prompts) - len(lines), without_bank=not ask_bank)
    return _video_scores(request, indexed.record, scored, ask_bank=ask_bank)


def _draw_unscored(error: EncoderError, prompts: int, *, without_bank: bool) -> None:
    _draw_error(
        error,
        "The null bank is not asked."
        if prompts == 0 and without_bank
        else f"{_counted(prompts, 'prompt')} not scored.",
    )


def _counted(count: int, what: str) -> str:
    return f"No {what} is" if count == 0 else f"One {what} is" if count == 1 else f"{count} {what}s are"


def _draw_error(error: EncoderError, what: str) -> None:
    st.error(f"{error_markdown(error)} {what}", icon=":material/error:")
    st.button("Try again", key="rescore", on_click=lambda: st.session_state.pop("unscored", None))


def _analysis(record: VideoRecord | None, request: IndexRequest) -> Analysis:
    state = st.session_state
    video_id = "" if record is None else record.video_id
    subject = (video_id, request.encoder.fingerprint, request.store.location)
    if state.get("analysis_of") != subject:
        state.analysis_of, state.analysis = subject, Analysis(video_id, request.encoder, request.store)
    found: Analysis = state.analysis
    return found


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
        st.session_state.pop("analysis_of", None)
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
