"""The list of moments, and the verdicts of the prompts."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from clip_core.analysis.annotations import Reviewed, reviewed_moments
from clip_core.scoring.detection import MomentDetection
from clip_core.scoring.prompt_detection import VerdictKind
from clip_core.store.store import EmbeddingStore
from clip_core.text import clock, counted, short_prompt, value_text
from clip_core.types import Moment, VideoRecord
from pages.regions.moments.other_lists import draw_extremes, draw_peaks, draw_spikes, spikes_as_moments
from pages.regions.moments.table import draw_moment_table, moment_id, settle_rows
from pages.regions.sidebar.prompts import Prompts
from pages.regions.sidebar.signal import Signal
from pages.shared.markdown import escape_markdown
from pages.shared.tables import clear_places
from pages.shared.theme import theme

SIGNS: dict[VerdictKind, str] = {"not sure": "?", "throughout": "▬", "there": "✓"}
ORDER = list(SIGNS)
_CHIP = (
    '<span data-verdict="{kind}" data-prompt="{prompt}" title="{title}" role="listitem" '
    'style="white-space:nowrap;border:1px solid {line};border-radius:4px;padding:0 5px">'
    '<img src="{swatch}" alt="" style="width:8px;height:8px;vertical-align:0"> '
    '<b style="color:{colour}">{sign}</b> <bdi>{name}</bdi> '
    '<span style="color:{muted}">{share}</span></span>'
)
MOST_PX = 42
LONGEST_PROMPT = 100
"""Characters of a prompt in the page's HTML; longer ones would add megabytes with 200 prompts."""


def draw_verdicts(detection: MomentDetection, prompts: Prompts) -> None:
    """Draw a chip for each flagged prompt, "not sure" ones first; the reason shows on hover."""
    flagged = [p for p in detection.scores.prompts if p not in detection.settings.unflagged and p in prompts.numbers]
    if not flagged or not len(detection.scores):
        return
    flagged.sort(key=lambda prompt: ORDER.index(detection.verdicts[prompt].kind))
    chips = [_chip(prompt, detection, prompts) for prompt in flagged]
    look = f"display:flex;flex-wrap:wrap;gap:3px 5px;max-height:{MOST_PX}px;overflow-y:auto;font-size:.8rem"
    st.html(f'<div data-region="verdicts" tabindex="0" role="list" style="{look}">{"".join(chips)}</div>')


def doubt_words(detection: MomentDetection, prompt: str) -> str:
    """Return why it is not sure that the video shows a prompt; "" if it is sure, or a person accepted a moment."""
    verdict = detection.verdicts[prompt]
    if verdict.sure or any(moment.prompt == prompt for moment in detection.moments):
        return ""
    return f"Not sure that the video shows it. {verdict.reason}"


def _chip(prompt: str, detection: MomentDetection, prompts: Prompts) -> str:
    verdict, colours = detection.verdicts[prompt], theme()
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


LISTS = ["Moments", "Peaks", "Best", "Worst", "Spikes"]
LIST_KEY = "list"


@dataclass(frozen=True)
class MomentList:
    """The moments of the page.

    Attributes:
        reviewed: Ranked, with their annotations, rejected ones included; candidates come last.
        chosen: Moments whose rows are ticked.
        hidden: How many moments are left out because the pill of their prompt is off.
        off: Prompts whose pill is off.
        selected: Index of the selected moment in ``reviewed``, or None.
    """

    reviewed: list[Reviewed]
    chosen: list[Reviewed]
    hidden: int = 0
    off: frozenset[str] = frozenset()
    selected: int | None = None

    @property
    def kept(self) -> list[Moment]:
        """The moments that count: moments that were not rejected, and candidates that were accepted."""
        return [r.moment for r in self.reviewed if r.kept]

    @property
    def candidates(self) -> list[Moment]:
        """The candidates that nobody has accepted or rejected yet."""
        return [r.moment for r in self.reviewed if r.is_candidate]

    @property
    def to_walk(self) -> tuple[list[Moment], list[Moment]]:
        """What Next, Previous and Repeat go through, and the candidates after it; if rows are ticked, only those."""
        return ([r.moment for r in self.chosen], []) if self.chosen else (self.kept, self.candidates)


def settle_list(reviewed: Sequence[Reviewed], video_id: str, hidden: Collection[str]) -> MomentList:
    """Return the list with its selected and ticked moments. Call before anything is drawn.

    Moments of ``hidden`` prompts are left out.
    """
    rows = [r for r in reviewed if r.moment.prompt not in hidden]
    selected, ticked = settle_rows([moment_id(r, video_id) for r in rows], [r.moment.start_s for r in rows])
    chosen = [rows[row] for row in ticked]
    return MomentList(rows, chosen, len(reviewed) - len(rows), frozenset(hidden), selected)


def settle_reviewed(
    detection: MomentDetection, record: VideoRecord, store: EmbeddingStore, hidden: Collection[str]
) -> MomentList:
    """Return ``settle_list`` of the moments and candidates with their annotations in the store."""
    return settle_list(reviewed_moments(detection, record.video_id, store), record.video_id, hidden=hidden)


def moments_to_walk(detection: MomentDetection, listed: MomentList) -> tuple[list[Moment], list[Moment]]:
    """Return ``listed.to_walk``, or the spikes while the list of spikes is shown."""
    if st.session_state.get(LIST_KEY) == "Spikes":
        return spikes_as_moments(detection, listed.off), []
    return listed.to_walk


def shown_detection(detection: MomentDetection, listed: MomentList) -> MomentDetection:
    """Return the detection with the moments that count and the open candidates, for the chart."""
    return replace(detection, moments=listed.kept, candidates=listed.candidates)


def choose_list(count: int) -> str:
    """Draw the switch above the list; return the chosen list."""
    return st.segmented_control(
        "List",
        LISTS,
        default=LISTS[0],
        required=True,
        key=LIST_KEY,
        persist_state="session",
        format_func=lambda name: f"Moments · {count}" if name == "Moments" else name,
        label_visibility="collapsed",
    )


def draw_list(
    chosen: str,
    detection: MomentDetection,
    listed: MomentList,
    prompts: Prompts,
    signal: Signal,
    record: VideoRecord,
    path: str,
) -> None:
    """Draw the chosen list; a click on a row takes effect in the next run."""
    clear_places()
    if chosen == "Peaks":
        draw_peaks(listed.kept, detection, record, path)
    elif chosen == "Spikes":
        draw_spikes(detection, listed.off, prompts)
    elif chosen in ("Best", "Worst"):
        draw_extremes(detection, prompts, signal, worst=chosen == "Worst")
    elif listed.reviewed:
        draw_moment_table(listed.reviewed, listed.selected, detection.scores, prompts, record, path)
    else:
        st.caption(_why_none(detection, signal, listed.hidden))


def _why_none(detection: MomentDetection, signal: Signal, hidden: int) -> str:
    scores = detection.scores
    if hidden:
        belonging = counted(hidden, "moment belongs to a prompt", "moments belong to prompts")
        return f"{belonging} whose pill is off. Switch it on above the chart."
    if not scores.prompts:
        return "Type a prompt in the sidebar: one per line."
    if not len(scores):
        return "Moments appear here while the video is being indexed."
    if all(prompt in detection.settings.unflagged for prompt in scores.prompts):
        return "No prompt is flagged. Choose some under Flag in the sidebar."
    if not detection.thresholds:
        return "No prompt is sure to be there, and the Rules in the sidebar leave out the likeliest places."
    return _nearest_miss(detection, signal)


def _nearest_miss(detection: MomentDetection, signal: Signal) -> str:
    settings, unit = signal.settings, detection.scores.unit
    by, highest, prompt, when_s = _highest(detection, None)
    threshold = value_text(detection.thresholds[prompt], unit)
    best = f"Highest: **{escape_markdown(short_prompt(prompt))}** {value_text(highest, unit)} at {clock(when_s)}."
    if by < 0 and not detection.detects:
        return f"No sample reaches {threshold}. {best} Lower the threshold."
    if settings.time_range is not None and _highest(detection, settings.time_range)[0] < 0:
        low, high = map(clock, settings.time_range)
        return f"What reaches {threshold} lies outside the time range {low} … {high}. {best} Widen it under Rules."
    if settings.score_range is not None:
        low, high = (value_text(end, unit) for end in settings.score_range)
        return f"What reaches {threshold} lies outside the score filter {low} … {high}. {best} Widen it under Rules."
    asks_bank = detection.settings.bank_share > 0 and bool(detection.video_scores.banks)
    reasons = ["too short"] if settings.min_duration_s > 0 or not asks_bank else []
    reasons += ["it does not beat the null bank"] if asks_bank else []
    return f"What reaches {threshold} is dropped by the Rules: {', or '.join(reasons)}. {best}"


def _highest(detection: MomentDetection, time_range: tuple[float, float] | None) -> tuple[float, float, str, float]:
    """Return the sample in the range that is highest above its threshold: by how much, its score, prompt and time."""
    times_s, misses = detection.scores.times_s, [(-np.inf, 0.0, "", 0.0)]
    low, high = time_range or (-np.inf, np.inf)
    inside = np.flatnonzero((times_s >= low) & (times_s < high))
    for prompt, threshold in detection.thresholds.items() if len(inside) else ():
        curve = detection.smoothed[inside, detection.scores.prompts.index(prompt)]
        top = int(curve.argmax())
        misses.append((float(curve[top]) - threshold, float(curve[top]), prompt, float(times_s[inside[top]])))
    return max(misses)
