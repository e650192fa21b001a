"""How fast the curves change."""

from __future__ import annotations

import numpy as np

from clip_core.scoring.spans import tells_of_change
from clip_core.values import Floats, Scores


def rate_of_change(scores: Scores, smoothed: Floats | None = None) -> Floats:
    """Return (s_f - s_{f-1}) / (t_f - t_{f-1}) per second.

    It is 0 where no change can be told: at the first sample, after a gap, and between samples at one time.

    Args:
        scores: n samples of p prompts.
        smoothed: Their smoothed curves, float32 (n, p); None: the raw ones.

    Returns:
        float32 (n, p), in the scores' unit per second.
    """
    curves = scores.values if smoothed is None else smoothed
    rate = np.zeros_like(curves)
    if len(scores) > 1:
        told = tells_of_change(scores)
        factor = np.where(told, 1 / np.where(told, np.diff(scores.times_s), 1.0), 0.0).astype(np.float32)
        rate[1:] = np.diff(curves, axis=0) * factor[:, None] + np.float32(0)  # which makes 0 of -0
    return rate
