"""Videos made of whole pictures, such as numbered images and animations: exact frames by reading in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from clip_core.types import Frame, Image, TimeTable
from clip_core.video.base import SeenFrames, Video, VideoInfo

# What ended a file early shows as several frames in a row that do not decode; one alone is just a bad frame.
_FEW_DAMAGED = 1


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame that a source has come to, not yet a picture.

    Attributes:
        pts: Its time in the source's time base.
        duration: In the same unit, 0 if unknown.
        is_key: Whether it stands for itself.
        picture: Makes the picture, as long as the source has not gone on; None if it cannot be decoded.
        damaged: Whether it is known without decoding that it cannot be.
    """

    pts: int
    duration: int
    is_key: bool
    picture: Callable[[], Image | None]
    damaged: bool = False


class FrameSource(Protocol):
    """Where frames come from, in order. Each iteration stands alone, so that none disturbs another.

    Attributes:
        time_base: Seconds per unit of ``pts``.
        starts_anywhere: Whether an iteration may start at any frame; else each starts at the first.
    """

    time_base: Fraction
    starts_anywhere: bool

    def claimed(self, start_pts: int) -> TimeTable:
        """Return the times of the frames from ``start_pts`` on, as they are known without decoding."""
        ...

    def shots(self, from_pts: int | None = None) -> Generator[Shot, None, None]:
        """Yield frames with rising pts: all, or those from ``from_pts`` on if the source starts anywhere."""
        ...

    def ends_early(self) -> bool:
        """Return whether the file ends before its own blocks say that it does."""
        ...


def first_picture(source: FrameSource) -> tuple[int, Image] | None:
    """Return the pts and the picture of the first frame that can be decoded, or None."""
    with closing(source.shots()) as shots:
        for shot in shots:
            image = None if shot.damaged else shot.picture()
            if image is not None:
                return shot.pts, image
    return None


class ForwardVideo(Video):
    """An open video over a ``FrameSource``; the other arguments are those of ``Video``."""

    def __init__(self, info: VideoInfo, source: FrameSource, start_pts: int, table: TimeTable | None = None) -> None:
        super().__init__(info, source.time_base, start_pts, table)
        self._source = source
        self._run: Generator[Shot, None, None] | None = None
        self._last: Shot | None = None
        self._bad: set[int] = set()

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them; see ``Video.keyframes``."""
        for wanted in pts:
            self._check_open()
            with closing(self._source.shots(int(wanted))) as shots:
                shot = next((shot for shot in shots if shot.pts >= wanted), None)
                image = shot.picture() if shot is not None and shot.pts == wanted and shot.is_key else None
            if image is not None:
                yield self._frame(int(np.searchsorted(self.table.pts, wanted)), int(wanted), image)

    def close(self) -> None:
        """Release the file; may be called twice."""
        super().close()
        self._stop()

    def _claimed_table(self) -> TimeTable:
        return self._source.claimed(self._start_pts)

    def _picture_at(self, pts: int) -> Image | None:
        """Return the picture of exactly this time: by going on, or by starting again."""
        if self._source.starts_anywhere or self._last is None or self._last.pts >= pts:
            self._stop()
            self._run = self._source.shots(pts if self._source.starts_anywhere else None)
        shot = self._walk(pts)
        image = None if shot is None else shot.picture()
        if image is None:
            self._bad.add(pts)
        return image

    def _walk(self, pts: int) -> Shot | None:
        for shot in self._run or ():
            self._last = shot
            if shot.pts >= pts:
                return shot if shot.pts == pts else None
        self._run = self._last = None
        return None

    def _stop(self) -> None:
        if self._run is not None:
            self._run.close()
        self._run = self._last = None

    def _pass(self, wanted: set[int] | None) -> Generator[tuple[int, Frame | None], None, None]:
        seen, damaged, lost = SeenFrames(), 0, 0
        self._check_open()
        with closing(self._source.shots()) as shots:
            for shot in shots:
                is_bad = shot.damaged or shot.pts in self._bad or shot.pts < self._start_pts
                image = None
                if not is_bad and (wanted is None or shot.pts in wanted):
                    image = shot.picture()
                    if image is None:
                        self._bad.add(shot.pts)
                        is_bad = True
                if is_bad:
                    damaged, lost = damaged + 1, lost + 1
                    continue
                seen.add(shot.pts, shot.duration, is_key=shot.is_key)
                damaged = 0
                yield shot.pts, None if image is None else self._frame(len(seen.pts) - 1, shot.pts, image)
                self._check_open()
        table = self._take_over(seen)
        self.left_out_frames = lost if self.info.container == "images" else 0
        is_cut = self._source.ends_early() or damaged > _FEW_DAMAGED
        self.unreadable_after_s = table.end_s if is_cut else None
