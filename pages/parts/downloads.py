"""What can be taken away, in one box: files, the chart and the report, clips; and a comparison with a file."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from clip_core.charts.timeline import Timeline
from clip_core.config import Config
from clip_core.pipeline.write_outcome import Outcome
from pages.parts.compare_file import draw_comparison
from pages.parts.give_clips import draw_clips
from pages.parts.give_files import draw_files
from pages.parts.give_pages import draw_pages
from pages.parts.moments import Listed
from pages.parts.settings_file import draw_loading, view_link

CANDIDATES_HELP = "The likeliest places of prompts that are not sure to be there; their label is “candidate”."
WIDTH_PX = 400
"""A long link would widen the box as far as it may."""


@dataclass(frozen=True)
class Given:
    """What the box is filled with; ``view`` is the chart as it is seen."""

    outcome: Outcome
    view: Timeline
    listed: Listed
    settings: Config
    frame: int


def draw_downloads(given: Given) -> None:
    """Draw the box. Every file is made when its button is pressed, and not before."""
    box = st.popover("", icon=":material/download:", help="Download", key="download_box")
    with box, st.container(width=WIDTH_PX):
        st.markdown("**Download**")
        st.caption(_which(given.listed))
        if given.listed.candidates:
            st.toggle("With candidates", key="give_candidates", persist_state="session", help=CANDIDATES_HELP)
        draw_files(given.outcome)
        draw_pages(given.outcome, given.view)
        draw_clips(given.outcome)
        _draw_settings(given)
        draw_comparison(given.listed.kept, given.outcome.findings.scores.prompts)


def _draw_settings(given: Given) -> None:
    pictures, video = given.outcome.pictures is not None, st.session_state.get("video")
    recipe = None if pictures else given.outcome.findings.recipe  # cuts of pictures would fall on texts
    st.markdown("###### This view as a link")
    st.code(view_link(recipe, str(video or ""), given.frame), language=None, wrap_lines=False)
    if pictures:
        st.caption("Pictures do not go along, nor their settings: this link holds the video and the frame.")
    draw_loading(given.settings)


def _which(listed: Listed) -> str:
    all_of_them, candidates = len(listed.reviewed), len(listed.candidates)
    if listed.chosen:
        rejected = len(listed.chosen) - len(listed.to_give)
        without = f", without {rejected} rejected" if rejected else ""
        return f"Selected rows only: {len(listed.chosen)} of {all_of_them} moments{without}."
    left_out = all_of_them - len(listed.kept) - candidates
    counted = "1 moment" if len(listed.kept) == 1 else f"{len(listed.kept)} moments"
    if listed.with_candidates and candidates:
        counted += f" and {candidates} candidate{'' if candidates == 1 else 's'}"
    without = [f"{left_out} rejected"] if left_out else []
    without += [f"{listed.hidden} of hidden prompts"] if listed.hidden else []
    return f"{counted}{', without ' if without else ''}{' and '.join(without)}. Select rows to take only these."
