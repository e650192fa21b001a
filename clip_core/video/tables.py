"""Tables of times: claimed by the packets, or seen by decoding."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np

from clip_core.types import Ints, TimeTable

if TYPE_CHECKING:
    from clip_core.video.decoding import Decoder

_FALLBACK_FRAME_S = 0.04


class Timed(Protocol):
    """A frame that came by: ``pts`` and ``duration`` in its stream's time base, 0 if unknown."""

    @property
    def pts(self) -> int: ...  # noqa: D102
    @property
    def duration(self) -> int: ...  # noqa: D102
    @property
    def is_key(self) -> bool: ...  # noqa: D102


@dataclass
class SeenFrames:
    """The times of frames, gathered while they come by.

    Attributes:
        pts, key_pts: Of all frames and of the keyframes.
        last_duration: Of the last frame, in the stream's time base; 0 if unknown.
    """

    pts: array[int] = field(default_factory=lambda: array("q"))
    key_pts: array[int] = field(default_factory=lambda: array("q"))
    last_duration: int = 0

    def add(self, frame: Timed) -> None:
        """Note one more frame."""
        self.pts.append(frame.pts)
        if frame.is_key:
            self.key_pts.append(frame.pts)
        self.last_duration = frame.duration

    def table(self, time_base: Fraction, header_fps: float | None) -> TimeTable:
        """Return the confirmed table of at least one frame."""
        return make_table(
            self.pts, self.key_pts, self.last_duration, time_base, self.pts[0], header_fps, confirmed=True
        )


def claimed_table(decoder: Decoder, time_base: Fraction, start_pts: int, header_fps: float | None) -> TimeTable | None:
    """Return the table that a fresh decoder's packets claim, or None if packets do not tell their times.

    Packets before ``start_pts`` and those that an edit list leaves out show no frame of their own.
    """
    if decoder.lacks_pts:
        return None
    pts, key_pts, duration, latest = array("q"), array("q"), 0, start_pts
    for packet in decoder.packets():
        if packet.is_discard:
            continue
        if packet.pts is None:
            return None
        if packet.pts < start_pts:
            continue
        pts.append(packet.pts)
        if packet.is_keyframe:
            key_pts.append(packet.pts)
        if packet.pts >= latest:
            latest, duration = packet.pts, packet.duration or 0
    if not pts:
        return None
    return make_table(pts, key_pts, duration, time_base, start_pts, header_fps, confirmed=False)


def make_table(
    pts: array[int],
    key_pts: array[int],
    last_duration: int,
    time_base: Fraction,
    start_pts: int,
    header_fps: float | None,
    *,
    confirmed: bool,
) -> TimeTable:
    """Return a table of the given times, sorted and each once; the last frame lasts ``last_duration``."""
    stamps: Ints = np.unique(np.array(pts, dtype=np.int64))
    if last_duration <= 0:
        last_duration = int(np.median(np.diff(stamps))) if len(stamps) > 1 else 0
    end_pts = int(stamps[-1]) - start_pts + last_duration
    rest_s = 0.0 if last_duration > 0 else 1 / header_fps if header_fps else _FALLBACK_FRAME_S
    return TimeTable(
        pts=stamps,
        time_base=time_base,
        start_pts=start_pts,
        end_s=end_pts * time_base.numerator / time_base.denominator + rest_s,
        confirmed=confirmed,
        key_pts=np.unique(np.array(key_pts, dtype=np.int64)),
    )
