"""What every way of reading a video can do, and what it says about one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from clip_core.errors import VideoDecodeError, VideoError
from clip_core.types import Frame, Image, Ints, Join, Times, TimeTable, VideoHeader
from clip_core.video.identity import hash_file
from clip_core.video.watched import Watched

if TYPE_CHECKING:
    from clip_core.video.continued_clock import ContinuedClock

MAX_PIXELS = 64_000_000
"""Larger frames are refused by their header, and when they come in mid-stream."""
MAX_DURATION_S = 24 * 3600.0
"""Longer videos are refused by their header."""
MAX_ANIMATION_PIXELS = 4_000_000_000
"""Animations may hold pictures of many megapixels in a few bytes each, so all of them together have a limit, too."""
_FALLBACK_FRAME_S = 0.04
_GOES_ON = "clock goes on at joins"


@dataclass(frozen=True, kw_only=True)
class VideoInfo(VideoHeader):
    """What is known of a video before its frames are read.

    Attributes:
        path: The file, or the pattern that names a sequence of images.
        name: Its last part, for showing.
        decoder: The library that reads it: "PyAV", "OpenCV" for a sequence, or "Pillow" for WebP and animated PNG.
        reading: What is done to its pictures beyond turning and converting them, such as "mirrored, square pixels";
            "" for most videos. Vectors of pictures that were read in another way are of other pictures.
    """

    path: Path
    name: str
    decoder: str = "PyAV"
    reading: str = ""

    @cached_property
    def video_id(self) -> str:
        """SHA-256 of the file's bytes, 64 hex digits; reads the whole file when first asked."""
        return hash_file(self.path)


def check_limits(name: str, width: int, height: int, duration_s: float | None, pictures: int = 1) -> None:
    """Refuse a video by what its header says, before anything is decoded; ``pictures``: those of an animation.

    Raises:
        VideoError: Its frames have over 64 megapixels, those of an animation over 4 gigapixels in all, or it lasts over
            24 hours.
    """
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{name} has frames of {width} × {height} pixels, over the limit of 64 megapixels.", "Scale it down."
        )
    if width * height * pictures > MAX_ANIMATION_PIXELS:
        raise VideoError(
            f"{name} holds {pictures:,} pictures of {width} × {height} pixels, over the limit of 4 gigapixels in all.",
            "Convert it to MP4, or scale it down.",
        )
    if duration_s is not None and duration_s > MAX_DURATION_S:
        raise VideoError(f"{name} is {duration_s / 3600:.1f} hours long, over the limit of 24.", "Cut it in parts.")


class Video(ABC):
    """An open video. Not for use by several threads at once.

    Args:
        info: What the container says.
        time_base: Seconds per unit of ``pts``.
        start_pts: The pts of the first frame that decodes, which is time zero.
        table: A confirmed table of this very file; one in other units, or that begins elsewhere, is ignored.
        watched: The file that it is read from; the video closes it. None if it is read from no file.

    Attributes:
        info: What the container says.
        watched: Tells whether the file is still as it was when it was opened.
        unreadable_after_s: Where a damaged file stopped being readable in a full pass, else None.
        left_out_frames: How many frames a full pass left out because the file's clock jumped back, or pictures that
            do not decode.
    """

    def __init__(
        self,
        info: VideoInfo,
        time_base: Fraction,
        start_pts: int,
        table: TimeTable | None,
        watched: Watched | None = None,
    ) -> None:
        self.info = info
        self.watched = watched or Watched()
        self.unreadable_after_s: float | None = None
        self.left_out_frames = 0
        self._time_base, self._start_pts = time_base, start_pts
        here = (start_pts, time_base)
        usable = table is not None and table.confirmed and (table.start_pts, table.time_base) == here
        self._table = table if usable else None
        self._joins: tuple[Join, ...] = () if self._table is None else self._table.joins
        self._claims_twice = False
        self._shown: Frame | None = None
        self._closed = False

    def __repr__(self) -> str:
        info = self.info
        return f"{type(self).__name__}({info.name}, {info.width}x{info.height}, {info.codec}, {info.decoder})"

    @property
    def table(self) -> TimeTable:
        """When each frame is presented: a claim until ``frames()`` has run to the end once.

        Reading it first scans the packets or the names of the pictures. It decodes nothing, unless the
        packets do not tell their times: then it decodes the whole file, which confirms the table.
        """
        if self._table is None:
            self._check_open()
            self._table = self._claimed_table()
        return self._table or self._confirm()

    @property
    def reading(self) -> str:
        """``info.reading``, and whether recordings were joined in the file; for that, its packets may be read."""
        return ", ".join(filter(None, (self.info.reading, _GOES_ON if self._joins else "")))

    @property
    def clock(self) -> ContinuedClock | None:
        """Maps the times of the file's packets to those of ``table``; None if they are the same."""
        return None

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame, rising."""
        return self.table.times_s

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
        wanted = None if wanted_pts is None else {int(pts) for pts in wanted_pts}
        known = self._table is not None and self._table.confirmed
        last = max(wanted, default=self._start_pts) if wanted is not None and known else None
        with closing(self._pass(wanted)) as frames:
            for pts, frame in frames:
                if frame is not None:
                    yield frame
                if last is not None and pts >= last:
                    return

    @abstractmethod
    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them.

        Args:
            pts: Some of ``table.key_pts``, rising. One that cannot be decoded exactly is left out.
        """

    @abstractmethod
    def frames_at(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single frames in order: from the keyframe before each, or on from the last one, whichever is less.

        Where no seek is exact, everything from the first frame on is decoded.

        Args:
            pts: Some of ``table.pts``, rising. One that does not come out of the decoder is left out.
        """

    def span(self, first_pts: int, last_pts: int) -> Iterator[Frame]:
        """Decode the frames from ``first_pts`` to ``last_pts``, both included, as ``frames_at`` does."""
        pts = self.table.pts
        first, last = np.searchsorted(pts, first_pts), np.searchsorted(pts, last_pts, side="right")
        yield from self.frames_at(pts[first:last].tolist())

    @property
    def has_parts(self) -> bool:
        """Whether what is decoded from a keyframe on is what a pass from the first frame on shows there; see ``part``.

        Reads the packets if nobody has yet.
        """
        return False

    def part(self, wanted_pts: Sequence[int], first_pts: int, end_pts: int | None, seen: SeenFrames) -> Iterator[Frame]:
        """Decode all frames from one keyframe to before another, of a video that ``has_parts``.

        Args:
            wanted_pts: Only these frames are turned into pictures and yielded.
            first_pts, end_pts: Two of ``table.key_pts``, or the first frame and None, which is the end.
            seen: Takes the times of all frames that are decoded.

        At the end of the video ``unreadable_after_s`` is set as by ``frames``.
        """
        del wanted_pts, seen
        raise ValueError(f"{self.info.name} is decoded as a whole, not from {first_pts} to {end_pts}.")

    def trust(self, table: TimeTable) -> bool:
        """Take over a table that an earlier pass over this very file confirmed; then no pass is needed to confirm it.

        Return False, and do nothing, if the packets claim other times than it holds, or one time twice: in such a file
        a seek may lead to another picture than a pass from the first frame.
        """
        claim = self.table
        same = (claim.time_base, claim.start_pts, claim.joins) == (table.time_base, table.start_pts, table.joins)
        if not (table.confirmed and same and np.array_equal(claim.pts, table.pts)) or self._claims_twice:
            return False
        self._table = table
        return True

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
        self._check_open()
        number = self._frame_number(time_s, index)
        pts = int(self.table.pts[number])
        if self._shown is not None and (self._shown.pts, self._shown.index) == (pts, number):
            return self._shown
        image = self._picture_at(pts)
        if image is None and not self.table.confirmed:
            self._confirm()  # a frame was claimed that never comes, so the numbers are wrong too
            return self.frame_at(time_s=time_s, index=index)
        if image is None:
            raise VideoDecodeError(
                f"Frame {number} of {self.info.name} cannot be decoded.", "Choose another place in the video."
            )
        self._shown = self._frame(number, pts, image)
        return self._shown

    def renew(self) -> bool:
        """Go on with what lies at the path now, and read its times anew; see ``Watched.renew``."""
        self._table = self._shown = None
        self.unreadable_after_s = None
        self.left_out_frames = 0
        return self.watched.renew()

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._closed = True
        self._shown = None
        self.watched.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @abstractmethod
    def _claimed_table(self) -> TimeTable | None:
        """Return the table as it is known without decoding, or None if it is not known."""

    @abstractmethod
    def _pass(self, wanted: set[int] | None) -> Generator[tuple[int, Frame | None], None, None]:
        """Decode all frames in order; yield the pts of each, with the picture of the wanted ones (None: of all).

        At the end ``_take_over`` gets what was seen.
        """

    @abstractmethod
    def _picture_at(self, pts: int) -> Image | None:
        """Return the picture of exactly this time, or None if it cannot be decoded."""

    def _confirm(self) -> TimeTable:
        """Decode once from start to end without making pictures; return the confirmed table."""
        for _ in self._pass(set()):
            pass
        return self.table

    def _take_over(self, seen: SeenFrames) -> TimeTable:
        """Make the confirmed table of what a whole pass has seen."""
        if not seen.pts:
            raise VideoDecodeError(f"Not one frame of {self.info.name} can be decoded.", "Convert it to H.264.")
        self._table = seen.table(self._time_base, seen.pts[0], self.info.header_fps, confirmed=True, joins=self._joins)
        return self._table

    def _frame(self, index: int, pts: int, image: Image) -> Frame:
        base = self._time_base
        return Frame(index, pts, (pts - self._start_pts) * base.numerator / base.denominator, image)

    def _frame_number(self, time_s: float | None, index: int | None) -> int:
        if (time_s is None) == (index is None):
            raise ValueError("Give either time_s or index.")
        n = len(self.table)
        if index is not None:
            if not 0 <= index < n:
                raise IndexError(f"{self.info.name} has frames 0 to {n - 1}, not {index}.")
            return int(index)
        if time_s is None or np.isnan(time_s):
            raise ValueError(f"time_s must be a number of seconds, not {time_s}.")
        return int(np.clip(np.searchsorted(self.times_s, time_s, side="right") - 1, 0, n - 1))

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.info.name} is closed.")


@dataclass
class SeenFrames:
    """The times of frames, gathered in any order.

    Attributes:
        pts, key_pts: Of all frames and of the keyframes, in the stream's time base.
        last_duration: Of the frame that is presented last, in the same unit; 0 if unknown.
    """

    pts: array[int] = field(default_factory=lambda: array("q"))
    key_pts: array[int] = field(default_factory=lambda: array("q"))
    last_duration: int = 0
    _last_pts: int | None = None

    def add(self, pts: int, duration: int, *, is_key: bool) -> None:
        """Note one more frame."""
        self.pts.append(pts)
        if is_key:
            self.key_pts.append(pts)
        if self._last_pts is None or pts >= self._last_pts:
            self._last_pts, self.last_duration = pts, duration

    def table(
        self,
        time_base: Fraction,
        start_pts: int,
        header_fps: float | None,
        *,
        confirmed: bool,
        joins: tuple[Join, ...] = (),
    ) -> TimeTable:
        """Return the table of at least one frame: sorted, and each time once."""
        pts: Ints = np.unique(np.array(self.pts, dtype=np.int64))
        duration = self.last_duration
        if duration <= 0:
            duration = int(np.median(np.diff(pts))) if len(pts) > 1 else 0
        end_pts = int(pts[-1]) - start_pts + duration
        rest_s = 0.0 if duration > 0 else 1 / header_fps if header_fps else _FALLBACK_FRAME_S
        return TimeTable(
            pts=pts,
            time_base=time_base,
            start_pts=start_pts,
            end_s=end_pts * time_base.numerator / time_base.denominator + rest_s,
            confirmed=confirmed,
            key_pts=np.unique(np.array(self.key_pts, dtype=np.int64)),
            joins=joins,
        )
