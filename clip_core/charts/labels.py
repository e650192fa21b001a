"""A user's text where plotly would read markup, and where there is little room."""

from __future__ import annotations

import html

MOST = 26
TAIL = 8


def short(prompt: str) -> str:
    """Return at most 26 characters of ``prompt``: the first 16, "…", the last 8."""
    if len(prompt) <= MOST:
        return prompt
    return prompt[: MOST - TAIL - 2].rstrip() + "…" + prompt[-TAIL:].lstrip()


def plotly_text(text: str) -> str:
    """Return ``text`` so that plotly, which renders a subset of HTML, shows it literally."""
    return html.escape(text)
