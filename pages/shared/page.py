"""What every page has: its CSS, the login where one is configured, and the handler that turns errors into messages."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable

import streamlit as st

from clip_core.errors import ClipVideoError
from pages.shared.access import draw_login, may_enter
from pages.shared.markdown import error_markdown
from pages.shared.theme import theme

_log = logging.getLogger(__name__)

APP_STARTED, ASKED_FIRST = "app_started", "asked_first"
"""Session keys: what app.py sets, and the file of the page that was asked for before that."""
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


def draw_error(error: ClipVideoError) -> None:
    """Say what happened and the next step; the sidebar stays."""
    st.error(error_markdown(error), icon=":material/error:")


def show(main: Callable[[], None]) -> None:
    """Draw a page; every error becomes a message, never a traceback.

    Before app.py has run for the first time, Streamlit takes the files in pages/ for its own pages: a bookmark that
    is opened right after a start would show one without the frame of the app. app.py then opens the page.
    """
    if APP_STARTED not in st.session_state:
        st.session_state[ASKED_FIRST] = inspect.getfile(main)
        st.switch_page("app.py")
    _apply_styles()
    if not may_enter():
        draw_login()
        return
    try:
        main()
    except ClipVideoError as error:
        draw_error(error)
    except Exception as error:  # noqa: BLE001 - the last handler before the visitor
        _log.exception("a page failed unexpectedly")
        what = f"Something unexpected happened ({type(error).__name__})."
        draw_error(ClipVideoError(what, "The server's log says more; what is indexed is kept."))


def _apply_styles() -> None:
    """Put the CSS on the page. The page also works where a rule has no effect."""
    colours = theme()
    st.html(_CSS.format(edge=colours.edge, text=colours.text, muted=colours.muted))
