"""The moments of one video against the ground truth. Reads from top to bottom, as the page does."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from clip_core.analysis.evaluate import agreement, evaluation_bars
from pages.regions.chart import curves
from pages.regions.evaluation import ground_truth, marks, views
from pages.regions.investigation import choose_subject
from pages.regions.sidebar import prompts
from pages.regions.viewer import playhead, proxy, transport, viewer
from pages.shared import page

SMALLER_PX = 130  # taken off the chart for the bar of marks, so that the page need not scroll


def main() -> None:
    """Draw the page."""
    subject = choose_subject()
    if subject is None:
        return
    config, video, record, wanted = subject.config, subject.video, subject.record, subject.prompts
    found = replace(subject.detection, candidates=[])  # candidates are undecided, so not evaluated
    playable = viewer.see_what_plays(video, record, config)
    head = playhead.settle_playhead(record, found.scores)
    marks.settle_marks(record, wanted.texts, head)
    given = ground_truth.known_truth(record)
    judged = views.judge(found, given)
    compared = judged.evaluation
    held = None if compared is None else agreement(compared.moments, compared.truth)
    shown = prompts.settle_shown(wanted)
    to_walk = [moment for moment in found.moments if moment.prompt in shown]
    scene = viewer.Scene(video, record, found, (to_walk, ()), wanted, subject.signal, head)
    way = viewer.choose(scene, playable)
    place = subject.opened.done()
    left, right = place.columns([42, 58], gap="small")
    with left:
        way.draw_picture()
    with right.container(gap="xsmall", key="evaluate_right"):
        view = views.choose_view()
        body = st.container(height=views.BODY_PX, border=False, gap="xsmall", key="evaluate_body")
    with place:
        way.draw_transport()
        proxy.draw_proxy_status(playable, video, record, config)
        marks.draw_bar(record, wanted.texts, keys=not way.plays)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
            prompts.draw_legend(wanted, shown)
            taken_px = SMALLER_PX + way.taken_px + proxy.status_px(playable)
            style = transport.draw_view_menu(len(found.scores.prompts), taken_px, templates=wanted.templates != "none")
        chart = scene.timeline(shown, style, curves.unfinished_part(subject.request, subject.indexed, found.scores))
        way.draw_chart(replace(chart, bars=evaluation_bars(held, found.moments)), fits=style.fits)
    with body:
        views.draw_view(view, scene, given, judged, held, direct=way.plays)


page.show(main)
