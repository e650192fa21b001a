"""What the pages Investigate and Evaluate are about: one video under one model, with the sidebar's settings."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from clip_core.config import Config
from clip_core.pipeline.list_videos import VideoChoice
from clip_core.scoring.findings import Findings, find
from clip_core.values import VideoRecord
from pages.parts import cached, consent, curves, indexing, model, prompts, settings_file, signal, source, states
from pages.parts.indexing import Indexed, Wish
from pages.parts.prompts import Prompts
from pages.parts.signal import Signal


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
    """

    settings: Config
    video: VideoChoice
    record: VideoRecord
    wish: Wish
    indexed: Indexed
    prompts: Prompts
    signal: Signal
    findings: Findings


def choose_subject() -> Subject | None:
    """Draw the sidebar; see to it that the video is indexed. None: the page already says what is missing."""
    settings = cached.config()
    store = cached.store(settings.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        st.markdown("##### Source")
        source.draw_notices(settings)
        settings_file.draw_link_error()
        video = source.choose_video(settings, store)
        facts = st.container()
        chosen_model, rate = model.choose_model(settings)
        slot = st.container()
        wanted = prompts.edit_prompts(settings)
    if video is None:
        states.draw_empty(settings)
        return None
    encoder = model.load(chosen_model)
    if encoder is None or not consent.may_send(encoder):
        return None
    with sidebar:
        prompts.warn_of_cuts(wanted, encoder)
    wish = Wish(video, encoder, store, rate)
    indexed = indexing.see_to_it(wish)
    with sidebar:
        evidence = curves.live_evidence(wish, indexed, wanted)
    wanted = wanted.only((*evidence.raw.prompts, *evidence.negatives.prompts))
    with facts:
        source.describe(indexed.record)
    with slot:
        indexing.draw_status(wish, indexed, len(evidence.raw))
    if indexed.record is None:
        states.draw_opening(video, indexed)
        return None
    with sidebar:
        chosen = signal.choose_signal(settings, encoder, evidence, wanted)
    found = find(chosen.recipe, evidence)
    return Subject(settings, video, indexed.record, wish, indexed, wanted, chosen, found)
