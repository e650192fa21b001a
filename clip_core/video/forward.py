"""Videos made of whole pictures, such as numbered images and animations: exact frames by reading in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from clip_core.errors import VideoDecodeError
from clip_core.types import Frame, Image, Times, TimeTable
from clip_core.video.base import VideoInfo, frame_number
from clip_core.video.tables import SeenFrames

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


class ForwardVideo:
    """An open video over a ``Source``; see ``Video``.

    Args:
        info: What is known of it.
        source: Where its frames come from.
        start_pts: Of the first frame that decodes, which is time zero.
        table: A confirmed table of this very file; one in other units, or that begins elsewhere, is not believed.
    """

    def __init__(self, info: VideoInfo, source: FrameSource, start_pts: int, table: TimeTable | None = None) -> None:
        self.info = info
        self.unreadable_after_s: float | None = None
        self.left_out_frames = 0
        self._source = source
        self._start_pts = start_pts
        self._table = table if table is not None and self._believes(table) else None
        self._run: Generator[Shot, None, None] | None = None
        self._last: Shot | None = None
        self._shown: Frame | None = None
        self._bad: set[int] = set()
        self._closed = False
        self.starts = 0

    def __repr__(self) -> str:
        return f"ForwardVideo({self.info.name}, {self.info.width}x{self.info.height}, {self.info.decoder})"

    @property
    def table(self) -> TimeTable:
        """When each frame is presented: as the source claims at first, then as a whole pass has seen it."""
        if self._table is None:
            self._check_open()
            self._table = self._source.claimed(self._start_pts)
        return self._table

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame, rising."""
        return self.table.times_s

    def frames(self, wanted_pts: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode from the first frame to the last, in order; see ``Video.frames``."""
        wanted = None if wanted_pts is None else {int(pts) for pts in wanted_pts}
        known = self._table is not None and self._table.confirmed
        last = max(wanted, default=self._start_pts) if wanted is not None and known else None
        with closing(self._pass(wanted)) as frames:
            for pts, frame in frames:
                if frame is not None:
                    yield frame
                if last is not None and pts >= last:
                    return

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them; see ``Video.keyframes``."""
        for wanted in pts:
            self._check_open()
            with closing(self._source.shots(int(wanted))) as shots:
                shot = next((shot for shot in shots if shot.pts >= wanted), None)
                image = shot.picture() if shot is not None and shot.pts == wanted and shot.is_key else None
            if image is not None:
                yield self._frame(int(np.searchsorted(self.table.pts, wanted)), int(wanted), image)

    def frame_at(self, *, time_s: float | None = None, index: int | None = None) -> Frame:
        """Return one frame, exactly; see ``Video.frame_at``."""
        self._check_open()
        number = frame_number(self, time_s, index)
        pts = int(self.table.pts[number])
        if self._shown is not None and (self._shown.pts, self._shown.index) == (pts, number):
            return self._shown
        shot = self._find(pts)
        image = None if shot is None else shot.picture()
        if image is None:
            self._bad.add(pts)
        if image is None and not self.table.confirmed:
            self._confirm()
            return self.frame_at(time_s=time_s, index=index)
        if image is None:
            raise VideoDecodeError(
                f"Frame {number} of {self.info.name} cannot be decoded.", "Choose another place in the video."
            )
        self._shown = self._frame(number, pts, image)
        return self._shown

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._closed = True
        self._shown = None
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _believes(self, table: TimeTable) -> bool:
        return table.confirmed and (table.start_pts, table.time_base) == (self._start_pts, self._source.time_base)

    def _find(self, pts: int) -> Shot | None:
        """Return the frame of exactly this time: by going on, or by starting again."""
        if self._source.starts_anywhere or self._last is None or self._last.pts >= pts:
            self._stop()
            self._run = self._source.shots(pts if self._source.starts_anywhere else None)
            self.starts += 1
        return self._walk(pts)

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

    def _confirm(self) -> TimeTable:
        """Go through the file once without making pictures; return the confirmed table."""
        for _ in self._pass(set()):
            pass
        return self.table

    def _pass(self, wanted: set[int] | None) -> Generator[tuple[int, Frame | None], None, None]:
        """Go through all frames in order and make the wanted pictures; at the end, take over what was seen."""
        seen, damaged, lost = SeenFrames(), 0, 0
        self._check_open()
        with closing(self._source.shots()) as shots:
            for shot in shots:
                if shot.damaged or shot.pts in self._bad or shot.pts < self._start_pts:
                    damaged, lost = damaged + 1, lost + 1
                    continue
                asked = wanted is None or shot.pts in wanted
                image = shot.picture() if asked else None
                if asked and image is None:
                    self._bad.add(shot.pts)
                    damaged, lost = damaged + 1, lost + 1
                    continue
                seen.add(shot)
                damaged = 0
                yield shot.pts, None if image is None else self._frame(len(seen.pts) - 1, shot.pts, image)
                self._check_open()
        if not seen.pts:
            raise VideoDecodeError(f"Not one frame of {self.info.name} can be decoded.", "Convert it to H.264.")
        self.left_out_frames = lost if self.info.container == "images" else 0
        self._table = seen.table(self._source.time_base, self.info.header_fps)
        cut = self._source.ends_early() or damaged > _FEW_DAMAGED
        self.unreadable_after_s = self._table.end_s if cut else None

    def _frame(self, index: int, pts: int, image: Image) -> Frame:
        base = self._source.time_base
        return Frame(index, pts, (pts - self._start_pts) * base.numerator / base.denominator, image)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.info.name} is closed.")
