"""What the pages Investigate and Evaluate show: one video under one model, with the sidebar's settings."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.text import short_prompt
from clip_core.types import VideoRecord
from pages.regions.chart import curves
from pages.regions.sidebar import model, model_download, prompts, settings_io, sidebar_state, signal, source
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.shared import cache, indexing, opening
from pages.shared.indexing import Indexed, IndexRequest
from pages.shared.markdown import escape_markdown
from pages.shared.opening import Opening
from pages.shared.page import draw_error


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
    cache.warm_up()
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
        draw_empty(config)
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
            _draw_not_opened(video, indexed)
        return None
    with opened.fill(signal_place):
        chosen = signal.choose_signal(config, encoder, video_scores, wanted)
    sidebar_state.keep(indexed.record.video_id, chosen.settings, typed, config, encoder, video_scores, store)
    with told:
        sidebar_state.draw_trouble()
    found = detect(chosen.settings, video_scores)
    return Subject(config, video, indexed.record, request, indexed, wanted, chosen, found, opened)


def draw_empty(config: Config) -> None:
    """Say that no video is chosen, or that a link names one that is not here."""
    missing = st.session_state.get("video_missing")
    title, first = "No video chosen", "Choose one in the sidebar or upload your own."
    if missing is not None:
        title = f"{escape_markdown(short_prompt(missing))} is not here"
        first = (
            "The link names a video that is not in the list: it was moved or deleted, or lies elsewhere. Upload it or "
            "open its path with the button beside the list, or choose another."
        )
    with _middle():
        st.markdown(f"##### {title}", width="content")
        st.caption(f"{first} {opening.INDEXING}", width="content")
        sample = source.sample_video(config)
        if sample is not None:
            st.button(
                "Open the sample video",
                icon=":material/movie:",
                type="primary",
                key="open_sample",
                on_click=source.choose_path,
                args=(sample,),
            )


def _draw_not_opened(video: VideoChoice, indexed: Indexed) -> None:
    """Say why there is no video to draw: indexing failed or was cancelled, or it was forgotten or is outdated."""
    job = indexed.job
    if job is not None and job.state == "failed" and job.error is not None:
        draw_error(job.error)
        return
    title, why = f"{escape_markdown(video.name)} is not indexed", ""
    if indexed.outdated is not None:
        draw_error(indexed.outdated)
        return
    if indexed.forgotten:
        title = f"What was stored of {escape_markdown(video.name)} was forgotten"
        why = "On the page Stored videos, here or in another tab. "
    with _middle():
        st.markdown(f"##### {title}", width="content")
        st.caption(f"{why}Press Resume in the sidebar. {opening.INDEXING}", width="content")


def _middle() -> st.delta_generator.DeltaGenerator:
    return st.container(
        height=420, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
    )
