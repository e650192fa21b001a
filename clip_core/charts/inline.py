"""The points of the curves, written into a figure: few enough to be sent at each rerun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clip_core.charts.axes import instants
from clip_core.charts.decimate import kept_samples, points_per_line
from clip_core.values import Floats, Scores


def with_points(
    traces: Sequence[dict[str, Any]], scores: Scores, smoothed: Floats, *, frames: bool
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Give each trace that has a "curve" its x and y instead.

    Args:
        traces: What to draw; ``"curve": ["raw" or "smoothed", column]`` says which points a trace takes.
        scores: Raw scores and their times.
        smoothed: float32 of their shape.
        frames: Whether x counts frames; else it is a date axis.

    Returns:
        The traces, and the x that all curves share.
    """
    values = {"raw": scores.values, "smoothed": smoothed}
    columns = [values[of][:, column] for of, column in (trace["curve"] for trace in traces if "curve" in trace)]
    drawn = np.stack(columns, axis=1) if columns else np.empty((len(scores), 0), np.float32)
    kept = kept_samples(drawn, points_per_line(drawn.shape[1]), scores.times_s)
    x = scores.frames[kept].tolist() if frames else instants(scores.times_s[kept])
    points = iter(np.round(drawn[kept].T.astype(np.float64), 4).tolist())
    return [_filled(trace, x, points) for trace in traces], x


def _filled(trace: dict[str, Any], x: list[Any], points: Any) -> dict[str, Any]:  # noqa: ANN401
    if "curve" not in trace:
        return trace
    rest = {key: value for key, value in trace.items() if key != "curve"}
    return rest | {"x": x, "y": next(points)}
