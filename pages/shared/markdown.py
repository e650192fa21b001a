"""Escape user text for Streamlit's Markdown, and write errors as Markdown."""

from __future__ import annotations

import re

from clip_core.errors import ClipVideoError

_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")
_WORD_JOINER = "\u2060"


def escape_markdown(text: str) -> str:
    """Return ``text`` so that Markdown shows it as it is: no links, math, emoji codes, colours or HTML.

    Every ASCII punctuation mark gets a backslash (CommonMark 2.4). A colon also gets an invisible word
    joiner behind it, because emoji codes such as ``:dog:`` are replaced after backslashes are gone.
    """
    one_line = " ".join(text.split())
    return _MARKUP.sub(r"\\\1", one_line).replace(r"\:", r"\:" + _WORD_JOINER)


def error_markdown(error: ClipVideoError) -> str:
    """Return an error as Markdown: what happened in bold, then the next step."""
    return f"**{escape_markdown(error.what)}** {escape_markdown(error.next_step)}".strip()
