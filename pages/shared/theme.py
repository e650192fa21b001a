"""The active theme, and CSS for what Streamlit has no option for."""

from __future__ import annotations

import streamlit as st

from clip_core.charts.colours import THEMES, Theme, ThemeName, svg_uri, swatch_uri

_CSS = """<style>
.stMainBlockContainer{{padding-left:1.25rem;padding-right:1.25rem}}
[data-testid="stSidebarHeader"]{{height:2.5rem;min-height:0;margin-bottom:0}}
.st-key-evaluate_right{{container-type:inline-size}}
.st-key-evaluate_right>:has(>.st-key-evaluate_body){{
height:max(216px,40.73cqw + 20px)!important;flex-basis:auto!important}}
.st-key-transport kbd{{display:none}}
.st-key-legend button[data-variant="pills"][aria-pressed="true"]{{
border-color:{edge};color:{text};background:transparent}}
.st-key-legend button[data-variant="pills"][aria-pressed="false"]{{border-color:{edge};opacity:.45}}
.st-key-legend button img,.st-key-flagged button img{{
height:.72em;width:.72em;margin-right:.2em;vertical-align:-.02em}}
.st-key-for_footage button,.st-key-help_box button,.st-key-list_row button,.st-key-own_box button,
.st-key-heat_proposal button,.st-key-smoothing_row button{{min-height:28px;padding-top:0;padding-bottom:0}}
.st-key-list_row{{gap:.25rem}}
.st-key-list_row button,.st-key-smoothing_row button{{padding-left:.4rem;padding-right:.4rem}}
.st-key-list_row [data-testid="stButtonGroup"] button{{padding-left:.25rem;padding-right:.25rem}}
.st-key-list_row [data-testid="stButtonGroup"] p{{font-size:.77rem}}
.st-key-judge_main{{display:none}}
.st-key-peaks button{{min-height:0;padding:1px 2px;line-height:1.25}}
.st-key-list_row [data-testid="stPopoverButton"] div[aria-hidden="true"]{{display:none}}
.st-key-smoothing_row{{margin-bottom:-.5rem}}
@media (max-width:1150px){{
.st-key-top_row>[data-testid="stLayoutWrapper"]>[data-testid="stHorizontalBlock"]{{flex-wrap:wrap}}
.st-key-top_row>[data-testid="stLayoutWrapper"]>[data-testid="stHorizontalBlock"]>[data-testid="stColumn"]{{
flex:1 1 40%;min-width:240px}}
.st-key-top_row>[data-testid="stLayoutWrapper"]>[data-testid="stHorizontalBlock"]>:last-child{{flex-basis:100%}}
}}
.st-key-legend{{max-height:62px;overflow-y:auto;overflow-x:hidden}}
.st-key-legend::-webkit-scrollbar,[data-region="verdicts"]::-webkit-scrollbar{{width:7px}}
.st-key-legend::-webkit-scrollbar-thumb,[data-region="verdicts"]::-webkit-scrollbar-thumb{{
background:{muted};border-radius:4px}}
.st-key-chart iframe{{display:block}}
[data-testid="stElementToolbar"]{{top:2px!important;right:2px!important;padding:0}}
[class*="st-key-moments"] [data-testid="stElementToolbar"]{{left:32px!important;right:auto!important}}
[data-testid="stElementToolbarButton"]:not(:has([aria-label="Search"],[aria-label*="ullscreen"])){{display:none}}
button [data-testid="stMarkdownContainer"]:has(>p>em:only-child){{position:absolute;width:1px;height:1px;
overflow:hidden;clip-path:inset(50%)}}
.st-key-footer{{margin-top:-.2rem;margin-bottom:-.5rem}}
.st-key-heat_proposal [data-testid="stCaptionContainer"],.st-key-heat_proposal p{{margin-bottom:0}}
.st-key-footer [data-testid="stCaptionContainer"],.st-key-footer p{{margin-bottom:0}}
</style>"""


def theme_name() -> ThemeName:
    """Return the theme that the visitor's browser shows."""
    return "dark" if st.context.theme.type == "dark" else "light"


def theme() -> Theme:
    """Return the colours of the active theme."""
    return THEMES[theme_name()]


def apply_styles() -> None:
    """Put the CSS on the page. The page also works where a rule has no effect."""
    colours = theme()
    st.html(_CSS.format(edge=colours.edge, text=colours.text, muted=colours.muted))


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
