"""Curves reduced to the points that a chart can show, as part of its figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from tsdownsample import MinMaxDownsampler

from clip_core.charts.view import Figure, Timeline, ribbon_edges
from clip_core.types import Floats, Ints, Times

MOST_POINTS = 2_400
"""More than one point per pixel of a chart's width: eight minutes at five samples a second lose none."""
MOST_POINTS_IN_ALL = 40_000
"""About 1.5 MB as JSON."""
FEWEST_POINTS = 200
FEWEST_OF_A_CURVE = 4
"""tsdownsample needs two bins."""


def points_per_line(lines: int) -> int:
    """Return how many points a line may have, so that the whole figure is small enough to send at each rerun."""
    return max(FEWEST_POINTS, min(MOST_POINTS, MOST_POINTS_IN_ALL // max(1, lines)))


def kept_samples(curves: Floats, most: int, times_s: Times | None = None) -> Ints:
    """Return the indices of the samples to draw, increasing, shared by all curves.

    Lines share their samples because plotly's unified hover and clicks compare points at the same x. Each curve
    contributes the lowest and highest sample of each of its bins, and both ends are kept. If there are too many curves
    for that, each contributes its lowest and highest sample, and all share the same bins.

    Args:
        curves: float32 (n, c).
        most: The most samples, not counting the two ends.
        times_s: float64 (n,), increasing. If given, bins have equal duration, so that a sparsely sampled part keeps its
            samples beside a dense one; otherwise they have equal counts.
    """
    n, count = curves.shape
    if n <= most or count == 0:
        return np.arange(0, n, max(1, n // most), dtype=np.int64)
    share = most // count // 2 * 2
    if share < FEWEST_OF_A_CURVE:
        return _of_many(curves, most, times_s)
    return _min_max(curves, share, times_s)


def _of_many(curves: Floats, most: int, times_s: Times | None) -> Ints:
    """Return each curve's highest and lowest sample, if they fit, and those of the bins of all curves together."""
    ends = np.concatenate([curves.argmin(axis=0), curves.argmax(axis=0)])
    ends = np.unique(ends) if len(ends) <= most else ends[:0]
    low, high = np.fmin.reduce(curves, axis=0), np.fmax.reduce(curves, axis=0)
    alike = (curves - low) / np.where(high > low, high - low, 1)  # scaled alike, so that no curve dominates
    both = np.stack([np.fmin.reduce(alike, axis=1), np.fmax.reduce(alike, axis=1)], axis=1)
    share = max(FEWEST_OF_A_CURVE, (most - len(ends)) // 2 // 2 * 2)
    return np.union1d(ends, _min_max(both, share, times_s)).astype(np.int64)


def _min_max(curves: Floats, share: int, times_s: Times | None) -> Ints:
    downsampler = MinMaxDownsampler()  # type: ignore[no-untyped-call]
    n, count = curves.shape
    ends = np.array([0, n - 1], dtype=np.uint64)
    at = () if times_s is None else (np.ascontiguousarray(times_s),)
    kept = [downsampler.downsample(*at, np.ascontiguousarray(curves[:, c]), n_out=share) for c in range(count)]
    return np.unique(np.concatenate([ends, *kept])).astype(np.int64)


BANDS = ("low", "high")
BAND_STEP = 3
"""A band is soft and needs fewer points than a curve."""


def with_points(
    view: Timeline, traces: Sequence[Figure], *, every_sample: bool = False
) -> tuple[list[Figure], list[Any]]:
    """Replace the "curve" of each trace that has one by its x and y; points are denser in the part that is seen.

    Args:
        view: What the chart shows.
        traces: ``"curve": [of, column]`` says where a trace takes its values: from "raw", "smoothed", "rate", or from
            the edges of bands, "low" and "high", which use a subset of the curves' points.
        every_sample: Keep every sample.

    Returns:
        The traces, and the x that all curves share.
    """
    values = {"raw": view.scores.values, "smoothed": view.smoothed, **dict(zip(BANDS, ribbon_edges(view), strict=True))}
    if view.rate is not None:
        values["rate"] = view.rate
    chosen = [trace["curve"] for trace in traces if "curve" in trace]
    curves = [values[of][:, column] for of, column in chosen if of not in BANDS]
    if every_sample:
        kept = sparse = np.arange(len(view.scores), dtype=np.int64)
    else:
        drawn = np.stack(curves, axis=1) if curves else np.empty((len(view.scores), 0), np.float32)
        bands, heat_rows = len(chosen) - len(curves), len(view.lines) if view.kind == "heat map" else 0
        kept = _kept(drawn, points_per_line(len(curves) + bands // BAND_STEP + heat_rows), view)
        sparse = np.unique(np.append(kept[::BAND_STEP], kept[-1:]))
    x, x_of_band = view.x_of_samples(kept), view.x_of_samples(sparse)
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


def _kept(drawn: Floats, most: int, view: Timeline) -> Ints:
    times_s = view.scores.times_s
    if view.seen_s is None or not len(times_s):
        return kept_samples(drawn, most, times_s)
    first, last = np.searchsorted(times_s, view.seen_s)
    first, last = max(0, int(first) - 1), int(last) + 1
    inside = kept_samples(drawn[first:last], most * 3 // 4, times_s[first:last]) + first
    return np.union1d(inside, kept_samples(drawn, most // 4, times_s)).astype(np.int64)


def _y(values: Floats) -> list[float | None]:
    """Return numbers for JSON; a missing value leaves a gap."""
    rounded: list[float | None] = np.round(values.astype(np.float64), 4).tolist()
    return (
        rounded if np.isfinite(values).all() else [y if y is not None and math.isfinite(y) else None for y in rounded]
    )
