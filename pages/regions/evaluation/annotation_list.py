"""Evaluate, Truth: the list of annotations and false moments; clicking a row moves the player and the chart there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from clip_core.analysis.evaluate import Agreement
from clip_core.evaluation.ground_truth import Absence
from clip_core.evaluation.marks import Marked
from clip_core.types import Times, VideoRecord
from pages.player.components import part_key
from pages.player.draw import draw_annotations
from pages.regions.evaluation.marks import drop_marks, marks_of
from pages.regions.sidebar.prompts import Prompts
from pages.regions.viewer.playhead import PLAYER, frame_on_screen, seek, state_key
from pages.shared.theme import theme

MOST_ROWS = 2000
"""All rows are sent whenever one of them changes."""
SOON_S = 0.001
"""Added to a start to find its frame: files round to microseconds, so a start may lie just before its frame."""
ROUNDING_S = 1e-9


def draw_list(
    held: Agreement | None, absent: Sequence[Absence], prompts: Prompts, record: VideoRecord, *, direct: bool
) -> None:
    """Draw the list.

    Args:
        held: The annotations and moments that were compared; None: there are none, and only marks are listed.
        absent: Prompts that are never there.
        prompts: Gives their colours.
        record: The video.
        direct: Whether the list itself can move the player, in the browser.
    """
    rows = rows_of(held, absent, marks_of(record.video_id), prompts, record.table.times_s)
    draw_annotations(record, rows[:MOST_ROWS], direct=direct, go=_go, drop=_drop)
    if len(rows) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(rows):,} rows are listed. All of them are judged.")


def rows_of(
    held: Agreement | None,
    absent: Sequence[Absence],
    marks: Sequence[Marked],
    prompts: Prompts,
    times_s: Times,
) -> list[dict[str, Any]]:
    """Return the rows for ``draw_annotations``: sorted by time, then the prompts that are never there."""
    rows: list[dict[str, Any]] = []

    def row(
        prompt: str, state: str, start_s: float, end_s: float, iou: float | None, made_by: Sequence[Marked]
    ) -> None:
        frame = frame_on_screen(times_s, start_s + SOON_S)
        shown = {"start": start_s, "end": end_s, "frame": frame, "iou": iou}
        rows.append(_named(prompt, state, prompts) | shown | {"marks": [_as_json(mark) for mark in made_by]})

    judged: set[Marked] = set()
    for match in () if held is None else held.annotations:
        one, state = match.interval, "missed" if match.best is None else "matched"
        own = [m for m in marks if m.there and m.prompt == one.prompt and _lies_in(m, one.start_s, one.end_s)]
        judged.update(own)
        row(one.prompt, state, one.start_s, one.end_s, match.iou or None, own)
    for match in () if held is None else held.moments:
        if match.best is None:
            row(match.interval.prompt, "false", match.interval.start_s, match.interval.end_s, None, ())
    for mark in marks:
        if mark not in judged:
            row(mark.prompt, _state(mark), mark.start_s, mark.end_s, None, [mark])
    rows.sort(key=lambda each: (each["start"], each["end"]))
    said = {mark.prompt for mark in marks}
    timeless: dict[str, Any] = {"start": None, "end": None, "frame": None, "iou": None, "marks": []}
    return [*rows, *(_named(a.prompt, "never there", prompts) | timeless for a in absent if a.prompt not in said)]


def _named(prompt: str, state: str, prompts: Prompts) -> dict[str, Any]:
    known = prompt in prompts.numbers
    return {"prompt": prompt, "state": state, "colour": prompts.colour(prompt) if known else theme().muted}


def _lies_in(mark: Marked, start_s: float, end_s: float) -> bool:
    return start_s - ROUNDING_S <= mark.start_s < mark.end_s <= end_s + ROUNDING_S


def _state(mark: Marked) -> str:
    """Return the state of a mark that is part of no annotation."""
    if not mark.there:
        return "not there"
    return "one frame" if mark.start_s == mark.end_s else "not judged"


def _as_json(mark: Marked) -> list[Any]:
    return [mark.prompt, mark.start_s, mark.end_s, mark.there]


def _go() -> None:
    """Go to the frame of a row; ``settle_playhead`` keeps it within the video."""
    report = _reported("go")
    frame = report.get("frame")
    if isinstance(frame, int) and not isinstance(frame, bool):
        seek(frame)


def _drop() -> None:
    """Remove the marks of a row, if they are still as the browser knew them."""
    report = _reported("drop")
    given = report.get("marks")
    known = marks_of(str(report.get("video")))
    drop_marks(str(report.get("video")), [m for m in known if isinstance(given, list) and _as_json(m) in given])


def _reported(name: str) -> dict[str, Any]:
    """Return what the list reported for the open video: a dict of any JSON values, empty without a report."""
    state = st.session_state
    report = state[part_key("annotations")].get(name)
    ours = isinstance(report, dict) and report.get("video") == state.get(state_key("frame_of", PLAYER))
    return report if ours else {}
