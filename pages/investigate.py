"""One video: prompts → curves → flagged moments. Read it from top to bottom, as the page is."""

from __future__ import annotations

import streamlit as st

from pages.parts import (
    cached,
    chart,
    consent,
    curves,
    explain,
    indexing,
    look,
    model,
    moments,
    playhead,
    prompts,
    proxy,
    signal,
    source,
    states,
    transport,
    viewer,
)
from pages.parts.player import draw as player


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    cached.warm_up()
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
        scores = curves.live_scores(wish, indexed, wanted.texts)
    wanted = wanted.only(scores.prompts)
    with facts:
        source.describe(indexed.record)
    with slot:
        indexing.draw_status(wish, indexed, len(scores))
    record = indexed.record
    if record is None:
        states.draw_opening(video, indexed)
        return
    with sidebar:
        chosen = signal.choose_signal(settings, wish.encoder, scores, wanted)
    found = curves.find(scores, chosen)
    wants_player = transport.watched() == "Player"
    playable = proxy.see_to_proxy(video, record, settings) if wants_player else proxy.Playable(None)
    live = playable.source is not None
    if live:
        playhead.pause()  # the player plays, and Python hears where it stands
    head = playhead.settle_playhead(record.video_id, record.table, scores)
    page = st.container(gap="xsmall")
    left, middle, right = page.columns([46, 25, 29], gap="small")
    with left:
        if live:
            player.draw_screen(record, playable, found, head)
        else:
            viewer.draw_picture(video, record, head)
    with middle:
        if live:
            player.draw_ranking(found, wanted, chosen)
        else:
            viewer.draw_ranking(found, head, wanted, chosen)
    with right.container(gap="xsmall"):
        moments.draw_list(found, wanted, chosen)
    with page:
        if not live:
            transport.draw_transport(record.table, scores, found.moments, head)
        proxy.draw_proxy_status(playable, video, record, settings)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            shown = prompts.draw_legend(wanted)
            style = transport.draw_view_menu(len(scores.prompts))
            explain.draw_explanation(wish.encoder)
        unfinished = curves.unfinished_part(wish, indexed, scores)
        if live:
            player.draw_timeline(found, wanted, shown, chosen, style, unfinished)
        else:
            chart.draw_chart(found, wanted, shown, chosen, head, style, unfinished)
        chart.draw_footer(wish, indexed, found, chosen)


states.guarded(main)
