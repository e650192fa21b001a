"""Threshold lines across the curves, or marks at their right end if there are many different thresholds."""

from __future__ import annotations

from collections.abc import Mapping

from clip_core.charts.view import Figure, Timeline
from clip_core.text import value_text

MOST_LINES = 4
"""Up to this many different thresholds are lines across the chart; more would hide the curves and become marks."""
MOST_MARKS = 40
MARK_SHARE = 0.02


def threshold_lines(view: Timeline) -> list[Figure]:
    """Return the threshold as one dotted line in the text colour, like the playhead: colours are for prompts.

    If thresholds differ, each prompt has its own line in its colour. A common offset below the common threshold is a
    fainter line.
    """
    if view.kind == "heat map":
        return []
    thresholds = _thresholds(view)
    onset = _one(thresholds)
    if onset is None:
        return _own_lines(view, thresholds)
    offset = _one(_of_drawn(view, view.offsets or {}))
    lines = [] if offset is None or offset >= onset else _across(view, offset, view.colours.text, 0.45)
    return [*lines, *_across(view, onset, view.colours.text)]


def threshold_note(view: Timeline, floor: float, base: Figure) -> list[Figure]:
    """Return the threshold as text at its line, or at the edge it lies beyond; of several, the lowest and highest.

    Args:
        view: What the chart shows.
        floor: Lower end of the curves, as a share of the height.
        base: The properties that all notes share.
    """
    thresholds = _thresholds(view)
    if view.kind == "heat map" or not thresholds:
        return []
    (low, high), numbers = view.score_range, sorted(thresholds.values())
    top = {"yref": "paper", "y": 1, "yanchor": "bottom"}  # above the curves
    if numbers[0] != numbers[-1]:
        ends = dict.fromkeys(value_text(number, view.unit) for number in (numbers[0], numbers[-1]))
        text = "thresholds " + " – ".join(ends)
        return [base | {"x": 1, "xanchor": "right", "text": text} | top]
    text, place = f"threshold {value_text(numbers[0], view.unit)}", {"yref": "y", "y": numbers[0], "yanchor": "bottom"}
    if numbers[0] > high:
        text, place = text + " ↑", top
    elif numbers[0] < low:
        text, place = text + " ↓", {"yref": "paper", "y": floor, "yanchor": "bottom"}
    return [base | {"x": 1, "xanchor": "right", "text": text} | place]


def _thresholds(view: Timeline) -> dict[str, float]:
    """Return the thresholds of the drawn prompts; without any prompt, the common one."""
    if view.thresholds is None:
        return {line.prompt: view.threshold for line in view.lines} or {"": view.threshold}
    return _of_drawn(view, view.thresholds)


def _of_drawn(view: Timeline, numbers: Mapping[str, float]) -> dict[str, float]:
    return {line.prompt: float(numbers[line.prompt]) for line in view.lines if line.prompt in numbers}


def _one(numbers: Mapping[str, float]) -> float | None:
    """Return the number if all are the same."""
    different = set(numbers.values())
    return different.pop() if len(different) == 1 else None


def _own_lines(view: Timeline, thresholds: Mapping[str, float]) -> list[Figure]:
    colours = {line.prompt: view.colour(line) for line in view.lines}
    if len(thresholds) <= MOST_LINES:
        return [line for p, number in thresholds.items() for line in _across(view, number, colours[p], 0.75)]
    marks = [
        line | {"x0": 1 - MARK_SHARE, "line": {"color": colours[p], "width": 2}}
        for p, number in thresholds.items()
        for line in _across(view, number, colours[p])
    ]
    return marks[:MOST_MARKS]


def _across(view: Timeline, value: float, colour: str, opacity: float = 1.0) -> list[Figure]:
    if not view.score_range[0] <= value <= view.score_range[1]:
        return []
    place = {"xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value}
    line = {"type": "line", "line": {"color": colour, "width": 1, "dash": "dot"}} | place
    return [line if opacity == 1.0 else line | {"opacity": opacity}]
