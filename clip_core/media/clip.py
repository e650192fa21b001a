"""What a clip is, once it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of a video that was written to a file of its own.

    Attributes:
        path: The file.
        start_s, end_s: Where it really begins and ends, in seconds from the first frame of the video.
        frames: How many frames it has.
    """

    path: Path
    start_s: float
    end_s: float
    frames: int
