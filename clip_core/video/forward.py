"""Videos made of whole pictures, such as numbered images and animations: exact frames by reading in order."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np

from clip_core.types import Frame, Image, TimeTable
from clip_core.video.base import SeenFrames, Video, VideoInfo
from clip_core.video.watched import Watched

# What ended a file early shows as several frames in a row that do not decode; one alone is just a bad frame.
_FEW_DAMAGED = 1


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """A frame that a source has come to, not yet a picture.

    Attributes:
        pts: Its time in the source's time base.
        duration: In the same unit, 0 if unknown.
        is_key: Whether it decodes without other frames.
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

    def frames(self, from_pts: int | None = None) -> Generator[PendingFrame, None, None]:
        """Yield frames with rising pts: all, or those from ``from_pts`` on if the source starts anywhere."""
        ...

    def ends_early(self) -> bool:
        """Return whether the file ends before its own blocks say that it does."""
        ...


def first_picture(source: FrameSource) -> tuple[int, Image] | None:
    """Return the pts and the picture of the first frame that can be decoded, or None."""
    with closing(source.frames()) as frames:
        for frame in frames:
            image = None if frame.damaged else frame.picture()
            if image is not None:
                return frame.pts, image
    return None


class AnimationSource(FrameSource):
    """The pictures of an animated file, each laid over those before it, so that every reading begins at the first.

    Args:
        path: The file.
        watched: Every reading opens the file anew, which has to be this one.
        time_base: See ``FrameSource``.
        ends: When each picture ends, in units of it.
        is_whole: Whether the file holds as many as it promises, and its end.

    Attributes:
        count: How many pictures the file holds.
        duration_s: How long all of them are shown.
        reading: See ``VideoInfo``; known when the first picture has been read.
    """

    starts_anywhere = False

    def __init__(
        self, path: Path, watched: Watched, time_base: Fraction, ends: Sequence[int], *, is_whole: bool
    ) -> None:
        self.time_base, self.count, self.duration_s = time_base, len(ends), float(ends[-1] * time_base)
        self.reading = ""
        self._path, self._watched = path, watched
        self._pts, self._is_whole, self._is_broken = [0, *ends], is_whole, False

    def claimed(self, start_pts: int) -> TimeTable:
        """Return the times of all pictures from ``start_pts`` on."""
        pts = array("q", [stamp for stamp in self._pts[:-1] if stamp >= start_pts])
        seen = SeenFrames(pts, array("q", [start_pts]), self._pts[-1] - self._pts[-2])
        return seen.table(self.time_base, start_pts, None, confirmed=False)

    def ends_early(self) -> bool:
        """Return whether the file, or what can be decoded of it, ends before it says that it does."""
        return self._is_broken or not self._is_whole


class ForwardVideo(Video):
    """An open video over a ``FrameSource``; the other arguments are those of ``Video``."""

    def __init__(
        self,
        info: VideoInfo,
        source: FrameSource,
        start_pts: int,
        table: TimeTable | None = None,
        watched: Watched | None = None,
    ) -> None:
        super().__init__(info, source.time_base, start_pts, table, watched)
        self._source = source
        self._run: Generator[PendingFrame, None, None] | None = None
        self._last: PendingFrame | None = None
        self._bad: set[int] = set()

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them; see ``Video.keyframes``."""
        for wanted in pts:
            self._check_open()
            with closing(self._source.frames(int(wanted))) as frames:
                frame = next((frame for frame in frames if frame.pts >= wanted), None)
                image = frame.picture() if frame is not None and frame.pts == wanted and frame.is_key else None
            if image is not None:
                yield self._frame(int(np.searchsorted(self.table.pts, wanted)), int(wanted), image)

    def frames_at(self, pts: Sequence[int]) -> Iterator[Frame]:
        """See ``Video.frames_at``; of pictures that each stand alone, only these are decoded."""
        if self._source.starts_anywhere:
            yield from self.keyframes(pts)
            return
        wanted, table = {int(stamp) for stamp in pts}, self.table
        self._check_open()
        with closing(self._source.frames()) as frames:
            for frame in frames if wanted else ():
                image = frame.picture() if frame.pts in wanted else None
                if image is not None:
                    yield self._frame(int(np.searchsorted(table.pts, frame.pts)), frame.pts, image)
                    self._check_open()
                if frame.pts >= max(wanted):
                    return

    def renew(self) -> bool:
        """See ``Video``. Pictures that had changed count as damaged until then."""
        self._bad.clear()
        return super().renew()

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
            self._run = self._source.frames(pts if self._source.starts_anywhere else None)
        frame = self._walk(pts)
        image = None if frame is None else frame.picture()
        if image is None:
            self._bad.add(pts)
        return image

    def _walk(self, pts: int) -> PendingFrame | None:
        for frame in self._run or ():
            self._last = frame
            if frame.pts >= pts:
                return frame if frame.pts == pts else None
        self._run = self._last = None
        return None

    def _stop(self) -> None:
        if self._run is not None:
            self._run.close()
        self._run = self._last = None

    def _pass(self, wanted: set[int] | None) -> Generator[tuple[int, Frame | None], None, None]:
        seen, damaged, lost = SeenFrames(), 0, 0
        self._check_open()
        with closing(self._source.frames()) as frames:
            for frame in frames:
                is_bad = frame.damaged or frame.pts in self._bad or frame.pts < self._start_pts
                image = None
                if not is_bad and (wanted is None or frame.pts in wanted):
                    image = frame.picture()
                    if image is None:
                        self._bad.add(frame.pts)
                        is_bad = True
                if is_bad:
                    damaged, lost = damaged + 1, lost + 1
                    continue
                seen.add(frame.pts, frame.duration, is_key=frame.is_key)
                damaged = 0
                yield frame.pts, None if image is None else self._frame(len(seen.pts) - 1, frame.pts, image)
                self._check_open()
        table = self._take_over(seen)
        self.left_out_frames = lost if self.info.container == "images" else 0
        is_cut = self._source.ends_early() or damaged > _FEW_DAMAGED
        self.unreadable_after_s = table.end_s if is_cut else None
