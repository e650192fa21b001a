"""What can be taken away, in one box: files, the chart and the report, clips."""

from __future__ import annotations

import streamlit as st

from clip_core.charts.timeline import Timeline
from clip_core.pipeline.write_outcome import Outcome
from pages.parts.give_clips import draw_clips
from pages.parts.give_files import draw_files
from pages.parts.give_pages import draw_pages
from pages.parts.look import unseen
from pages.parts.moments import Listed
from pages.parts.spikes import draw_spikes_file

CANDIDATES_HELP = "The likeliest places of prompts that are not sure to be there; their label is “candidate”."
WIDTH_PX = 400


def draw_downloads(outcome: Outcome, view: Timeline, listed: Listed) -> None:
    """Draw the box; ``view`` is the chart as it is seen. Every file is made when its button is pressed, not before."""
    box = st.popover(unseen("Download"), icon=":material/download:", help="Download", key="download_box")
    with box, st.container(width=WIDTH_PX):
        st.markdown("**Download**")
        st.caption(_which(listed))
        if listed.candidates:
            st.toggle("With candidates", key="give_candidates", persist_state="session", help=CANDIDATES_HELP)
        draw_files(outcome)
        draw_spikes_file(outcome, listed.off)
        draw_pages(outcome, view)
        draw_clips(outcome)


def _which(listed: Listed) -> str:
    all_of_them, candidates = len(listed.reviewed), len(listed.candidates)
    if listed.chosen:
        rejected = len(listed.chosen) - len(listed.to_give)
        without = f", without {rejected} rejected" if rejected else ""
        return f"Ticked rows only: {len(listed.chosen)} of {all_of_them} moments{without}."
    left_out = all_of_them - len(listed.kept) - candidates
    counted = "1 moment" if len(listed.kept) == 1 else f"{len(listed.kept)} moments"
    if listed.with_candidates and candidates:
        counted += f" and {candidates} candidate{'' if candidates == 1 else 's'}"
    without = [f"{left_out} rejected"] if left_out else []
    without += [f"{listed.hidden} of hidden prompts"] if listed.hidden else []
    return f"{counted}{', without ' if without else ''}{' and '.join(without)}. Tick rows to take only these."
