"""The theme in force, and the little CSS for what Streamlit has no option for."""

from __future__ import annotations

import base64

import streamlit as st

from clip_core.charts.palette import THEMES, Theme, ThemeName

_CSS = """<style>
.stMainBlockContainer{{padding-left:1.25rem;padding-right:1.25rem}}
[data-testid="stSidebarHeader"]{{height:2.5rem;min-height:0;margin-bottom:0}}
.st-key-transport kbd{{display:none}}
.st-key-legend button[data-variant="pills"][aria-pressed="true"]{{
border-color:{edge};color:{text};background:transparent}}
.st-key-legend button[data-variant="pills"][aria-pressed="false"]{{border-color:{edge};opacity:.45}}
.st-key-legend button img,.st-key-flagged button img{{
height:.72em;width:.72em;margin-right:.2em;vertical-align:-.02em}}
.st-key-help_box button,.st-key-list_row button,.st-key-own_box button{{min-height:28px;padding-top:0;padding-bottom:0}}
.st-key-list_row button{{padding-left:.4rem;padding-right:.4rem}}
.st-key-list_row [data-testid="stPopoverButton"] div[aria-hidden="true"]{{display:none}}
.st-key-chart iframe{{display:block}}
[data-testid="stElementToolbar"]{{top:2px!important;right:2px!important;padding:0}}
[data-testid="stElementToolbarButton"]:not(:has([aria-label="Search"],[aria-label*="ullscreen"])){{display:none}}
button [data-testid="stMarkdownContainer"]:has(>p>em:only-child){{position:absolute;width:1px;height:1px;
overflow:hidden;clip-path:inset(50%)}}
.st-key-footer{{margin-top:-.2rem;margin-bottom:-.5rem}}
.st-key-footer [data-testid="stCaptionContainer"],.st-key-footer p{{margin-bottom:0}}
</style>"""


def theme_name() -> ThemeName:
    """The theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme() -> Theme:
    """The colours of that theme."""
    return THEMES[theme_name()]


def apply_styles() -> None:
    """Put the CSS on the page. All of it degrades harmlessly."""
    colours = theme()
    st.html(_CSS.format(edge=colours.edge, text=colours.text))


def unseen(label: str) -> str:
    """The label of a control that shows its icon alone: it is read to those who cannot see the icon."""
    return f"*{label}*"


def swatch(colour: str, box: int = 10) -> str:
    """A square of 10 px in a box of ``box`` px, as a data URI that labels and tables can show."""
    margin = (box - 10) / 2
    return _picture(f'<rect x="{margin}" y="{margin}" width="10" height="10" rx="2" fill="{colour}"/>', box)


def question_mark(colour: str, box: int = 20) -> str:
    """A question mark in place of the square."""
    look = 'text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="15"'
    return _picture(f'<text x="{box / 2}" y="{box / 2 + 5}" {look} fill="{colour}">?</text>', box)


def _picture(drawn: str, box: int) -> str:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{box}" height="{box}" viewBox="0 0 {box} {box}">{drawn}</svg>'
    )
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
