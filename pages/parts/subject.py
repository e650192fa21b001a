"""What the pages Investigate and Evaluate are about: one video under one model, with the sidebar's settings."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clip_core.config import Config
from clip_core.pipeline.list_videos import VideoChoice
from clip_core.scoring.findings import Findings, find
from clip_core.values import VideoRecord
from pages.parts import (
    cached,
    consent,
    curves,
    indexing,
    kept,
    model,
    opening,
    prompts,
    settings_file,
    signal,
    source,
    states,
)
from pages.parts.indexing import Indexed, Wish
from pages.parts.opening import Opening
from pages.parts.prompts import Prompts
from pages.parts.signal import Signal
from pages.parts.text import literal


@dataclass(frozen=True)
class Subject:
    """What the sidebar says, and what follows from it.

    Attributes:
        settings: Of config.yaml.
        video, record: The file, and what is known of it.
        wish, indexed: What is to be indexed, and how far it is.
        prompts: Those that are scored.
        signal: The recipe and the range of the axis.
        findings: What the recipe makes of what is indexed.
        opened: Where the page is drawn.
    """

    settings: Config
    video: VideoChoice
    record: VideoRecord
    wish: Wish
    indexed: Indexed
    prompts: Prompts
    signal: Signal
    findings: Findings
    opened: Opening


def choose_subject() -> Subject | None:
    """Draw the sidebar; see to it that the video is indexed. None: the page already says what is missing."""
    said = opening.start()
    try:
        return _choose(said)
    except Exception:  # the page says what happened; that something is being opened is true no longer
        opening.stop(said)
        raise


def _choose(said: DeltaGenerator) -> Subject | None:
    settings = cached.config()
    store = cached.store(settings.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        st.markdown("##### Source")
        source.draw_notices(settings)
        settings_file.draw_link_error()
        video = source.choose_video(settings, store)
    if video is None:
        opening.stop(said)
        with sidebar:
            model.choose_model(settings)
            prompts.edit_prompts(settings)
        states.draw_empty(settings)
        return None
    opened = opening.begin(video, said)
    kept.bring_back(video, store, settings)
    with sidebar:
        facts = opened.place()
        chosen_model, rate = model.choose_model(settings)
        model.suggest_for_footage(chosen_model, video)
        status = opened.place()
        typed = prompts.edit_prompts(settings)
        notes, signal_place = opened.place(), opened.place()
    opened.say(f"Loading the model {literal(chosen_model.choice.title)}")
    encoder = model.load(chosen_model, said)
    if encoder is None or not consent.may_send(encoder):
        opening.stop(said)
        return None
    opened.say(opening.INDEXING)
    wish = Wish(video, encoder, store, rate)
    indexed = indexing.see_to_it(wish)
    told = opened.fill(notes)
    with told:
        prompts.warn_of_cuts(typed, encoder)
        evidence = curves.live_evidence(wish, indexed, typed)
    wanted = typed.only((*evidence.raw.prompts, *evidence.negatives.prompts))
    with opened.fill(facts):
        source.describe(indexed.record)
    with opened.fill(status):
        indexing.draw_status(wish, indexed, len(evidence.raw))
    if indexed.record is None:
        if indexed.job is not None and indexed.job.active:
            opened.go_on()
        else:
            opening.stop(said)
            states.draw_not_opened(video, indexed)
        return None
    with opened.fill(signal_place):
        chosen = signal.choose_signal(settings, encoder, evidence, wanted)
    kept.keep(indexed.record.video_id, chosen.recipe, typed, settings, encoder, evidence, store)
    with told:
        kept.draw_trouble()
    found = find(chosen.recipe, evidence)
    return Subject(settings, video, indexed.record, wish, indexed, wanted, chosen, found, opened)
