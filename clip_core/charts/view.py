"""What a chart shows, as plain values: axes, curves and the bands around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, TypeAlias

import numpy as np

from clip_core.charts.colours import THEMES, Theme, ThemeName, swatch_uri
from clip_core.text import number_text, short_prompt
from clip_core.types import Floats, Ints, Moment, Scores, Times, Unit

HOUR_S = 3600.0
MOST_TICKS = 8
AXIS_TITLES: dict[Unit, str] = {
    "corrected": "cosine, corrected",
    "cosine": "cosine similarity",
    "margin": "cosine margin",
    "softmax": "softmax share",
    "z": "z (deviations)",
    "percentile": "percentile",
}
"""What the score axis measures."""
_TICK_DECIMALS: dict[Unit, int] = {"corrected": 2, "cosine": 2, "margin": 2, "softmax": 2, "z": 1, "percentile": 0}
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def instants(times_s: Times) -> list[str]:
    """Return times as dates of 1970, to the millisecond: plotly's clock ticks need a date axis.

    As text, because plotly.js takes small numbers on a date axis for years.
    """
    return np.datetime_as_string(np.round(times_s * 1000).astype("datetime64[ms]")).tolist()  # type: ignore[no-any-return]


def time_axis(end_s: float) -> dict[str, Any]:
    """Return an axis from 0 to ``end_s`` seconds with ticks like 1:30, from one hour on 1:01:30."""
    tick = "%-H:%M:%S" if end_s >= HOUR_S else "%-M:%S"
    stops = [{"dtickrange": [None, 999], "value": tick + ".%L"}, {"dtickrange": [1000, None], "value": tick}]
    return {
        "type": "date",
        "range": instants(np.array([0.0, max(end_s, 0.001)])),
        "tickformat": tick,
        "hoverformat": tick + ".%L",
        "tickformatstops": stops,
    }


def frame_axis(last: int) -> dict[str, Any]:
    """Return an axis of frame numbers from 0 to ``last``."""
    return {"type": "linear", "range": [0, max(last, 1)]}


def score_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Return at most ``most`` round numbers in the range. plotly.js sums up steps and would write zero as "−0.00"."""
    step = next((step for step in STEPS if (high - low) / step <= most), (high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 2) + 0.0 for k in range(first, last + 1)]


def tick_texts(unit: Unit, ticks: Sequence[float]) -> list[str]:
    """The ticks of the score axis as texts; those of a narrow range get the decimals that they need.

    Written here, because plotly has a minus sign of its own, which the numbers beside the chart have not.
    """
    needed = max((len(f"{tick:.2f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
    return [number_text(tick, max(_TICK_DECIMALS[unit], needed)) for tick in ticks]


AxisName: TypeAlias = Literal["m:ss", "Frames"]
ChartKind: TypeAlias = Literal["curves", "heat map"]
BarLook: TypeAlias = Literal["matched", "missed", "false", "not judged"]
Figure: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One prompt to draw: its text, and the number that gives its colour."""

    prompt: str
    number: int


@dataclass(frozen=True)
class Unfinished:
    """The part of the video that is not (or cannot be) densely sampled, and the note about it."""

    start_s: float
    note: str
    end_s: float = 0.0
    """Where the video would end, if that is after its last sample."""
    explanation: str = ""
    """What the note means, shown under the pointer."""


@dataclass(frozen=True)
class Bar:
    """An interval in one of a prompt's two lanes: ground truth, or what was found."""

    prompt: str
    start_s: float
    end_s: float
    lane: Literal["truth", "found"]
    look: BarLook


@dataclass(frozen=True)
class Timeline:
    """Everything that the chart shows.

    Attributes:
        scores: Raw scores.
        smoothed: float32 of the same shape, drawn as bold curves.
        moments: Flagged moments; those of prompts that are not drawn are left out.
        candidates: Drawn pale.
        lines: The prompts to draw, in order.
        threshold: In the unit of the scores; for all prompts unless ``thresholds`` is given.
        score_range: Limits of the score axis.
        cursor_s, cursor_frame: Position of the playhead; a player draws it itself.
        theme, axis, height_px, raw: How the chart looks; ``raw`` adds thin curves of the unsmoothed samples.
        stamp: Changes with each accepted click, so that the same click again is a new one.
        unfinished: The part shaded grey, or None.
        unit: The unit of the values; it sets the decimals.
        thresholds: Prompt → the onset of its moments; a prompt without an entry has none.
        offsets: Prompt → where its moments end, at most its onset.
        rate: float32 (n, p), change per second of the smoothed curves, drawn in a separate panel; None: no panel.
        spikes: (sample, column) of the marks in that panel.
        ribbon: Prompt → float32 (n,) lower and upper edge of the band behind its curve (``templates.ribbon``).
        shot_boundaries_s: Times of the shot boundaries, in seconds.
        winners: (column, start_s, end_s) of the intervals in which a prompt leads, by start; empty: no strip.
        kind: Curves, or a heat map of prompts × time.
        time_range: [start_s, end_s) that is visible at first; None: all.
        bars: Shown in the lanes instead of moments: ground truth above, found below; None: the moments.
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
    shot_boundaries_s: Sequence[float] | Times = ()
    winners: Sequence[tuple[int, float, float]] = ()
    kind: ChartKind = "curves"
    time_range: tuple[float, float] | None = None
    candidates: Sequence[Moment] = ()
    bars: Sequence[Bar] | None = None

    @property
    def end_s(self) -> float:
        """Where the time axis ends."""
        return max(self.scores.end_s, self.unfinished.end_s if self.unfinished is not None else 0.0)

    @property
    def seen_s(self) -> tuple[float, float] | None:
        """The part of the video in ``time_range``; None if that is all of it or empty."""
        if self.time_range is None:
            return None
        start, end = max(0.0, self.time_range[0]), min(self.end_s, self.time_range[1])
        return (start, end) if end > start and (start, end) != (0.0, self.end_s) else None

    @property
    def colours(self) -> Theme:
        """The colours of the theme."""
        return THEMES[self.theme]

    def colour(self, line: Line) -> str:
        """Return the colour of a prompt."""
        return self.colours.colour(line.number)

    def label(self, line: Line) -> Figure:
        """Return how the player labels a prompt's curve."""
        return {"prompt": short_prompt(line.prompt), "swatch": swatch_uri(self.colour(line), line.number)}

    def name_with(self, glyph: str, line: Line) -> str:
        """Return the shortened prompt as HTML, with a glyph in its colour."""
        return f'{escape(short_prompt(line.prompt))} <span style="color:{self.colour(line)}">{glyph}</span>'

    def x_of(self, times_s: Sequence[float] | Times) -> list[Any]:
        """Convert times to x values: dates of 1970 on a date axis, or frame numbers."""
        if self.axis == "m:ss":
            return instants(np.asarray(times_s, np.float64))
        known, numbers = self.scores.times_s, self.scores.frames
        return [round(float(x), 3) for x in np.interp(times_s, known, numbers)] if len(known) else [0.0] * len(times_s)

    def x_of_samples(self, places: Ints) -> list[Any]:
        """Return the x values of samples, by their places."""
        return self.scores.frames[places].tolist() if self.axis == "Frames" else instants(self.scores.times_s[places])

    def x_pairs(self, pairs_s: Sequence[tuple[float, float]] | Times) -> list[tuple[Any, Any]]:
        """Return the x of the starts and ends of many intervals."""
        ends = self.x_of(np.asarray(pairs_s, np.float64).reshape(-1))
        return list(zip(ends[::2], ends[1::2], strict=True))

    def stretches(self, pairs_s: Sequence[tuple[float, float]] | Times) -> list[Any]:
        """Return the x of many intervals as one line with breaks: start, end, None, start and so on."""
        return [x for start, end in self.x_pairs(pairs_s) for x in (start, end, None)]

    def column(self, line: Line) -> int:
        """Return the column of a prompt in the scores."""
        return self.scores.prompts.index(line.prompt)


OPACITY = 0.16


def ribbon_curves(view: Timeline) -> list[Figure]:
    """Return the bands of the drawn prompts, in the format of ``live_figure``."""
    places = {prompt: place for place, prompt in enumerate(view.ribbon)}
    return [
        {"band": places[line.prompt], "fill": view.colour(line), "opacity": OPACITY}
        for line in view.lines
        if line.prompt in places
    ]


def ribbon_edges(view: Timeline) -> tuple[Floats, Floats]:
    """Return the lower and the upper edges of all bands, float32 (n, bands) each."""
    edges = [np.stack(side, axis=1) for side in zip(*view.ribbon.values(), strict=True)]
    none = np.empty((len(view.scores), 0), np.float32)
    return (edges[0], edges[1]) if edges else (none, none)


def ribbon_traces(band: Figure) -> list[Figure]:
    """Return a band for plotly: its lower edge, and its upper edge filled down to the lower one."""
    base = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": {"width": 0}}
    red, green, blue = (int(band["fill"][k : k + 2], 16) for k in (1, 3, 5))
    filled = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},{band['opacity']})"}
    return [base | {"curve": ["low", band["band"]]}, base | filled | {"curve": ["high", band["band"]]}]
