"""Evaluate: the findings held against the truth, and what is said where that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from clip_core.errors import TruthError
from clip_core.pipeline.evaluate import Evaluation, evaluate
from clip_core.scoring.findings import Findings
from pages.parts.text import literal
from pages.parts.truth import Given

UNFINISHED = "Not all samples are indexed yet: what is still missing counts as missed."


@dataclass(frozen=True)
class Judged:
    """The judgement, or why there is none; neither where nothing is known to be true."""

    evaluation: Evaluation | None = None
    error: TruthError | None = None


def judge(findings: Findings, given: Given) -> Judged:
    """Hold what the settings of now find against what is true."""
    if given.truth is None:
        return Judged()
    try:
        return Judged(evaluate(findings, given.truth))
    except TruthError as error:
        return Judged(error=error)


def notes_on(judged: Judged, given: Given) -> list[str]:
    """What of the truth was left out or changed, and what is still missing, a sentence each."""
    if judged.evaluation is None:
        return list(given.warnings)
    complete = judged.evaluation.findings.scores.complete
    return [*given.warnings, *judged.evaluation.warnings, *([] if complete else [UNFINISHED])]


def draw_notes(notes: Sequence[str]) -> None:
    """Draw a box with the notes, if there are any."""
    if not notes:
        return
    with st.popover(f"{len(notes)} note{'' if len(notes) == 1 else 's'}", icon=":material/warning:", key="truth_notes"):
        for note in notes:
            st.caption(f":material/warning: {literal(note)}")


def draw_empty() -> None:
    """Say what to do where nothing is known to be true."""
    st.markdown("##### No truth yet", width="content")
    st.caption(
        "Load a file under Truth that says when each prompt can be seen. Or choose a prompt below the video, watch, "
        "and press I where it appears and O where it is gone. Then this page says how well the moments of the settings "
        "at the left agree with that, and which other settings would do better.",
        width="content",
    )
