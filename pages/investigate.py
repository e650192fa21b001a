"""One video: prompts → curves → flagged moments. Reads from top to bottom, as the page does."""

from __future__ import annotations

import streamlit as st

from clip_core.analysis.annotations import reviewed_moments
from clip_core.analysis.export_bundle import ExportBundle
from pages.regions.chart import chart, curves, explain
from pages.regions.download import files
from pages.regions.investigation import choose_subject
from pages.regions.moments import best_worst, in_out, moment_list, review
from pages.regions.sidebar import prompt_pictures, prompts, settings_io
from pages.regions.viewer import playhead, proxy, transport, viewer
from pages.shared import cache, page


def main() -> None:
    """Draw the page."""
    cache.warm_up()
    settings_io.take_link()
    settings_io.take_file()
    subject = choose_subject()
    if subject is None:
        return
    config, video, record, wanted = subject.config, subject.video, subject.record, subject.prompts
    request, found = subject.request, subject.detection
    store, encoder, scores = request.store, request.encoder, found.scores
    shown = prompts.settle_shown(wanted)
    listed = moment_list.settle_list(
        reviewed_moments(found, record.video_id, store), record.video_id, hidden=set(wanted.texts) - set(shown)
    )
    found = moment_list.shown_detection(found, listed)
    playable = viewer.see_what_plays(video, record, config)
    head = playhead.settle_playhead(record, scores)
    in_out.settle_in_out(record, head)
    prompt_pictures.take_frame(video, record, head)
    to_walk = best_worst.spikes_to_walk(found, listed.off) or listed.to_walk
    scene = viewer.Scene(video, record, found, to_walk, wanted, subject.signal, head)
    way = viewer.choose(scene, playable)
    place = subject.opened.done()
    left, middle, right = place.container(key="top_row").columns([46, 25, 29], gap="small")
    with left:
        way.draw_picture()
    with middle:
        way.draw_ranking()
    with right.container(gap="xsmall", height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False, key="list_row"):
            kind = moment_list.choose_list(len(listed.kept))
            review.draw_judging(found, listed, head, record, store)
            downloads_place = st.container(width="content")
        moment_list.draw_list(kind, found, listed, wanted, subject.signal, record, str(video.path))
        with st.container(horizontal=True, vertical_alignment="top", gap="xsmall", wrap=False, key="verdict_row"):
            moment_list.draw_verdicts(found, wanted)
            review.draw_accept(found, listed, head, record, store)
        review.draw_keys(found, listed, head, record, store, plays=way.plays)
    with place:
        way.draw_transport()
        proxy.draw_proxy_status(playable, video, record, config)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            prompts.draw_legend(wanted, shown)
            style = transport.draw_view_menu(
                len(scores.prompts),
                way.taken_px + proxy.status_px(playable) + chart.proposal_px(len(shown)),
                templates=wanted.templates != "none",
            )
            settings_place = st.container(width="content")
            explain.draw_explanation(encoder)
        view = scene.timeline(shown, style, curves.unfinished_part(request, subject.indexed, scores))
        chart.draw_proposal(len(shown))
        way.draw_chart(view, review.draggable(found, listed, record, store), fits=style.fits)
        chart.draw_footer(request, subject.indexed, found)
    with downloads_place:
        pictured = None if wanted.pictures is None else wanted.texts
        bundle = ExportBundle(found, listed.to_give, record, str(video.path), encoder, listed.reviewed, pictured)
        files.draw_downloads(bundle, view, listed)
    with settings_place:
        settings_io.draw_settings_menu(bundle, listed, config, head.frame)


page.show(main)
