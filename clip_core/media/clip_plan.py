"""Choose the frames and the file names of the clips of moments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clip_core.errors import ExportError, shown_name
from clip_core.files import numbered_name
from clip_core.text import clock
from clip_core.types import Moment, TimeTable

# Files of moments round times to a microsecond; no two frames are that close.
SLACK_S = 1e-6
# The usual duration of a frame is the median over this many frames before and after.
_NEAR = 50


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


def piece_of(table: TimeTable, start_s: float, end_s: float) -> Piece:
    """Return the frames with ``start_s <= time_s < end_s``; if there are none, the one on screen at ``start_s``.

    The last frame lasts until the next one is shown. If that takes long (a still picture in a screen recording), it
    ends at ``end_s`` or after the usual duration of a frame, whichever is later.

    Args:
        table: Presentation times of the video.
        start_s, end_s: In seconds from the video's first frame; differences of a microsecond are ignored.

    Raises:
        ExportError: The times are not finite, the end lies before the start, or the moment lies outside the video.
    """
    if not (math.isfinite(start_s) and math.isfinite(end_s)) or end_s < start_s:
        raise ExportError(f"A moment from {start_s} s to {end_s} s is none.", "Correct its times.")
    if start_s > table.end_s + SLACK_S or end_s < -SLACK_S:
        raise ExportError(
            f"A moment at {clock(start_s)} lies outside the video, which lasts {clock(table.end_s)}.",
            "Check that the moments are this video's.",
        )
    times_s = table.times_s
    first, stop = (int(k) for k in times_s.searchsorted([start_s - SLACK_S, end_s - SLACK_S]))
    if stop <= first:
        first = max(0, int(times_s.searchsorted(start_s + SLACK_S, side="right")) - 1)
        stop = first + 1
    next_s = float(times_s[stop]) if stop < len(times_s) else table.end_s
    near = times_s[max(0, stop - _NEAR) : stop + _NEAR]
    usual_s = float(times_s[stop - 1]) + float(np.median(np.diff(near))) if len(near) > 1 else next_s
    return Piece(first, stop, float(times_s[first]), min(next_s, max(end_s, usual_s)))


def until(table: TimeTable, first: int, frames: int) -> Piece:
    """Return the piece of ``frames`` whole frames from ``first`` on, or of as many as there are."""
    stop = min(len(table), first + frames)
    times_s = table.times_s
    end_s = float(times_s[stop]) if stop < len(table) else table.end_s
    return Piece(first, stop, float(times_s[first]), end_s)


def clip_names(moments: Sequence[Moment], extension: str) -> list[str]:
    """Return names such as ``003_a-dog_0m12.400s.mp4``, numbered in the order of the moments."""
    return [numbered_name(k, m.prompt, m.start_s, extension) for k, m in enumerate(moments, start=1)]


def make_folder(folder: Path) -> None:
    """Create an output folder if it does not exist.

    Raises:
        ExportError: The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"{shown_name(folder)} cannot be made or is no folder: {error.strerror}.", "Choose another folder."
        ) from error


def refuse_source(target: Path, source: Path) -> None:
    """Refuse to overwrite the video itself.

    Raises:
        ExportError: Both paths are the same file.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise ExportError(f"{shown_name(target)} is the video itself.", "Choose another folder.")
