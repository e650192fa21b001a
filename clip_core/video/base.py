"""What every way of reading a video can do, and what it says about one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from clip_core.errors import VideoError
from clip_core.types import Frame, Times, TimeTable
from clip_core.video.identity import hash_file

MAX_PIXELS = 64_000_000
"""Larger frames are refused by their header, and when they come in mid-stream."""
MAX_DURATION_S = 24 * 3600.0
"""Longer videos are refused by their header."""
MAX_ANIMATION_PIXELS = 4_000_000_000
"""GIF and WebP may hold pictures of many megapixels in a few bytes each, so all of them together have a limit, too."""


def check_animation(name: str, width: int, height: int, pictures: int) -> None:
    """Refuse an animation whose pictures would take minutes to decode.

    Raises:
        VideoError: All pictures together have over 4 gigapixels.
    """
    if width * height * pictures > MAX_ANIMATION_PIXELS:
        raise VideoError(
            f"{name} holds {pictures:,} pictures of {width} × {height} pixels, over the limit of 4 gigapixels in all.",
            "Convert it to MP4, or scale it down.",
        )


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before its frames are read.

    Attributes:
        path: The file, or the pattern that names a sequence of images.
        name: Its last part, for showing.
        size_bytes: Its length.
        container, codec: FFmpeg's names, such as "mov" and "h264"; "images" for a sequence.
        width, height: Of the picture after rotation, in pixels.
        header_fps, header_frame_count, header_duration_s: What the header claims; None if silent.
        decoder: The library that reads it: "PyAV", "OpenCV" for a sequence, or "Pillow" for WebP.
        reading: What is done to its pictures beyond turning and converting them, such as "mirrored, square pixels";
            "" for most videos. Vectors of pictures that were read in another way are of other pictures.
    """

    path: Path
    name: str
    size_bytes: int
    container: str
    codec: str
    width: int
    height: int
    header_fps: float | None
    header_frame_count: int | None
    header_duration_s: float | None
    decoder: str = "PyAV"
    reading: str = ""

    @cached_property
    def video_id(self) -> str:
        """SHA-256 of the file's bytes, 64 hex digits; reads the whole file when first asked."""
        return hash_file(self.path)


class Video(Protocol):
    """An open video. Not for use by several threads at once.

    Attributes:
        info: What the container says.
        table: When each frame is presented: a claim until ``frames()`` has run to the end once.
    """

    info: VideoInfo

    @property
    def unreadable_after_s(self) -> float | None:
        """Where a damaged file stopped being readable in a full pass, else None."""
        ...

    @property
    def left_out_frames(self) -> int:
        """How many frames a full pass left out because the file's clock jumped back, or pictures that do not decode."""
        ...

    @property
    def table(self) -> TimeTable:
        """When each frame is presented. Reading it first scans the packets, not the pictures."""
        ...

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame, rising."""
        ...

    def frames(self, wanted_pts: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode from the first frame to the last, in order.

        Args:
            wanted_pts: If given, only these frames are turned into pictures and yielded (the others
                are decoded, because frames build on each other). None yields all.

        Yields:
            Frames with rising times. After the last one ``table`` is confirmed.

        Raises:
            VideoDecodeError: Not one frame could be decoded.
        """
        ...

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them.

        Args:
            pts: Some of ``table.key_pts``, rising. One that cannot be decoded exactly is left out.
        """
        ...

    def frame_at(self, *, time_s: float | None = None, index: int | None = None) -> Frame:
        """Return one frame, exactly.

        Args:
            time_s: The frame on the screen at this time: the last with ``frame.time_s <= time_s``;
                before the first frame the first, after the last the last.
            index: The frame of this number, from 0.

        Raises:
            ValueError: Not exactly one of the two was given.
            IndexError: ``index`` is not in [0, n).
            VideoDecodeError: The frame cannot be decoded.
        """
        ...

    def close(self) -> None:
        """Release the file; may be called twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def frame_number(video: Video, time_s: float | None, index: int | None) -> int:
    """Return the number of the frame that ``frame_at`` is asked for; it says what is raised."""
    if (time_s is None) == (index is None):
        raise ValueError("Give either time_s or index.")
    n = len(video.table)
    if index is not None:
        if not 0 <= index < n:
            raise IndexError(f"{video.info.name} has frames 0 to {n - 1}, not {index}.")
        return int(index)
    if time_s is None or np.isnan(time_s):
        raise ValueError(f"time_s must be a number of seconds, not {time_s}.")
    return int(np.clip(np.searchsorted(video.times_s, time_s, side="right") - 1, 0, n - 1))
