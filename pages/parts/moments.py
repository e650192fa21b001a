"""The list beside the ranking: moments, their peaks as pictures, best and worst frames of a prompt, or spikes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from clip_core.scoring.findings import Findings
from clip_core.scoring.reviewed import Reviewed
from clip_core.text import clock, short_prompt, value_text
from clip_core.values import Moment, VideoRecord
from pages.parts.extremes import draw_extremes
from pages.parts.moment_table import draw_moment_table
from pages.parts.peaks import draw_peaks
from pages.parts.prompts import Prompts
from pages.parts.selecting import name_of, settle_rows
from pages.parts.signal import Signal
from pages.parts.spikes import draw_spikes
from pages.parts.text import literal

LISTS = ["Moments", "Peaks", "Best", "Worst", "Spikes"]


@dataclass(frozen=True)
class Listed:
    """The moments of the page.

    Attributes:
        reviewed: As they were judged, rejected ones included, ranked; candidates come last.
        chosen: Those whose rows are ticked.
        with_candidates: Whether files hold the candidates too.
        hidden: How many were left out because the pill of their prompt is off.
        off: The prompts whose pill is off.
        selected: The place of the one that is selected, None if none is.
    """

    reviewed: list[Reviewed]
    chosen: list[Reviewed]
    with_candidates: bool = False
    hidden: int = 0
    off: frozenset[str] = frozenset()
    selected: int | None = None

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
        """What next, previous and repeat go through, and what comes after it: the ticked ones, or else all."""
        return ([r.moment for r in self.chosen], []) if self.chosen else (self.kept, self.candidates)

    @property
    def to_give(self) -> list[Moment]:
        """Those that are written to files: of the ticked ones, or else of all, those that count."""
        given = self.chosen or self.reviewed
        return [r.moment for r in given if r.kept or (r.is_candidate and (self.with_candidates or bool(self.chosen)))]


def settle_list(found: Sequence[Reviewed], video_id: str, hidden: Collection[str]) -> Listed:
    """Say which moments there are, which is selected and which are ticked, before anything is drawn.

    Moments of ``hidden`` prompts are left out.
    """
    reviewed = [r for r in found if r.moment.prompt not in hidden]
    names = [name_of(r, video_id) for r in reviewed]
    selected, ticked = settle_rows(names, [r.moment.start_s for r in reviewed])
    return Listed(
        reviewed,
        [reviewed[row] for row in ticked],
        with_candidates=bool(st.session_state.get("give_candidates")),
        hidden=len(found) - len(reviewed),
        off=frozenset(hidden),
        selected=selected,
    )


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
    """Draw the chosen list; a click on a row is taken in at the next run."""
    st.session_state.places = None  # a list of places says which
    if chosen == "Moments":
        if listed.reviewed:
            draw_moment_table(listed.reviewed, listed.selected, findings.scores, prompts, record, path)
        else:
            st.caption(_hidden_text(listed.hidden) if listed.hidden else _why_none(findings, signal))
    elif chosen == "Peaks":
        draw_peaks(listed.kept, findings, record, path)
    elif chosen == "Spikes":
        draw_spikes(findings, listed.off, prompts)
    else:
        draw_extremes(findings, prompts, signal, worst=chosen == "Worst")


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
    best = f"Highest: **{literal(short_prompt(prompt))}** {value_text(highest, unit)} at {clock(when_s)}."
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
