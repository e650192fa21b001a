"""Under the list: what was found of each prompt, with the reason; no prompt ends without a word."""

from __future__ import annotations

import html

import streamlit as st

from clip_core.scoring.detection import VerdictKind
from clip_core.scoring.findings import Findings
from clip_core.text import short_prompt
from pages.parts.look import theme
from pages.parts.prompts import Prompts

SIGNS: dict[VerdictKind, str] = {"there": "✓", "throughout": "▬", "not sure": "?"}
ORDER: tuple[VerdictKind, ...] = ("not sure", "throughout", "there")
_CHIP = (
    '<span data-verdict="{kind}" data-prompt="{prompt}" title="{title}" role="listitem" '
    'style="white-space:nowrap;border:1px solid {line};border-radius:4px;padding:0 5px">'
    '<img src="{swatch}" alt="" style="width:8px;height:8px;vertical-align:0"> '
    '<b style="color:{colour}">{sign}</b> <bdi>{name}</bdi> '
    '<span style="color:{muted}">{share}</span></span>'
)
MOST_PX = 42
LONGEST_PROMPT = 100
"""Letters of a prompt in the page's source; with 200 prompts it would grow by megabytes."""


def draw_verdicts(findings: Findings, prompts: Prompts) -> None:
    """Draw a chip for each flagged prompt, those that are not sure first; the reason shows on hover."""
    flagged = [p for p in findings.scores.prompts if p not in findings.recipe.unflagged and p in prompts.numbers]
    if not flagged or not len(findings.scores):
        return
    chips = [
        _chip(prompt, findings, prompts)
        for kind in ORDER
        for prompt in flagged
        if findings.verdicts[prompt].kind == kind
    ]
    look = f"display:flex;flex-wrap:wrap;gap:3px 5px;max-height:{MOST_PX}px;overflow-y:auto;font-size:.8rem"
    st.html(f'<div data-region="verdicts" tabindex="0" role="list" style="{look}">{"".join(chips)}</div>')


def doubt_words(findings: Findings, prompt: str) -> str:
    """Why it is not sure that the video shows a prompt; "" if it is, also by the word of a person."""
    verdict = findings.verdicts[prompt]
    if verdict.sure or any(moment.prompt == prompt for moment in findings.moments):
        return ""
    return f"Not sure that the video shows it. {verdict.reason}"


def _chip(prompt: str, findings: Findings, prompts: Prompts) -> str:
    verdict, colours = findings.verdicts[prompt], theme()
    share = "" if verdict.confidence is None else f"{int(100 * verdict.confidence)} %"
    return _CHIP.format(
        kind=verdict.kind,
        prompt=html.escape(prompt[:LONGEST_PROMPT], quote=True),
        title=html.escape(f"{prompt[:LONGEST_PROMPT]}: {verdict.kind}. {verdict.reason}", quote=True),
        line=colours.grid,
        swatch=prompts.swatch(prompt),
        colour=prompts.colour(prompt),
        muted=colours.muted,
        sign=SIGNS[verdict.kind],
        name=html.escape(short_prompt(prompt)),
        share=share,
    )
