"""The moments of one video against the ground truth. Reads from top to bottom, as the page does."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from clip_core.analysis.evaluate import evaluation_bars
from pages.regions.chart import curves
from pages.regions.evaluation import ground_truth, views
from pages.regions.investigation import choose_investigation
from pages.regions.sidebar import prompts
from pages.regions.viewer import playhead, view_menu
from pages.regions.viewer.viewer import Scene, see_what_plays
from pages.shared import page

SMALLER_PX = 130  # taken off the chart for the bar of marks, so that the page need not scroll


def main() -> None:
    """Draw the page."""
    investigation = choose_investigation()
    if investigation is None:
        return
    video, record, wanted = investigation.video, investigation.record, investigation.prompts
    found = replace(investigation.detection, candidates=[])  # candidates are undecided, so not evaluated
    playable = see_what_plays(video, record, investigation.config)
    head = playhead.settle_playhead(record, found.scores)
    ground_truth.settle_marks(record, wanted.texts, head)
    evaluated = views.evaluate_video(found, record)
    shown = prompts.settle_shown(wanted)
    to_walk = [moment for moment in found.moments if moment.prompt in shown]
    scene = Scene(video, record, found, (to_walk, ()), wanted, investigation.signal, head, playable)
    place = investigation.opened.done()
    left, right = place.columns([42, 58], gap="small")
    with left:
        scene.draw_picture()
    with right.container(gap="xsmall", key="evaluate_right"):
        view = views.choose_view()
        body = st.container(height=views.BODY_PX, border=False, gap="xsmall", key="evaluate_body")
    with place:
        scene.draw_transport()
        ground_truth.draw_mark_bar(record, wanted.texts, keys=not scene.plays)
        look, _ = view_menu.draw_options(wanted, shown, SMALLER_PX, scene.taken_px)
        unfinished = curves.unfinished_part(investigation.request, investigation.indexed, found.scores)
        chart = scene.timeline(shown, look, unfinished)
        scene.draw_chart(replace(chart, bars=evaluation_bars(evaluated.agreement, found.moments)), fits=look.fits)
    with body:
        views.draw_view(view, scene, evaluated, direct=scene.plays)


page.show(main)
