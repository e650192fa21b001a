"""The box Download: moments, scores and settings as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from clip_core.export.formats import MOMENT_FORMATS, SCORE_FORMATS, Format
from clip_core.pipeline.write_outcome import Outcome, moments_file, scores_file
from clip_core.recipe import recipe_yaml
from pages.parts.text import literal

MIME_YAML = "application/yaml"


def draw_files(outcome: Outcome) -> None:
    """Draw a row for each kind of thing: what it is written as, and a button."""
    _draw_row("Moments", "moments", MOMENT_FORMATS, partial(_made, moments_file, outcome))
    _draw_row("Scores", "scores", SCORE_FORMATS, partial(_made, scores_file, outcome))
    if MOMENT_FORMATS[st.session_state.moments_format].counts_frames and outcome.rate_note:
        st.caption(literal(outcome.rate_note))


def draw_settings(outcome: Outcome) -> None:
    """Draw the button of the settings file. Of pictures there is none: who loads it would lose the texts."""
    pictures = outcome.pictures is not None
    st.download_button(
        "Settings",
        partial(recipe_yaml, outcome.findings.recipe),
        "settings.yaml",
        MIME_YAML,
        key="settings_file",
        on_click="ignore",
        disabled=pictures,
        help="A settings file holds texts. Go back to Texts to save it."
        if pictures
        else "All that moments are made of, as YAML: for the command line (--settings), or to load here.",
    )


def _draw_row(title: str, key: str, formats: Mapping[str, Format], made: Callable[[str], Callable[[], bytes]]) -> None:
    st.session_state.setdefault(f"{key}_format", next(iter(formats)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        kind = st.selectbox(
            f"{title} as",
            list(formats),
            key=f"{key}_format",
            persist_state="session",
            format_func=lambda kind: formats[kind].title,
        )
        form = formats[kind or next(iter(formats))]
        st.download_button(
            title,
            made(kind),
            form.file_name,
            form.mime,
            key=f"{key}_file",
            icon=":material/download:",
            on_click="ignore",
        )


def _made(write: Callable[[str, Outcome], bytes], outcome: Outcome, kind: str) -> Callable[[], bytes]:
    return partial(write, kind, outcome)
