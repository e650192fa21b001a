"""The moments of one video held against a truth. Read it from top to bottom, as the page is."""

from __future__ import annotations

import streamlit as st

from clip_core.scoring.findings import find
from pages.parts import (
    cached,
    consent,
    curves,
    evaluating,
    fitting,
    indexing,
    kept,
    look,
    model,
    playhead,
    prompts,
    signal,
    source,
    states,
    sweeping,
    truth,
    worth,
)


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    kept.keep_values()
    playhead.pause()  # nobody sees it play from here
    settings = cached.config()
    store = cached.store(settings.embeddings)
    sidebar = st.sidebar.container(gap="xsmall")
    with sidebar:
        st.markdown("##### Source")
        source.draw_notices(settings)
        video = source.choose_video(settings, store)
        facts = st.container()
        chosen_model, rate = model.choose_model(settings)
        slot = st.container()
        wanted = prompts.edit_prompts(settings)
    if video is None:
        states.draw_empty(settings)
        return
    encoder = model.load(chosen_model)
    if encoder is None or not consent.may_send(encoder):
        return
    with sidebar:
        prompts.warn_of_cuts(wanted, encoder)
    wish = indexing.Wish(video, encoder, store, rate)
    indexed = indexing.see_to_it(wish)
    with sidebar:
        evidence = curves.live_evidence(wish, indexed, wanted, settings)
    wanted = wanted.only((*evidence.raw.prompts, *evidence.negatives.prompts))
    with facts:
        source.describe(indexed.record)
    with slot:
        indexing.draw_status(wish, indexed, len(evidence.raw))
    record = indexed.record
    if record is None:
        states.draw_opening(video, indexed)
        return
    with sidebar:
        chosen = signal.choose_signal(settings, wish.encoder, evidence, wanted)
    found = find(chosen.recipe, evidence)
    head = playhead.settle_playhead(record, evidence.raw)
    left, right = st.columns([36, 64], gap="medium")
    with left.container(gap="xsmall"):
        given = truth.choose_truth(record, wanted.texts, head)
        told = st.container(gap="xsmall")
        fitting.draw_fit(found, given.marks)
    with right.container(gap="xsmall"):
        judged = evaluating.judge(found, given, told)
        if judged is None:
            return
        worth.draw_worth(judged, wanted)
        below, beside = st.columns(2, gap="small")
    with below.container(gap="xsmall"):
        worth.draw_recall(judged, wanted)
    with beside.container(gap="xsmall"):
        sweeping.draw_sweep(judged)


states.guarded(main)
