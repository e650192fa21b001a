"""What the pages Investigate and Evaluate show: one video under one model, with the sidebar's settings."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.types import VideoRecord
from pages.regions.chart import curves
from pages.regions.sidebar import model, model_download, prompts, settings_io, sidebar_state, signal, source
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.shared import cache, indexing, opening, states
from pages.shared.indexing import Indexed, IndexRequest
from pages.shared.markdown import escape_markdown
from pages.shared.opening import Opening


@dataclass(frozen=True)
class Subject:
    """The choices made in the sidebar, and what follows from them.

    Attributes:
        config: The config.
        video, record: The file, and its record in the store.
        request, indexed: What to index, and how far indexing is.
        prompts: The prompts that are scored.
        signal: The settings and the range of the score axis.
        detection: The moments that these settings find in what is indexed.
        opened: Where the page is drawn.
    """

    config: Config
    video: VideoChoice
    record: VideoRecord
    request: IndexRequest
    indexed: Indexed
    prompts: Prompts
    signal: Signal
    detection: MomentDetection
    opened: Opening


def choose_subject() -> Subject | None:
    """Draw the sidebar and start indexing if needed; return None if the page already says what is missing."""
    said = opening.start()
    try:
        return _choose(said)
    except Exception:  # the page shows the error; only the message "Opening …" is removed here
        opening.stop(said)
        raise


def _choose(said: DeltaGenerator) -> Subject | None:
    config = cache.config()
    store = cache.store(config.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        st.markdown("##### Source")
        source.draw_notices(config)
        settings_io.draw_link_error()
        video = source.choose_video(config, store)
    if video is None:
        opening.stop(said)
        with sidebar:
            model.choose_model(config)
            prompts.edit_prompts(config)
        states.draw_empty(config)
        return None
    opened = opening.begin(video, said)
    sidebar_state.bring_back(video, store, config)
    with sidebar:
        facts = opened.place()
        chosen_model, rate = model.choose_model(config)
        model.suggest_for_footage(chosen_model, video)
        status = opened.place()
        typed = prompts.edit_prompts(config)
        notes, signal_place = opened.place(), opened.place()
    opened.say(f"Loading the model {escape_markdown(chosen_model.choice.title)}")
    encoder = model.load(chosen_model, said)
    if encoder is None or not model_download.may_send(encoder):
        opening.stop(said)
        return None
    opened.say(opening.INDEXING)
    request = IndexRequest(video, encoder, store, rate)
    indexed = indexing.see_to_it(request)
    told = opened.fill(notes)
    with told:
        prompts.warn_of_truncation(typed, encoder)
        video_scores = curves.live_video_scores(request, indexed, typed)
    wanted = typed.only((*video_scores.raw.prompts, *video_scores.negatives.prompts))
    with opened.fill(facts):
        source.describe(indexed.record)
    with opened.fill(status):
        indexing.draw_status(request, indexed, len(video_scores.raw))
    if indexed.record is None:
        if indexed.job is not None and indexed.job.active:
            opened.go_on()
        else:
            opening.stop(said)
            states.draw_not_opened(video, indexed)
        return None
    with opened.fill(signal_place):
        chosen = signal.choose_signal(config, encoder, video_scores, wanted)
    sidebar_state.keep(indexed.record.video_id, chosen.recipe, typed, config, encoder, video_scores, store)
    with told:
        sidebar_state.draw_trouble()
    found = detect(chosen.recipe, video_scores)
    return Subject(config, video, indexed.record, request, indexed, wanted, chosen, found, opened)
