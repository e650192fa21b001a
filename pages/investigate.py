"""One video: prompts → curves → flagged moments. Read it from top to bottom, as the page is."""

from __future__ import annotations

import streamlit as st

from clip_core.pipeline.judge_moments import reviewed_moments
from clip_core.pipeline.write_outcome import Outcome
from clip_core.scoring.findings import find
from pages.parts import (
    cached,
    chart,
    consent,
    curves,
    downloads,
    explain,
    indexing,
    judging,
    kept,
    look,
    model,
    moments,
    pictures,
    playhead,
    prompts,
    proxy,
    settings_file,
    signal,
    source,
    states,
    transport,
    watch,
)


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    cached.warm_up()
    kept.keep_values()
    settings_file.take_link()
    settings_file.take_file()
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
    scores = evidence.raw
    wanted = wanted.only((*scores.prompts, *evidence.negatives.prompts))
    with facts:
        source.describe(indexed.record)
    with slot:
        indexing.draw_status(wish, indexed, len(scores))
    record = indexed.record
    if record is None:
        states.draw_opening(video, indexed)
        return
    with sidebar:
        chosen = signal.choose_signal(settings, wish.encoder, evidence, wanted)
    found = find(chosen.recipe, evidence)
    listed = moments.settle_list(reviewed_moments(found, record.video_id, store), record.video_id)
    found = moments.shown_findings(found, listed)
    playable = watch.see_what_plays(video, record, settings)
    head = playhead.settle_playhead(record, scores)
    pictures.take_frame(video, record, head)
    scene = watch.Scene(video, record, found, listed.to_walk, wanted, chosen, head)
    way = watch.choose(scene, playable)
    page = st.container(gap="xsmall")
    left, middle, right = page.columns([46, 25, 29], gap="small")
    with left:
        way.draw_picture()
    with middle:
        way.draw_ranking()
    with right.container(gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="list_row"):
            kind = moments.choose_list(len(listed.kept))
            judging.draw_judging(found, listed, head, record, store)
            downloads_place = st.container(width="content")
        moments.draw_list(kind, found, listed, wanted, chosen, record, str(video.path))
    with page:
        way.draw_transport()
        proxy.draw_proxy_status(playable, video, record, settings)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            shown = prompts.draw_legend(wanted)
            style = transport.draw_view_menu(
                len(scores.prompts), proxy.status_px(playable), templates=wanted.templates != "none"
            )
            explain.draw_explanation(wish.encoder)
        view = scene.timeline(shown, style, curves.unfinished_part(wish, indexed, scores))
        way.draw_chart(view)
        chart.draw_footer(wish, indexed, found)
    with downloads_place:
        pictured = None if wanted.pictures is None else wanted.texts
        outcome = Outcome(found, listed.to_give, record, str(video.path), wish.encoder, listed.reviewed, pictured)
        downloads.draw_downloads(downloads.Given(outcome, view, listed, settings, head.frame))


states.guarded(main)
