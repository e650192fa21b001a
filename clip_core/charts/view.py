"""All that the chart shows, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from clip_core.charts.axes import instants
from clip_core.charts.palette import THEMES, Theme, ThemeName
from clip_core.values import Floats, Moment, Scores, Times, Unit

AxisName: TypeAlias = Literal["m:ss", "Frames"]
ChartKind: TypeAlias = Literal["curves", "heat map"]
BarLook: TypeAlias = Literal["matched", "missed", "false", "not judged"]
Figure: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One prompt to draw: its text and its number, which gives its colour."""

    prompt: str
    number: int


@dataclass(frozen=True)
class Unfinished:
    """The part of the video that is not (or cannot be) densely sampled, and what to say of it."""

    start_s: float
    note: str
    end_s: float = 0.0
    """Where the video would end, if that is later than its samples do."""
    explanation: str = ""
    """What the note means, for the pointer."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time in one of the two lanes of a prompt: that of the truth, or that of what was found."""

    prompt: str
    start_s: float
    end_s: float
    lane: Literal["truth", "found"]
    look: BarLook


@dataclass(frozen=True)
class Timeline:
    """All that the chart shows.

    Attributes:
        scores: Raw scores.
        smoothed: float32 of the same shape, the curves to draw bold.
        moments: Flagged moments; those of prompts that are not drawn are left out.
        candidates: What may be moments, drawn pale.
        lines: The prompts to draw, in order.
        threshold: In the unit of the scores; for all prompts unless ``thresholds`` is given.
        score_range: Limits of the score axis.
        cursor_s, cursor_frame: Where the playhead stands; a player draws it itself.
        theme, axis, height_px, raw: How it looks; ``raw`` draws the unsmoothed samples thinly.
        stamp: Changes with each accepted click, so that the same click again is a new one.
        unfinished: What lies on grey, or None.
        unit: What the values are: it gives the decimals.
        thresholds: Prompt → the onset of its moments; a prompt that is not in it has none.
        offsets: Prompt → where its moments end, at most its onset.
        rate: float32 (n, p), change per second of the smoothed curves, for a panel of its own; None: no panel.
        spikes: (sample, column) of what is marked in that panel.
        ribbon: Prompt → float32 (n,) lowest and highest curve over its templates, a band behind its own.
        cuts_s: Times of the cuts between shots, in seconds.
        winners: (column, start_s, end_s) of the stretches in which a prompt leads, by their start; empty: no strip.
        kind: Curves, or a heat map of prompts × time.
        time_range: [start_s, end_s) that is seen at first; None: all.
        bars: What stands in the lanes in place of the moments: truth over findings; None: the moments.
    """

    scores: Scores
    smoothed: Floats
    moments: Sequence[Moment]
    lines: Sequence[Line]
    threshold: float
    score_range: tuple[float, float]
    cursor_s: float = 0.0
    cursor_frame: int = 0
    theme: ThemeName = "light"
    axis: AxisName = "m:ss"
    height_px: int = 430
    raw: bool = True
    stamp: int = 0
    unfinished: Unfinished | None = None
    unit: Unit = "cosine"
    thresholds: Mapping[str, float] | None = None
    offsets: Mapping[str, float] | None = None
    rate: Floats | None = None
    spikes: Sequence[tuple[int, int]] = ()
    ribbon: Mapping[str, tuple[Floats, Floats]] = field(default_factory=dict)
    cuts_s: Sequence[float] | Times = ()
    winners: Sequence[tuple[int, float, float]] = ()
    kind: ChartKind = "curves"
    time_range: tuple[float, float] | None = None
    candidates: Sequence[Moment] = ()
    bars: Sequence[Bar] | None = None

    @property
    def end_s(self) -> float:
        """Where the axis of time ends."""
        return max(self.scores.end_s, self.unfinished.end_s if self.unfinished is not None else 0.0)

    @property
    def seen_s(self) -> tuple[float, float] | None:
        """The part of the video that ``time_range`` asks for; None when that is all of it, or nothing."""
        if self.time_range is None:
            return None
        start, end = max(0.0, self.time_range[0]), min(self.end_s, self.time_range[1])
        return (start, end) if end > start and (start, end) != (0.0, self.end_s) else None

    @property
    def colours(self) -> Theme:
        """The colours of its theme."""
        return THEMES[self.theme]

    def x_of(self, times_s: Sequence[float] | Times) -> list[Any]:
        """Put times on the x axis: instants of 1970 on its date axis, or frame numbers."""
        if self.axis == "m:ss":
            return instants(np.asarray(times_s, np.float64))
        known, numbers = self.scores.times_s, self.scores.frames
        return [round(float(x), 3) for x in np.interp(times_s, known, numbers)] if len(known) else [0.0] * len(times_s)

    def stretches(self, pairs_s: Sequence[tuple[float, float]] | Times) -> list[Any]:
        """The x of many stretches as one line that is broken between them: start, end, None, start and so on."""
        ends = self.x_of(np.asarray(pairs_s, np.float64).reshape(-1))
        return [x for start, end in zip(ends[::2], ends[1::2], strict=True) for x in (start, end, None)]

    def column(self, line: Line) -> int:
        """Where a prompt stands among the scores."""
        return self.scores.prompts.index(line.prompt)

    @property
    def shown_moments(self) -> list[Moment]:
        """The moments of the prompts that are drawn."""
        return self._of_drawn(self.moments)

    @property
    def shown_candidates(self) -> list[Moment]:
        """The candidates of the prompts that are drawn."""
        return self._of_drawn(self.candidates)

    def _of_drawn(self, moments: Sequence[Moment]) -> list[Moment]:
        drawn = {line.prompt for line in self.lines}
        return [moment for moment in moments if moment.prompt in drawn]
