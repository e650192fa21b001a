"""Temporal intersection over union of half-open intervals."""

from __future__ import annotations

import numpy as np

from clip_core.values import Times


def iou_matrix(first: Times, second: Times) -> Times:
    """How much each interval of one list is the same as each of another.

    The union is length + length - intersection, as `standalone_eval` of jayleicn/moment_detr has it for its mAP. Where
    that is 0 (two empty intervals) this is 0, not NaN.

    Args:
        first, second: float64 (n, 2) and (m, 2), starts and ends in seconds.

    Returns:
        float64 (n, m), from 0 (apart, or only touching) to 1 (equal).
    """
    shared = np.minimum(first[:, None, 1], second[None, :, 1]) - np.maximum(first[:, None, 0], second[None, :, 0])
    shared = np.maximum(shared, 0.0)
    lengths = (first[:, 1] - first[:, 0])[:, None] + (second[:, 1] - second[:, 0])[None, :]
    union = lengths - shared
    result: Times = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result
