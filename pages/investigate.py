"""One video: prompts → curves → flagged moments. Read it from top to bottom, as the page is."""

from __future__ import annotations

import streamlit as st

from clip_core.pipeline.judge_moments import reviewed_moments
from clip_core.pipeline.write_outcome import Outcome
from pages.parts import (
    cached,
    chart,
    curves,
    downloads,
    explain,
    heat_proposal,
    in_out,
    judge_fast,
    judging,
    look,
    moments,
    pictures,
    playhead,
    prompts,
    proxy,
    settings_file,
    settings_menu,
    spikes,
    states,
    transport,
    verdicts,
    watch,
)
from pages.parts.subject import choose_subject


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    cached.warm_up()
    settings_file.take_link()
    settings_file.take_file()
    subject = choose_subject()
    if subject is None:
        return
    settings, video, record, wanted = subject.settings, subject.video, subject.record, subject.prompts
    wish, found = subject.wish, subject.findings
    store, encoder, scores = wish.store, wish.encoder, found.scores
    shown = prompts.settle_shown(wanted)
    listed = moments.settle_list(
        reviewed_moments(found, record.video_id, store), record.video_id, hidden=set(wanted.texts) - set(shown)
    )
    found = moments.shown_findings(found, listed)
    playable = watch.see_what_plays(video, record, settings)
    head = playhead.settle_playhead(record, scores)
    in_out.settle_in_out(record, head)
    pictures.take_frame(video, record, head)
    to_walk = spikes.spikes_to_walk(found, listed.off) or listed.to_walk
    scene = watch.Scene(video, record, found, to_walk, wanted, subject.signal, head)
    way = watch.choose(scene, playable)
    page = subject.opened.done()
    left, middle, right = page.container(key="top_row").columns([46, 25, 29], gap="small")
    with left:
        way.draw_picture()
    with middle:
        way.draw_ranking()
    with right.container(gap="xsmall", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="list_row"):
            kind = moments.choose_list(len(listed.kept))
            judging.draw_judging(found, listed, head, record, store)
            downloads_place = st.container(width="content")
        moments.draw_list(kind, found, listed, wanted, subject.signal, record, str(video.path))
        with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", wrap=False, key="verdict_row"):
            verdicts.draw_verdicts(found, wanted)
            judging.draw_accept(found, listed, head, record, store)
        judge_fast.draw_keys(found, listed, head, record, store, plays=way.plays)
    with page:
        way.draw_transport()
        proxy.draw_proxy_status(playable, video, record, settings)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            prompts.draw_legend(wanted, shown)
            style = transport.draw_view_menu(
                len(scores.prompts),
                way.taken_px + proxy.status_px(playable) + heat_proposal.proposal_px(len(shown)),
                templates=wanted.templates != "none",
            )
            settings_place = st.container(width="content")
            explain.draw_explanation(encoder)
        view = scene.timeline(shown, style, curves.unfinished_part(wish, subject.indexed, scores))
        heat_proposal.draw_proposal(len(shown))
        way.draw_chart(view, judge_fast.draggable(found, listed, record, store), fits=style.fits)
        chart.draw_footer(wish, subject.indexed, found)
    with downloads_place:
        pictured = None if wanted.pictures is None else wanted.texts
        outcome = Outcome(found, listed.to_give, record, str(video.path), encoder, listed.reviewed, pictured)
        downloads.draw_downloads(outcome, view, listed)
    with settings_place:
        settings_menu.draw_settings_menu(outcome, listed, settings, head.frame)


states.guarded(main)
