"""The moments of one video held against a truth. Read it from top to bottom, as the page is."""

from __future__ import annotations

import streamlit as st

from pages.parts import evaluating, fitting, look, playhead, states, sweeping, truth, worth
from pages.parts.subject import choose_subject


def main() -> None:
    """Draw the page."""
    look.apply_styles()
    playhead.pause()  # nobody sees it play from here
    subject = choose_subject()
    if subject is None:
        return
    found, wanted = subject.findings, subject.prompts
    head = playhead.settle_playhead(subject.record, found.scores)
    left, right = subject.opened.done().columns([36, 64], gap="medium")
    with left.container(gap="xsmall"):
        given = truth.choose_truth(subject.record, wanted.texts, head)
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
