"""The list beside the ranking: moments, their peaks as pictures, or the frames that fit a prompt best and worst."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from clip_core.charts.labels import short
from clip_core.charts.unit_text import shown_value, value_decimals, value_text
from clip_core.errors import ClipVideoError
from clip_core.scoring.findings import Findings
from clip_core.scoring.reviewed import Reviewed
from clip_core.values import Moment, VideoRecord, clock
from pages.parts.extremes import draw_extremes
from pages.parts.look import question_mark
from pages.parts.peaks import draw_peaks, thumbnail_uris
from pages.parts.prompts import Prompts
from pages.parts.signal import Signal
from pages.parts.tables import draw_table, instant, selected_rows, time_column
from pages.parts.text import literal, told

LISTS = ["Moments", "Peaks", "Best", "Worst"]
MOST_PICTURES = 40
"""In the table; each is 5 kB that is sent when the table changes."""
VERDICTS = {"accepted": "✓", "rejected": "✗", "added": "+", "": "✎"}
JUDGED_HELP = "✓ accepted, ✗ rejected, + added, ✎ changed by hand, ? a candidate: not sure that it is one"


@dataclass(frozen=True)
class Listed:
    """The moments of the page.

    Attributes:
        reviewed: As they were judged, rejected ones included, ranked; candidates come last.
        chosen: Those whose rows are selected.
        with_candidates: Whether files hold the candidates too.
        hidden: How many were left out because the pill of their prompt is off.
    """

    reviewed: list[Reviewed]
    chosen: list[Reviewed]
    with_candidates: bool = False
    hidden: int = 0

    @property
    def kept(self) -> list[Moment]:
        """Those that count: moments that were not rejected, candidates that were accepted."""
        return [r.moment for r in self.reviewed if r.kept]

    @property
    def candidates(self) -> list[Moment]:
        """Those that wait for a person to say what they are."""
        return [r.moment for r in self.reviewed if r.is_candidate]

    @property
    def to_walk(self) -> tuple[list[Moment], list[Moment]]:
        """What next, previous and repeat go through, and what comes after it: the selected ones, or else all."""
        return ([r.moment for r in self.chosen], []) if self.chosen else (self.kept, self.candidates)

    @property
    def to_give(self) -> list[Moment]:
        """Those that are written to files: of the selected ones, or else of all, those that count."""
        given = self.chosen or self.reviewed
        return [r.moment for r in given if r.kept or (r.is_candidate and (self.with_candidates or bool(self.chosen)))]


def settle_list(found: Sequence[Reviewed], video_id: str, hidden: Collection[str]) -> Listed:
    """Say which moments there are and which rows are selected, before anything is drawn.

    Moments of ``hidden`` prompts are left out.

    The browser knows rows by number alone. In another list the ticks go along with their moments, and the table is
    another one: a late message of the browser would tick other moments by the numbers of the old list.
    """
    state = st.session_state
    reviewed = [r for r in found if r.moment.prompt not in hidden]
    rows = selected_rows(state.setdefault("moments_key", "moments"))
    names = [(video_id, r.moment.prompt, r.moment.peak_s if r.edit is None else r.edit.anchor_s) for r in reviewed]
    before, state.moments_names = state.get("moments_names", names), names
    if rows and before != names:
        places = {name: place for place, name in enumerate(names)}
        rows = sorted(places[before[row]] for row in rows if row < len(before) and before[row] in places)
        state.moments_key = f"moments-{int(state.moments_key.partition('-')[2] or 0) + 1}"
        state[state.moments_key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    chosen = [reviewed[row] for row in rows if row < len(reviewed)]
    return Listed(reviewed, chosen, bool(state.get("give_candidates")), len(found) - len(reviewed))


def shown_findings(findings: Findings, listed: Listed) -> Findings:
    """The findings with the moments that count and the candidates that wait, for the chart."""
    return replace(findings, moments=listed.kept, candidates=listed.candidates)


def choose_list(count: int) -> str:
    """Draw the switch over the list; return which one is chosen."""
    st.session_state.setdefault("list", LISTS[0])
    return (
        st.segmented_control(
            "List",
            LISTS,
            required=True,
            key="list",
            persist_state="session",
            format_func=lambda name: f"Moments · {count}" if name == "Moments" else name,
            label_visibility="collapsed",
        )
        or LISTS[0]
    )


def draw_list(
    chosen: str, findings: Findings, listed: Listed, prompts: Prompts, signal: Signal, record: VideoRecord, path: str
) -> None:
    """Draw the chosen list; a click on a row is taken in by the playhead at the next run."""
    state = st.session_state
    if chosen != "Moments":
        state.moments_times = []
    if chosen not in ("Best", "Worst"):
        state.extremes_times = []
    if chosen == "Moments":
        _draw_moments(findings, listed, prompts, signal, record, path)
    elif chosen == "Peaks":
        draw_peaks(listed.kept, findings, record, path)
    else:
        draw_extremes(findings, prompts, signal, worst=chosen == "Worst")


def _draw_moments(
    findings: Findings, listed: Listed, prompts: Prompts, signal: Signal, record: VideoRecord, path: str
) -> None:
    moments = [r.moment for r in listed.reviewed]
    st.session_state.moments_times = [moment.start_s for moment in moments]
    if not moments:
        st.caption(_hidden_text(listed.hidden) if listed.hidden else _why_none(findings, signal))
        return
    scores, unit = findings.scores, findings.scores.unit
    uris, why_not = dict[float, str](), ""
    try:
        uris = thumbnail_uris(moments[:MOST_PICTURES], scores, record, path)
    except ClipVideoError as error:
        why_not = told(error)
    table = pd.DataFrame(
        {
            "colour": [_sign(r, prompts) for r in listed.reviewed],
            "prompt": [short(m.prompt) for m in moments],
            "start": [instant(m.start_s) for m in moments],
            "end": [instant(m.end_s) for m in moments],
            "peak": [shown_value(m.peak, unit) for m in moments],
            "judged": [_judged(r) for r in listed.reviewed],
            "picture": [uris.get(m.peak_s) for m in moments],
            "duration": [m.duration_s for m in moments],
            "peak_at": [instant(m.peak_s) for m in moments],
            "mean": [shown_value(m.mean, unit) for m in moments],
            "label": [m.label for m in moments],
        }
    )
    number = f"%.{value_decimals(unit)}f"
    columns = {
        "colour": st.column_config.ImageColumn("", width=24),
        "prompt": st.column_config.TextColumn("Prompt", width=84),
        "start": time_column("Start", scores.end_s),
        "end": time_column("End", scores.end_s),
        "peak": st.column_config.NumberColumn("Peak", format=number, width=50),
        "judged": st.column_config.TextColumn("", width=24, help=JUDGED_HELP),
        "picture": st.column_config.ImageColumn("At the peak", width=64),
        "duration": st.column_config.NumberColumn("Duration", format="%.2f s", width=66),
        "peak_at": time_column("Peak at", scores.end_s),
        "mean": st.column_config.NumberColumn("Mean", format=number, width=50),
        "label": st.column_config.TextColumn("Label", width=100),
    }
    draw_table(st.session_state.moments_key, table, columns, rows_too=True)
    if why_not:
        st.caption(f"Pictures cannot be shown: {why_not}")


def _judged(reviewed: Reviewed) -> str:
    if reviewed.is_candidate:
        return "?"
    return "" if reviewed.edit is None else VERDICTS[reviewed.edit.verdict]


def _sign(reviewed: Reviewed, prompts: Prompts) -> str | None:
    """The colour of its prompt; a combination, or a prompt that is no longer in the list, has none."""
    prompt = reviewed.moment.prompt
    if prompt not in prompts.numbers:
        return None
    return question_mark(prompts.colour(prompt), 20) if reviewed.is_candidate else prompts.swatch(prompt, 20)


def _hidden_text(count: int) -> str:
    counted = "1 moment belongs to a prompt" if count == 1 else f"{count} moments belong to prompts"
    return f"{counted} whose pill is off. Switch it on above the chart."


def _why_none(findings: Findings, signal: Signal) -> str:
    scores = findings.scores
    if not scores.prompts:
        return "Type a prompt in the sidebar: one per line."
    if not len(scores):
        return "Moments appear here while the video is being indexed."
    if all(prompt in findings.recipe.unflagged for prompt in scores.prompts):
        return "No prompt is flagged. Choose some under Flag in the sidebar."
    if not findings.thresholds:
        return "No prompt is sure to be there, and the Rules in the sidebar leave out its likeliest places."
    return _nearest_miss(findings, signal)


def _asks_bank(findings: Findings) -> bool:
    return findings.recipe.bank_share > 0 and bool(findings.evidence.banks)


def _nearest_miss(findings: Findings, signal: Signal) -> str:
    recipe, unit = signal.recipe, findings.scores.unit
    by, highest, prompt, when_s = _highest(findings, None)
    threshold = value_text(findings.thresholds[prompt], unit)
    best = f"Highest: **{literal(short(prompt))}** {value_text(highest, unit)} at {clock(when_s)}."
    if by < 0 and not findings.detects:
        return f"No sample reaches {threshold}. {best} Lower the threshold."
    if recipe.time_range is not None and _highest(findings, recipe.time_range)[0] < 0:
        low, high = map(clock, recipe.time_range)
        return f"What reaches {threshold} lies outside the time range {low} … {high}. {best} Widen it under Rules."
    if recipe.score_range is not None:
        low, high = (value_text(end, unit) for end in recipe.score_range)
        return f"What reaches {threshold} lies outside the score filter {low} … {high}. {best} Widen it under Rules."
    bank = ["it does not beat the null bank"] if _asks_bank(findings) else []
    reasons = [*(["too short"] if recipe.min_duration_s > 0 or not bank else []), *bank]
    return f"What reaches {threshold} is dropped by the Rules: {', or '.join(reasons)}. {best}"


def _highest(findings: Findings, time_range: tuple[float, float] | None) -> tuple[float, float, str, float]:
    """Of the samples within, the one that is highest over its threshold: by how much, its score, prompt and time."""
    times_s, misses = findings.scores.times_s, [(-np.inf, 0.0, "", 0.0)]
    low, high = time_range or (-np.inf, np.inf)
    inside = np.flatnonzero((times_s >= low) & (times_s < high))
    for prompt, threshold in findings.thresholds.items() if len(inside) else ():
        curve = findings.smoothed[inside, findings.scores.prompts.index(prompt)]
        top = int(curve.argmax())
        misses.append((float(curve[top]) - threshold, float(curve[top]), prompt, float(times_s[inside[top]])))
    return max(misses)
