"""Evaluate, Truth: the list of annotations and false moments; clicking a row moves the player and the chart there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from clip_core.analysis.evaluate import Agreement
from clip_core.evaluation.ground_truth import Absence
from clip_core.evaluation.marks import Mark
from clip_core.types import Times, VideoRecord
from pages.regions.evaluation.ground_truth import drop_marks, marks_of
from pages.regions.sidebar.prompts import Prompts
from pages.regions.viewer.parts import draw_annotations
from pages.regions.viewer.playhead import frame_on_screen
from pages.shared.theme import theme

MOST_ROWS = 2000
"""All rows are sent whenever one of them changes."""
SOON_S = 0.001
"""Added to a start to find its frame: files round to microseconds, so a start may lie just before its frame."""
ROUNDING_S = 1e-9


def draw_list(
    agreement: Agreement | None, absent: Sequence[Absence], prompts: Prompts, record: VideoRecord, *, direct: bool
) -> None:
    """Draw the annotations and moments that were compared, or only marks; then the prompts that are never there.

    ``direct``: whether the list itself can move the player, in the browser.
    """
    rows = rows_of(agreement, absent, marks_of(record.video_id), prompts, record.table.times_s)
    draw_annotations(record, rows[:MOST_ROWS], direct=direct, drop=_drop)
    if len(rows) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(rows):,} rows are listed. All of them are judged.")


def rows_of(
    agreement: Agreement | None, absent: Sequence[Absence], marks: Sequence[Mark], prompts: Prompts, times_s: Times
) -> list[dict[str, Any]]:
    """Return the rows for ``draw_annotations``: sorted by time, then the prompts that are never there."""

    def row(prompt: str, state: str, start_s: float, end_s: float, **others: object) -> dict[str, Any]:
        frame = frame_on_screen(times_s, start_s + SOON_S)
        return timeless(prompt, state) | {"start": start_s, "end": end_s, "frame": frame} | others

    def timeless(prompt: str, state: str) -> dict[str, Any]:
        colour = prompts.colour(prompt) if prompt in prompts.numbers else theme().muted
        nothing = dict.fromkeys(("start", "end", "frame", "iou"))
        return {"prompt": prompt, "state": state, "colour": colour, "marks": [], **nothing}

    annotations, moments = ((), ()) if agreement is None else (agreement.annotations, agreement.moments)
    rows, evaluated = list[dict[str, Any]](), set[Mark]()
    for match in annotations:
        one = match.interval
        own = [m for m in marks if m.there and m.prompt == one.prompt and _lies_in(m, one.start_s, one.end_s)]
        evaluated.update(own)
        state, shown = "missed" if match.best is None else "matched", list(map(_as_json, own))
        rows.append(row(one.prompt, state, one.start_s, one.end_s, iou=match.iou or None, marks=shown))
    false = [match.interval for match in moments if match.best is None]
    rows += [row(m.prompt, "false", m.start_s, m.end_s) for m in false]
    rows += [row(m.prompt, _state(m), m.start_s, m.end_s, marks=[_as_json(m)]) for m in marks if m not in evaluated]
    rows.sort(key=lambda each: (each["start"], each["end"]))
    marked = {mark.prompt for mark in marks}
    return rows + [timeless(each.prompt, "never there") for each in absent if each.prompt not in marked]


def _lies_in(mark: Mark, start_s: float, end_s: float) -> bool:
    return start_s - ROUNDING_S <= mark.start_s < mark.end_s <= end_s + ROUNDING_S


def _state(mark: Mark) -> str:
    """Return the state of a mark that is part of no annotation."""
    if not mark.there:
        return "not there"
    return "one frame" if mark.start_s == mark.end_s else "not judged"


def _as_json(mark: Mark) -> list[Any]:
    return [mark.prompt, mark.start_s, mark.end_s, mark.there]


def _drop(report: dict[str, Any]) -> None:
    """Remove the marks of a row, if they are still as the browser knew them."""
    given = report.get("marks")
    known = marks_of(str(report.get("video")))
    drop_marks(str(report.get("video")), [m for m in known if isinstance(given, list) and _as_json(m) in given])
