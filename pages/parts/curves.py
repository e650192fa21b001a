"""The curves of this session: kept from rerun to rerun, so that only what is new is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from clip_core.charts.timeline import Unfinished
from clip_core.encoders.base import ShownEncoder
from clip_core.errors import EncoderError, NotIndexedError
from clip_core.pipeline.analyse import Analysis, Picture
from clip_core.pipeline.score_prompts import known_prompts
from clip_core.recipe import Recipe
from clip_core.scoring.evidence import Evidence
from clip_core.scoring.keys import image_key
from clip_core.scoring.null_bank import NO_SAMPLES
from clip_core.scoring.segments import NO_SEGMENTS
from clip_core.text import clock
from clip_core.values import Scores, VideoRecord
from clip_core.video.sampling import coarse_pts, missing_samples
from pages.parts.indexing import Indexed, Wish
from pages.parts.prompts import Prompts
from pages.parts.text import told

_COARSE = "On grey, few samples are there yet: short moments may be missing, and verdicts may change."


def live_evidence(wish: Wish, indexed: Indexed, prompts: Prompts) -> Evidence:
    """Return what is known of what is stored now; computed are only new frames and new prompts.

    If the model cannot embed the new prompts or pictures (a server that is down), those that are known are scored,
    the sidebar says why, and nothing is asked again before the visitor wants it.
    """
    state = st.session_state
    recipe = Recipe(prompts=prompts.lines, templates=prompts.templates, weights=prompts.weights)
    pictures = prompts.pictures
    if pictures is None:
        asked: tuple[object, ...] = (wish.encoder.fingerprint, recipe.prompts, recipe.templates)
    else:
        asked = (wish.encoder.fingerprint, *(picture.picture_id for picture in pictures.values()))
    if state.get("unscored", (None,))[0] != asked:
        state.pop("unscored", None)
        try:
            return _evidence(wish, indexed.record, recipe, pictures)
        except EncoderError as error:
            state.unscored = (asked, error)
    if pictures is not None:
        return _known_pictures(wish, indexed, recipe, pictures)
    return _what_is_known(wish, indexed, recipe)


def _known_pictures(wish: Wish, indexed: Indexed, recipe: Recipe, pictures: Mapping[str, Picture]) -> Evidence:
    """Only the pictures that were embedded in this session."""
    keys = {name: image_key(picture.picture_id) for name, picture in pictures.items()}
    unknown = _analysis(indexed.record, wish).curves.unknown(keys.values())
    known = {name: picture for name, picture in pictures.items() if keys[name] not in unknown}
    left = len(pictures) - len(known)
    _draw_error(st.session_state.unscored[1], f"{_counted(left, 'picture')} not scored.")
    return _evidence(wish, indexed.record, recipe, known)


def _what_is_known(wish: Wish, indexed: Indexed, recipe: Recipe) -> Evidence:
    """Only what needs no model: the prompts whose vectors are stored, and no bank unless it is there."""
    state = st.session_state
    analysis = _analysis(indexed.record, wish)
    known = set(known_prompts(analysis.curves, recipe.texts, recipe.templates, wish.encoder, wish.store))
    lines = tuple(prompt.line for prompt in recipe.parsed if prompt.text in known)
    scored = replace(recipe, prompts=lines)
    ask_bank = analysis.bank_is_ready(scored.positives)
    _draw_unscored(state.unscored[1], len(recipe.prompts) - len(lines), without_bank=not ask_bank)
    return _evidence(wish, indexed.record, scored, ask_bank=ask_bank)


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
    st.error(f"{told(error)} {what}", icon=":material/error:")
    st.button("Try again", key="rescore", on_click=lambda: st.session_state.pop("unscored", None))


def _analysis(record: VideoRecord | None, wish: Wish) -> Analysis:
    state = st.session_state
    video_id = "" if record is None else record.video_id
    subject = (video_id, wish.encoder.fingerprint, wish.store.location)
    if state.get("analysis_of") != subject:
        state.analysis_of, state.analysis = subject, Analysis(video_id, wish.encoder, wish.store)
    found: Analysis = state.analysis
    return found


def _evidence(
    wish: Wish,
    record: VideoRecord | None,
    recipe: Recipe,
    pictures: Mapping[str, Picture] | None = None,
    *,
    ask_bank: bool = True,
) -> Evidence:
    names = recipe.positives if pictures is None else tuple(pictures)
    asks_bank = ask_bank and pictures is None
    if record is None:
        return _nothing(names, recipe, wish.encoder, 0.0, asks_bank=asks_bank)
    analysis = _analysis(record, wish)
    try:
        if asks_bank and not analysis.bank_is_ready(recipe.positives):
            with st.spinner("Embedding 300 neutral texts, once for this model…"):
                analysis.prepare_bank(recipe.positives)
        return analysis.evidence(recipe, pictures=pictures, ask_bank=asks_bank)
    except NotIndexedError:  # it is opened but not begun: the next run has more
        st.session_state.pop("analysis_of", None)
        return _nothing(names, recipe, wish.encoder, record.table.end_s, asks_bank=asks_bank)


def _nothing(
    names: tuple[str, ...], recipe: Recipe, encoder: ShownEncoder, end_s: float, *, asks_bank: bool
) -> Evidence:
    def none(prompts: tuple[str, ...]) -> Scores:
        values = np.empty((0, len(prompts)), np.float32)
        return Scores(np.empty(0, np.int64), np.empty(0), prompts, values, 0.0, end_s, complete=False)

    return Evidence(
        none(names),
        none(recipe.negatives),
        weights=recipe.weights,
        logit_scale=encoder.logit_scale,
        banks=dict.fromkeys(names, NO_SAMPLES) if asks_bank else {},
        cuts_s=np.empty(0),
        segments=NO_SEGMENTS,
    )


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
    total = len(np.union1d(stored, np.union1d(missing, coarse_pts(table))))  # when all is done, as the status slot says
    note = f"coarse: {len(stored):,} of {total:,} samples"
    return Unfinished(float(table.seconds(missing[:1])[0]), note, explanation=_COARSE)
