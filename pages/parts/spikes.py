"""The list of spikes: where the curves rise and fall suddenly."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import streamlit as st

from clip_core.files import named_after
from clip_core.pipeline.write_outcome import Outcome, spikes_file
from clip_core.scoring.findings import Findings
from clip_core.scoring.spikes import Spike, find_spikes
from clip_core.text import short_prompt, value_decimals
from clip_core.values import Moment
from pages.parts.prompts import Prompts
from pages.parts.tables import draw_places, time_column, time_text

REPEATED_S = 1.0
"""How much is played again of a spike, which has no length of its own."""


def spikes_of(findings: Findings, off: Collection[str]) -> list[Spike]:
    """The spikes of the drawn curves, in the order of time.

    Args:
        findings: Give the curves.
        off: Prompts to leave out, because their pill is off.
    """
    return [spike for spike in find_spikes(findings.scores, findings.smoothed) if spike.prompt not in off]


def spikes_to_walk(findings: Findings, off: Collection[str]) -> tuple[list[Moment], list[Moment]] | None:
    """What next, previous and repeat go through while the list of spikes is shown; None while another one is."""
    if st.session_state.get("list") != "Spikes":
        return None
    spikes, end_s = spikes_of(findings, off), findings.scores.end_s
    places = [(s, min(s.time_s + REPEATED_S, max(s.time_s, end_s))) for s in spikes]
    return [Moment(s.prompt, s.time_s, stop_s, s.time_s, s.change, s.change) for s, stop_s in places], []


def draw_spikes(findings: Findings, off: Collection[str], prompts: Prompts) -> None:
    """Draw the list; a click on a row goes there."""
    scores, spikes = findings.scores, spikes_of(findings, off)
    if not spikes:
        none = "No curve rises or falls suddenly. With less smoothing shorter changes show."
        st.caption(none if len(scores) else "Nothing to list yet.")
        return
    table = pd.DataFrame(
        {
            "colour": [prompts.swatch(s.prompt, 20) if s.prompt in prompts.numbers else None for s in spikes],
            "prompt": [short_prompt(s.prompt) for s in spikes],
            "time": [time_text(s.time_s, scores.end_s) for s in spikes],
            "change": [s.change for s in spikes],
        }
    )
    columns = {
        "colour": st.column_config.ImageColumn("", width=24),
        "prompt": st.column_config.TextColumn("Prompt", width=100),
        "time": time_column("Time", scores.end_s),
        "change": st.column_config.NumberColumn("Change", format=f"%+.{value_decimals(scores.unit)}f", width=66),
    }
    draw_places("spikes", table, columns, [s.time_s for s in spikes])


def draw_spikes_file(outcome: Outcome, off: Collection[str]) -> None:
    """Draw the button that writes the list to a file."""
    findings = outcome.findings
    st.caption("Spikes as")
    st.download_button(
        "CSV",
        lambda: spikes_file(outcome, spikes_of(findings, off)),
        named_after(outcome.record.name, "spikes.csv"),
        "text/csv",
        key="spikes_file",
        on_click="ignore",
        help="spikes.csv: where the drawn curves rise and fall suddenly.",
    )
