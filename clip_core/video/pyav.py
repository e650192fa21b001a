"""Videos read with PyAV: exact frames by presentation time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Self

import numpy as np

from clip_core.errors import VideoDecodeError
from clip_core.types import Frame, Times, TimeTable
from clip_core.video.base import VideoInfo, frame_number
from clip_core.video.decoding import Decoded, Decoder, PictureMaker
from clip_core.video.framing import is_cut_short
from clip_core.video.seeking import FrameFinder, decode_keyframes
from clip_core.video.tables import SeenFrames, claimed_table

# Headers round, and some count the time before the first frame.
_SLACK_S = 1.0


class PyAVVideo:
    """An open video; see ``Video``. Each pass over the file has a decoder of its own.

    Args:
        info: What the container says.
        decoder: A decoder that has just given ``first``; the video closes it.
        first: The first frame that decodes, which is time zero.
        table: A confirmed table of this very file; one in other units, or that begins elsewhere, is not believed.
    """

    def __init__(self, info: VideoInfo, decoder: Decoder, first: Decoded, table: TimeTable | None = None) -> None:
        if decoder.stream.time_base is None:
            raise VideoDecodeError(f"{info.name} has no time base.", "Convert it to MP4.")
        self.info = info
        self.unreadable_after_s: float | None = None
        self.left_out_frames = 0
        self._time_base = decoder.stream.time_base
        self._start_pts = first.pts
        here = (first.pts, self._time_base)
        believed = table is not None and table.confirmed and (table.start_pts, table.time_base) == here
        self._table = table if believed else None
        self._pictures = PictureMaker(decoder.stream.sample_aspect_ratio)
        self._finder = FrameFinder(decoder, first.pts)
        self._shown: Frame | None = None
        self._open_decoders: set[Decoder] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"PyAVVideo({self.info.name}, {self.info.width}x{self.info.height}, {self.info.codec})"

    @property
    def table(self) -> TimeTable:
        """When each frame is presented: read from the packets at first, then seen."""
        if self._table is None:
            with self._decoding() as decoder:
                self._table = claimed_table(decoder, self._time_base, self._start_pts, self.info.header_fps)
        return self._table or self._confirm()

    @property
    def times_s(self) -> Times:
        """float64 (n,): presentation times in seconds from the first frame, rising."""
        return self.table.times_s

    def frames(self, wanted_pts: Sequence[int] | None = None) -> Iterator[Frame]:
        """Decode from the first frame to the last, in order; see ``Video.frames``."""
        wanted = None if wanted_pts is None else {int(pts) for pts in wanted_pts}
        known = self._table is not None and self._table.confirmed
        last = max(wanted, default=self._start_pts) if wanted is not None and known else None
        with closing(self._pass()) as frames:
            for index, decoded in frames:
                if wanted is None or decoded.pts in wanted:
                    yield self._frame(index, decoded)
                if last is not None and decoded.pts >= last:
                    return

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them; see ``Video.keyframes``."""
        with self._decoding() as decoder:
            for decoded in decode_keyframes(decoder, pts):
                yield self._frame(int(np.searchsorted(self.table.pts, decoded.pts)), decoded)

    def frame_at(self, *, time_s: float | None = None, index: int | None = None) -> Frame:
        """Return one frame, exactly; see ``Video.frame_at``."""
        self._check_open()
        number = frame_number(self, time_s, index)
        pts = int(self.table.pts[number])
        if self._shown is not None and (self._shown.pts, self._shown.index) == (pts, number):
            return self._shown
        decoded = self._finder.find(pts, self.table)
        if decoded is None and not self.table.confirmed:
            self._confirm()  # the packets claimed a frame that never comes, so their numbers are wrong too
            return self.frame_at(time_s=time_s, index=index)
        if decoded is None:
            raise VideoDecodeError(
                f"Frame {number} of {self.info.name} cannot be decoded.", "Choose another place in the video."
            )
        self._shown = self._frame(number, decoded)
        return self._shown

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._closed = True
        self._shown = None
        self._finder.close()
        for decoder in self._open_decoders:
            decoder.close()
        self._open_decoders.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _confirm(self) -> TimeTable:
        """Decode once from start to end without making pictures; return the confirmed table."""
        for _ in self._pass():
            pass
        return self.table

    def _pass(self) -> Generator[tuple[int, Decoded], None, None]:
        """Decode all frames in order, with their numbers; at the end, take over what was seen."""
        seen = SeenFrames()
        with self._decoding() as decoder:
            for decoded in decoder.frames():
                seen.add(decoded)
                yield len(seen.pts) - 1, decoded
                self._check_open()
            if not seen.pts:
                raise VideoDecodeError(f"Not one frame of {self.info.name} can be decoded.", "Convert it to H.264.")
            self.left_out_frames = decoder.left_out
            self._table = seen.table(self._time_base, self.info.header_fps)
            self.unreadable_after_s = self._table.end_s if self._ends_early(decoder, seen.pts[-1]) else None

    def _ends_early(self, decoder: Decoder, last_pts: int) -> bool:
        """Return whether more than one frame, or a second, was promised after the last that came."""
        if is_cut_short(self.info.path, self.info.container):
            return True
        end_s = float(self._start_pts * self._time_base) + self.table.end_s
        if decoder.promised_end_s is not None and decoder.promised_end_s > end_s + _SLACK_S:
            return True
        promised = np.array(decoder.packet_pts, dtype=np.int64)
        return int(np.count_nonzero(promised > last_pts)) > 1

    def _frame(self, index: int, decoded: Decoded) -> Frame:
        base = self._time_base
        time_s = (decoded.pts - self._start_pts) * base.numerator / base.denominator
        return Frame(index, decoded.pts, time_s, self._pictures.rgb(decoded))

    @contextmanager
    def _decoding(self) -> Iterator[Decoder]:
        """Lend a fresh decoder at the start of the file."""
        self._check_open()
        decoder = Decoder(self.info.path)
        self._open_decoders.add(decoder)
        try:
            yield decoder
        finally:
            decoder.close()
            self._open_decoders.discard(decoder)

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.info.name} is closed.")
