"""The video that clips, frames and proxies are made from: that it stays the same file, and the pieces cut from it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clip_core.errors import ExportError, VideoChangedError, VideoError, VideoNotFoundError, shown_name
from clip_core.library.identify import file_stamp, is_there
from clip_core.text import clock
from clip_core.types import RoundedTime, Times, TimeTable
from clip_core.video import Video, open_video

# Precise lists round times to a microsecond; no two frames are that close.
SLACK_S = 1e-6
# A time halfway between two steps of a list's decimals is off by half a step, and as a float by a little more.
_HALFWAY = 1.001
# The usual duration of a frame is the median over this many frames before and after.
_NEAR = 50


@dataclass
class Original:
    """An open video that clips or frames are taken from.

    Attributes:
        path: The path that was passed in.
        video: The open video.
        warnings: What the user should know about the clips or frames.
    """

    path: Path
    video: Video
    warnings: list[str] = field(default_factory=list)

    @property
    def stamp(self) -> tuple[int, int]:
        """The file's ``file_stamp`` when it was opened."""
        return self.video.watched.stamp

    def check(self) -> None:
        """Check that the file has not changed.

        Raises:
            VideoChangedError: It has changed, or is gone.
        """
        if (change := self.video.watched.change()) is not None:
            raise _changed(self.path) from change


@contextmanager
def open_original(
    path: str | Path, table: TimeTable | None, stamp: tuple[int, int] | None = None
) -> Iterator[Original]:
    """Open a video to take clips or frames from it.

    Args:
        path: The file, or the pattern of a sequence of images.
        table: Presentation times of the frames, if confirmed.
        stamp: The file's ``file_stamp`` when it was identified; a file with another stamp is refused.

    Raises:
        VideoNotFoundError: The file does not exist, or was removed during the block.
        VideoError: The file cannot be read, or has changed.
    """
    file = Path(path)
    check_unchanged(file, stamp)
    with open_video(path, table=table) as video:
        if stamp not in (None, video.watched.stamp):
            raise _changed(file)
        try:
            with video.watched.telling():
                yield Original(file, video)
        except (VideoError, FileNotFoundError) as error:
            if not is_there(path):
                name = shown_name(path)
                raise VideoNotFoundError(f"{name} was moved or deleted meanwhile.", "Put it back.") from error
            raise


def check_unchanged(path: str | Path, stamp: tuple[int, int] | None) -> None:
    """Check that a file still has this ``file_stamp``; None passes.

    Raises:
        VideoChangedError: It has changed.
        VideoNotFoundError: It is gone.
    """
    if stamp is not None and file_stamp(Path(path)) != stamp:
        raise _changed(path)


def _changed(path: str | Path) -> VideoChangedError:
    return VideoChangedError(f"{shown_name(path)} has changed since it was opened.", "Open it again.")


@dataclass(frozen=True, slots=True)
class Piece:
    """The frames numbered [first, stop) of a video, at least one.

    Attributes:
        first, stop: Frame numbers.
        start_s, end_s: When the first frame is shown and the last one ends, in seconds from the video's first frame.
    """

    first: int
    stop: int
    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """The duration in seconds."""
        return self.end_s - self.start_s


def slack_of(time_s: float) -> float:
    """Return by how many seconds a frame may begin before a time that means this frame."""
    return max(SLACK_S, _HALFWAY * time_s.rounding_s) if isinstance(time_s, RoundedTime) else SLACK_S


def piece_of(table: TimeTable, start_s: float, end_s: float) -> Piece:
    """Return the frames with ``start_s <= time_s < end_s``; if there are none, the one on screen at ``start_s``.

    The last frame lasts until the next one is shown. If that takes long (a still picture in a screen recording), it
    ends at ``end_s`` or after the usual duration of a frame, whichever is later.

    Args:
        table: Presentation times of the video.
        start_s, end_s: In seconds from the video's first frame. A time that lies at most its ``slack_of`` after the
            beginning of a frame means that frame, the nearest if there are several.

    Raises:
        ExportError: The times are not finite, the end lies before the start, or the moment lies outside the video.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s)) or end_s < start_s:
        raise ExportError(f"A moment cannot run from {start_s} s to {end_s} s.", "Correct its times.")
    if start_s > table.end_s + slack_of(start_s) or end_s < -SLACK_S:
        raise ExportError(
            f"A moment at {clock(start_s)} lies outside the video, which lasts {clock(table.end_s)}.",
            "Check that the moments are this video's.",
        )
    times_s = table.times_s
    first, stop = _first_from(times_s, start_s), _first_from(times_s, end_s)
    if stop <= first:
        begins = first < len(times_s) and times_s[first] <= start_s + slack_of(start_s)
        first = first if begins else max(0, first - 1)
        stop = first + 1
    next_s = float(times_s[stop]) if stop < len(times_s) else table.end_s
    near = times_s[max(0, stop - _NEAR) : stop + _NEAR]
    usual_s = float(times_s[stop - 1]) + float(np.median(np.diff(near))) if len(near) > 1 else next_s
    return Piece(first, stop, float(times_s[first]), min(next_s, max(end_s, usual_s)))


def _first_from(times_s: Times, time_s: float) -> int:
    """Return the number of the first frame at or after a time, or of the one that began up to its slack before.

    Of two frames within the slack it is the nearer one, so that frames closer than the slack stay apart.
    """
    number = int(times_s.searchsorted(time_s - SLACK_S))
    since_s = time_s - times_s[number - 1] if number else math.inf
    until_s = times_s[number] - time_s if number < len(times_s) else math.inf
    return number - 1 if since_s <= slack_of(time_s) and since_s < until_s else number


def whole_frames(table: TimeTable, first: int, frames: int) -> Piece:
    """Return the piece of ``frames`` whole frames from ``first`` on, or of as many as there are."""
    stop = min(len(table), first + frames)
    times_s = table.times_s
    end_s = float(times_s[stop]) if stop < len(table) else table.end_s
    return Piece(first, stop, float(times_s[first]), end_s)
