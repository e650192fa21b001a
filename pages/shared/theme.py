"""The active theme and what is drawn in its colours."""

from __future__ import annotations

import streamlit as st

from clip_core.charts.colours import THEMES, Theme, ThemeName, svg_uri, swatch_uri


def theme_name() -> ThemeName:
    """Return the theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme() -> Theme:
    """Return the colours of the active theme."""
    return THEMES[theme_name()]


def unseen(label: str) -> str:
    """Return the label for a control that shows only its icon; screen readers read it out."""
    return f"*{label}*"


def swatch(colour: str, box: int = 10, number: int = 0) -> str:
    """Return a square of 10 px in a box of ``box`` px with the mark of prompt ``number``, as a data URI."""
    return swatch_uri(colour, number, box)


def question_mark(colour: str, box: int = 20) -> str:
    """Return a question mark in a box of ``box`` px, as a data URI."""
    look = 'text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="15"'
    return svg_uri(f'<text x="{box / 2}" y="{box / 2 + 5}" {look} fill="{colour}">?</text>', box)
