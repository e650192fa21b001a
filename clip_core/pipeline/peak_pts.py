"""From moments to the frames of their peaks, whose pictures stand for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clip_core.values import Moment, Scores, VideoRecord


def peak_pts(moments: Sequence[Moment], scores: Scores, record: VideoRecord) -> dict[float, int]:
    """Time of each peak → pts of its frame."""
    if not len(scores) or not len(record.table):
        return {}
    found = {}
    for moment in moments:
        sample = int(np.argmin(np.abs(scores.times_s - moment.peak_s)))
        found[moment.peak_s] = int(record.table.pts[min(int(scores.frames[sample]), len(record.table) - 1)])
    return found
