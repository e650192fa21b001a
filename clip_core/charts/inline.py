"""The points of the curves, written into a figure: few enough to be sent at each rerun, or all, for a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clip_core.charts.axes import instants
from clip_core.charts.decimate import kept_samples, points_per_line
from clip_core.values import Floats, Ints, Scores

BANDS = ("low", "high")

BAND_STEP = 3
"""A band is soft: it needs fewer points than a curve."""


def with_points(
    traces: Sequence[dict[str, Any]],
    scores: Scores,
    smoothed: Floats,
    *,
    frames: bool,
    more: Mapping[str, Floats] | None = None,
    seen_s: tuple[float, float] | None = None,
    besides: int = 0,
    every_sample: bool = False,
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Give each trace that has a "curve" its x and y instead.

    Args:
        traces: What to draw; ``"curve": [of, column]`` says which points a trace takes.
        scores: Raw scores and their times.
        smoothed: float32 of their shape.
        frames: Whether x counts frames; else it is a date axis.
        more: Curves besides "raw" and "smoothed", float32 (n, c) each. The edges of bands are "low" and "high": they
            take some of the points of the other curves.
        seen_s: What is looked at: there the points are closer together.
        besides: How many more curves what else is in the figure is as large as.
        every_sample: Leave no sample out.

    Returns:
        The traces, and the x that all curves share.
    """
    values = {"raw": scores.values, "smoothed": smoothed} | dict(more or {})
    chosen = [trace["curve"] for trace in traces if "curve" in trace]
    curves = [values[of][:, column] for of, column in chosen if of not in BANDS]
    drawn = np.stack(curves, axis=1) if curves else np.empty((len(scores), 0), np.float32)
    besides += (len(chosen) - len(curves)) // BAND_STEP
    if every_sample:
        kept = sparse = np.arange(len(scores), dtype=np.int64)
    else:
        kept = _kept(drawn, points_per_line(len(curves) + besides), scores, seen_s)
        sparse = np.unique(np.append(kept[::BAND_STEP], kept[-1:]))
    x = _x(scores, kept, frames)
    x_of_band = _x(scores, sparse, frames) if len(curves) < len(chosen) else []
    filled = []
    for trace in traces:
        if "curve" not in trace:
            filled.append(trace)
            continue
        of, column = trace["curve"]
        places, at = (sparse, x_of_band) if of in BANDS else (kept, x)
        rest = {key: value for key, value in trace.items() if key != "curve"}
        filled.append(rest | {"x": at, "y": _y(values[of][places, column])})
    return filled, x


def _kept(drawn: Floats, most: int, scores: Scores, seen_s: tuple[float, float] | None) -> Ints:
    if seen_s is None or not len(scores):
        return kept_samples(drawn, most, scores.times_s)
    first, last = np.searchsorted(scores.times_s, seen_s)
    first, last = max(0, int(first) - 1), int(last) + 1
    inside = kept_samples(drawn[first:last], most * 3 // 4, scores.times_s[first:last]) + first
    return np.union1d(inside, kept_samples(drawn, most // 4, scores.times_s)).astype(np.int64)


def _x(scores: Scores, places: Ints, frames: bool) -> list[Any]:
    return scores.frames[places].tolist() if frames else instants(scores.times_s[places])


def _y(values: Floats) -> list[float | None]:
    """Numbers for JSON; what is none leaves a gap."""
    rounded: list[float | None] = np.round(values.astype(np.float64), 4).tolist()
    return (
        rounded if np.isfinite(values).all() else [y if y is not None and math.isfinite(y) else None for y in rounded]
    )
