"""A user's text where plotly would read markup, and where there is little room."""

from __future__ import annotations

import html

from clip_core.values import Unit

MOST = 26
TAIL = 8
DECIMALS: dict[Unit, int] = {"cosine": 3, "z": 2, "percentile": 1, "margin": 3, "softmax": 3}
"""How many a score is shown with; an axis has one less."""


def short(prompt: str) -> str:
    """Return at most 26 characters of ``prompt``: the first 16, "…", the last 8."""
    if len(prompt) <= MOST:
        return prompt
    return prompt[: MOST - TAIL - 2].rstrip() + "…" + prompt[-TAIL:].lstrip()


def plotly_text(text: str) -> str:
    """Return ``text`` so that plotly, which renders a subset of HTML, shows it literally."""
    return html.escape(text)


def score_text(value: float, unit: Unit) -> str:
    """Return a score as it is shown, with the decimals that its unit deserves."""
    return f"{value:.{DECIMALS[unit]}f}"
