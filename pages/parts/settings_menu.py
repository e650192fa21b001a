"""The menu Settings: this view as a link, settings to a file and from one, and a comparison with moments of a file."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clip_core.config import Config
from clip_core.files import named_after
from clip_core.pipeline.write_outcome import Outcome
from clip_core.recipe import recipe_yaml
from pages.parts.compare_file import draw_comparison
from pages.parts.look import unseen
from pages.parts.moments import Listed
from pages.parts.settings_file import draw_loading, view_link

MIME_YAML = "application/yaml"
WIDTH_PX = 400
"""A long link would widen the menu as far as it may."""


def draw_settings_menu(outcome: Outcome, listed: Listed, settings: Config, frame: int) -> None:
    """Draw the menu.

    Args:
        outcome: With the settings in force.
        listed: The moments that a file is compared with.
        settings: Those of config.yaml.
        frame: The one on the screen, which the link names.
    """
    menu = st.popover(
        unseen("Settings"),
        icon=":material/settings:",
        help="Settings: this view as a link, save and load settings, compare with a file",
        key="settings_box",
    )
    with menu, st.container(width=WIDTH_PX):
        st.markdown("**Settings**")
        _draw_link(outcome, frame)
        _draw_saving(outcome)
        draw_loading(settings)
        draw_comparison(listed.kept, outcome.findings.scores.prompts)


def _draw_link(outcome: Outcome, frame: int) -> None:
    pictures, video = outcome.pictures is not None, st.session_state.get("video")
    recipe = None if pictures else outcome.findings.recipe  # thresholds of pictures would be applied to texts
    st.caption("This view as a link")
    st.code(view_link(recipe, str(video or ""), frame), language=None, wrap_lines=False)
    if pictures:
        st.caption("Pictures do not go along, nor their settings: this link holds the video and the frame.")


def _draw_saving(outcome: Outcome) -> None:
    """Draw the button of the settings file. Of pictures there is none: who loads it would lose the texts."""
    pictures = outcome.pictures is not None
    st.download_button(
        "Save settings (YAML)",
        partial(recipe_yaml, outcome.findings.recipe),
        named_after(outcome.record.name, "settings.yaml"),
        MIME_YAML,
        key="settings_file",
        on_click="ignore",
        icon=":material/save:",
        disabled=pictures,
        help="A settings file holds texts. Go back to Texts to save it."
        if pictures
        else "All that moments are made of: for the command line (--settings), or to load here.",
    )
