"""What the pages Investigate and Evaluate show: one video under one model, with the sidebar's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.library.videos import VideoChoice
from clip_core.scoring.detection import MomentDetection, detect
from clip_core.text import short_prompt
from clip_core.types import VideoRecord
from pages.regions.chart import curves
from pages.regions.sidebar import model, prompts, settings_io, signal, source, video_settings
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.shared import cache, indexing, opening
from pages.shared.access import READ_ONLY, is_read_only
from pages.shared.indexing import Indexed, IndexRequest
from pages.shared.markdown import escape_markdown
from pages.shared.opening import Opening
from pages.shared.page import draw_error


@dataclass(frozen=True)
class Investigation:
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


def choose_investigation() -> Investigation | None:
    """Draw the sidebar and start indexing if needed; return None if the page already says what is missing."""
    cache.warm_up()
    said = opening.start()
    try:
        return _choose(said)
    except Exception:  # the page shows the error; only the message "Opening …" is removed here
        opening.stop(said)
        raise


def _choose(said: DeltaGenerator) -> Investigation | None:
    """Draw the upper part of the sidebar, what does not depend on scores; then go on with ``_investigate``."""
    config = cache.config()
    store = cache.store(config.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        source.draw_heading(config)
        settings_io.draw_link_error()
        video = source.choose_video(config, store)
    if video is None:
        opening.stop(said)
        with sidebar:
            model.choose_model(config)
            prompts.edit_prompts(config)
        draw_empty(config)
        return None
    opened = opening.begin(video, said, (str(video.path), *model.chosen_model(config)))
    video_settings.bring_back(video, store, config)
    with sidebar:
        facts = opened.place()
        chosen, rate = model.choose_model(config)
        model.suggest_for_footage(chosen, video)
        status = opened.place()
        typed = prompts.edit_prompts(config)
        places = _Places(facts, status, opened.place(), opened.place())
    opened.say(f"Loading the model {escape_markdown(chosen.choice.title)}")
    encoder = model.load(chosen)
    if encoder is None or not model.may_send(encoder):
        opening.stop(said)
        return None
    opened.say(opening.INDEXING)
    return _investigate(config, IndexRequest(video, encoder, store, rate), typed, opened, places)


class _Places(NamedTuple):
    """Where the sidebar shows what is only known once frames are indexed and scored."""

    facts: DeltaGenerator
    status: DeltaGenerator
    notes: DeltaGenerator
    signal: DeltaGenerator


def _investigate(
    config: Config, request: IndexRequest, typed: Prompts, opened: Opening, places: _Places
) -> Investigation | None:
    """Index, score and detect with the settings of the sidebar, whose rest is drawn here."""
    encoder = request.encoder
    indexed = indexing.see_to_it(request)
    notes = opened.fill(places.notes)
    with notes:
        prompts.warn_of_unread(typed, encoder)
        video_scores = curves.live_video_scores(request, indexed, typed)
    with opened.fill(places.facts):
        source.describe(indexed.record, request.video.path)
    with opened.fill(places.status):
        indexing.draw_status(request, indexed, len(video_scores.raw))
    if indexed.record is None:
        _draw_unopened(opened, indexed, read_only=request.store.read_only)
        return None
    video_id = indexed.record.video_id
    scored = typed.only((*video_scores.raw.prompts, *video_scores.negatives.prompts))
    with opened.fill(places.signal):
        drawn_id = None if indexed.run is None else video_id
        chosen = signal.choose_signal(config, encoder, video_scores, scored, drawn_id)
    video_settings.keep(video_id, chosen.settings, typed, config, encoder, video_scores, request.store)
    with notes:
        video_settings.draw_trouble()
    detection = detect(chosen.settings, video_scores)
    return Investigation(config, request.video, indexed.record, request, indexed, scored, chosen, detection, opened)


def draw_empty(config: Config) -> None:
    """Say that no video is chosen, or that a link names one that is not here."""
    missing, sample, read_only = source.missing_video(), source.sample_video(config), is_read_only()
    title = "No video chosen"
    next_step = "Choose one in the sidebar." if read_only else "Choose one in the sidebar or upload your own."
    if missing is not None:
        title = f"{escape_markdown(short_prompt(missing))} is not here"
        what = "Open" if read_only else "Upload it or open"
        next_step = (
            "The link names a video that is not in the list: it was moved or deleted, or lies elsewhere. "
            f"{what} its path with the button beside the list, or choose another."
        )
    if (problem := source.link_problem()) is not None:
        title, next_step = escape_markdown(problem.what), escape_markdown(problem.next_step)
    with _draw_notice(title, next_step):
        if sample is not None:
            st.button(
                "Open the sample video",
                icon=":material/movie:",
                type="primary",
                key="open_sample",
                on_click=source.choose_path,
                args=(sample,),
            )


def _draw_unopened(opened: Opening, indexed: Indexed, *, read_only: bool) -> None:
    """Say why there is no video to draw: it is being indexed, that failed or was cancelled, or it is outdated."""
    job, name = indexed.job, escape_markdown(opened.video.name)
    if job is not None and job.active:
        opened.go_on()
        return
    opening.stop(opened.said)
    if job is not None and job.state == "failed" and job.error is not None:
        draw_error(job.error)
    elif indexed.outdated is not None:
        draw_error(indexed.outdated)
    elif read_only:
        _draw_notice(f"{name} is not indexed", f"{READ_ONLY} It shows the videos that were indexed before.")
    elif indexed.forgotten:
        why = "On the page Stored videos, here or in another tab."
        _draw_notice(f"What was stored of {name} was forgotten", f"{why} Press Resume in the sidebar.")
    else:
        _draw_notice(f"{name} is not indexed", "Press Resume in the sidebar.")


def _draw_notice(title: str, text: str) -> DeltaGenerator:
    """Draw a notice in the middle of the page; return its container."""
    box = st.container(
        height=420, border=True, horizontal_alignment="center", vertical_alignment="center", gap="xsmall"
    )
    box.markdown(f"##### {title}", width="content")
    box.caption(text if is_read_only() else f"{text} {opening.INDEXING}", width="content")
    return box
