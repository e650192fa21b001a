"""What the store knows of a video → the source of a timeline."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from clip_core.export.source import Source
from clip_core.values import TimeTable, VideoRecord

USUAL_RATE = Fraction(25)
"""Of a video with one frame, which has none."""
_ROUNDING_TICKS = 1
_STEADY = 1e-3
_FINEST = 100_000


def source_of(record: VideoRecord, has_audio: bool = False, start_timecode: str = "00:00:00:00") -> Source:
    """Return the source of a stored video; its rate comes from its table of times, not from its header alone.

    Presentation times are often rounded, such as to milliseconds, so that a short video's steps cannot tell 24 from
    23.976: within that rounding the header decides.

    Raises:
        ValueError: The timecode is none at this rate.
    """
    rate, variable = rate_of(record.table)
    said = record.header_fps
    if said is not None and not variable and 0 < said < _FINEST and len(record.table) > 1:
        frames, steps = len(record.table) - 1, record.table.pts[-1] - record.table.pts[0]
        ticks = frames / (said * float(record.table.time_base))
        if abs(ticks - float(steps)) <= 2 * _ROUNDING_TICKS:
            rate = Fraction(said).limit_denominator(_FINEST)
    return Source(
        record.name, record.path, record.width, record.height, rate, record.table.end_s, variable,
        start_timecode=start_timecode, has_audio=has_audio,
    )  # fmt: skip


def rate_of(table: TimeTable) -> tuple[Fraction, bool]:
    """Return the mean frame rate, and whether it varies by more than times that are rounded to the time base do."""
    pts = table.pts
    if len(pts) < 2:
        return USUAL_RATE, False
    step = Fraction(int(pts[-1] - pts[0]), len(pts) - 1)
    even = pts[0] + np.arange(len(pts)) * float(step)
    off = float(np.max(np.abs(pts - even)))
    return 1 / (step * table.time_base), off > max(2 * _ROUNDING_TICKS, _STEADY * float(step))
