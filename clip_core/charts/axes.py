"""The axes of the chart: a clock or frame numbers below, scores at the left."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from clip_core.values import Times

HOUR_S = 3600.0
MOST_TICKS = 8
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def instants(times_s: Times) -> list[str]:
    """Write times as dates of 1970, to the millisecond: plotly's clock ticks need a date axis.

    As text, because plotly.js takes small numbers on a date axis for years.
    """
    return np.datetime_as_string(np.round(times_s * 1000).astype("datetime64[ms]")).tolist()  # type: ignore[no-any-return]


def time_axis(end_s: float) -> dict[str, Any]:
    """An axis from 0 to ``end_s`` seconds with ticks like 1:30, from one hour on 1:01:30."""
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
    """An axis of frame numbers from 0 to ``last``."""
    return {"type": "linear", "range": [0, max(last, 1)]}


def score_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """At most eight round numbers in the range. plotly.js adds steps up, and then writes zero as "−0.00"."""
    step = next((step for step in STEPS if (high - low) / step <= most), (high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 2) + 0.0 for k in range(first, last + 1)]
