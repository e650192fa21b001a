"""The same video in another decoder's units: frames keep the identity that they were stored under."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from clip_core.errors import VideoDecodeError
from clip_core.values import Frame, Times, TimeTable
from clip_core.video.base import Video, frame_number

# Decoders round times differently, and no two frames are this near.
_SAME_S = 1e-6


def in_units_of(video: Video, table: TimeTable | None) -> Video:
    """Return a video whose frames carry the pts of a confirmed table; itself if its units are the same.

    OpenCV does not tell a stream's time base, so that it names a frame otherwise than PyAV does: vectors
    stored with one decoder are found with the other by the times of their frames.

    Args:
        video: An open video. Its own table is asked for, which may take a pass over the file.
        table: Of the same file. None, or one that is not confirmed, changes nothing.
    """
    if table is None or not table.confirmed or table.time_base == video.table.time_base:
        return video
    return RetimedVideo(video, table)


def to_go_on_in(video: Video, table: TimeTable) -> Video:
    """Return a video whose frames carry pts in the units of a table, which may be a claim; itself if they do.

    What was stored before anybody saw the whole file stays findable, although another decoder goes on.

    Args:
        video: An open video. If its units differ, the times of its own frames count, and what the table
            claims lends its names only: that may take a pass over the file.
        table: Of the same file.
    """
    if table.confirmed or table.time_base == video.table.time_base:
        return in_units_of(video, table)
    if not video.table.confirmed:
        for _ in video.frames([]):
            pass
    return RetimedVideo(video, _renamed(video.table, table))


def _renamed(seen: TimeTable, claimed: TimeTable) -> TimeTable:
    """Say the times that were seen in the units of a claim, with its own numbers where it has them."""
    units = np.rint(seen.times_s / float(claimed.time_base)).astype(np.int64) + claimed.start_pts
    times_s = claimed.times_s
    for k, time_s in enumerate(seen.times_s.tolist()):
        number = _nearest(times_s, time_s)
        if number is not None:
            units[k] = claimed.pts[number]
    keys = units[np.isin(seen.pts, seen.key_pts)]
    pts = np.unique(units)
    return TimeTable(pts, claimed.time_base, claimed.start_pts, seen.end_s, confirmed=True, key_pts=np.unique(keys))


class RetimedVideo:
    """A video that speaks in the units of a table; see ``Video``. Frames that the table lacks are left out."""

    def __init__(self, video: Video, table: TimeTable) -> None:
        self._video = video
        self._table = table
        self.info = video.info

    @property
    def unreadable_after_s(self) -> float | None:
        """Where the decoder found that a damaged file stopped being readable."""
        return self._video.unreadable_after_s

    @property
    def left_out_frames(self) -> int:
        """How many frames the decoder left out in a full pass."""
        return self._video.left_out_frames

    @property
    def table(self) -> TimeTable:
        """The table that was given."""
        return self._table

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame, rising."""
        return self._table.times_s

    def frames(self, wanted_pts: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode from the first frame to the last, in order; see ``Video.frames``."""
        wanted = None if wanted_pts is None else self._inner_pts(wanted_pts)
        yield from self._named(self._video.frames(wanted))

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, as far as the decoder takes these frames for keyframes."""
        keys = set(self._video.table.key_pts.tolist())
        yield from self._named(self._video.keyframes([p for p in self._inner_pts(pts) if p in keys]))

    def frame_at(self, *, time_s: float | None = None, index: int | None = None) -> Frame:
        """Return one frame, exactly; see ``Video.frame_at``."""
        number = frame_number(self, time_s, index)
        inner = self._video.table
        place = _nearest(inner.times_s, float(self.times_s[number]))
        frame = None if place is None else self._video.frame_at(time_s=float(inner.times_s[place]))
        named = None if frame is None else next(self._named(iter([frame])), None)
        if named is None or named.index != number:
            raise VideoDecodeError(
                f"Frame {number} of {self.info.name} does not come out of {self.info.decoder}.", "Choose another place."
            )
        return named

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._video.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _named(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        for frame in frames:
            number = _nearest(self.times_s, frame.time_s)
            if number is not None:
                yield Frame(number, int(self._table.pts[number]), float(self.times_s[number]), frame.rgb)

    def _inner_pts(self, pts: Sequence[int]) -> list[int]:
        """The decoder's names of these frames, without those that it does not have."""
        inner = self._video.table
        times_s = self._table.seconds(np.asarray(pts, dtype=np.int64))
        numbers = [_nearest(inner.times_s, time_s) for time_s in times_s.tolist()]
        return [int(inner.pts[number]) for number in numbers if number is not None]


def _nearest(times_s: Times, time_s: float) -> int | None:
    """The number of the frame at this time, None if there is none."""
    right = int(times_s.searchsorted(time_s))
    near = [k for k in (right - 1, right) if 0 <= k < len(times_s) and abs(float(times_s[k]) - time_s) < _SAME_S]
    return near[0] if near else None
