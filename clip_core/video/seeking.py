"""Finding frames exactly by their presentation times: any one, or keyframes alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from av.packet import Packet
from av.video.stream import VideoStream

from clip_core.types import TimeTable
from clip_core.video.decoding import Decoded, Decoder

# Decoding this many frames more is cheaper than a seek, even when a keyframe lies between.
_WALK_FRAMES = 8
# A seek may land after its target; further back than this a keyframe alone is not worth the reading.
_STEPS_BACK_S = (0, 1, 3, 7)


class FrameFinder:
    """Seeks to frames, and walks on without a seek when the next ones are asked for in a row.

    A seek can land after the frame, or before it on pictures whose references are missing. So a
    frame counts only if a keyframe came out of the decoder at or before it; else the seek starts
    1 s, 3 s, 7 s … earlier, at last at the very start of the file.
    """

    def __init__(self, decoder: Decoder, start_pts: int) -> None:
        self._decoder = decoder
        self._start_pts = start_pts
        self._run: Iterator[Decoded] | None = None
        self._last: Decoded | None = None
        self._trusted = False
        self.seeks = 0

    def find(self, pts: int, table: TimeTable) -> Decoded | None:
        """Return the frame of exactly this time; None if it does not come out of the decoder."""
        if self._trusted and self._last is not None and self._last.pts == pts:
            return self._last
        if self._may_walk(pts, table) and (frame := self._walk(pts)):
            return frame
        back_s = 0.0
        while True:
            at_start = self._jump(pts - round(back_s / float(table.time_base)))
            frame = self._walk(pts)
            if frame is not None or at_start:
                return frame
            back_s = 2 * back_s + 1

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._run = self._last = None
        self._decoder.close()

    def _may_walk(self, pts: int, table: TimeTable) -> bool:
        if self._run is None or self._last is None or not self._trusted or self._last.pts >= pts:
            return False
        here, there = table.pts.searchsorted([self._last.pts, pts])
        keys_here, keys_there = table.key_pts.searchsorted([self._last.pts, pts], side="right")
        return bool(there - here <= _WALK_FRAMES or keys_here == keys_there)

    def _jump(self, pts: int) -> bool:
        """Start decoding at about ``pts``; return whether that is the very start of the file."""
        self.seeks += 1
        at_start = pts <= self._start_pts or self._decoder.lacks_pts
        if at_start:
            self._decoder.restart()
        else:
            self._decoder.seek(pts)
        self._run, self._last, self._trusted = self._decoder.frames(), None, at_start
        return at_start

    def _walk(self, pts: int) -> Decoded | None:
        """Decode on until ``pts`` has come or has been passed."""
        if self._run is None:
            return None
        for frame in self._run:
            self._trusted = self._trusted or frame.is_key
            self._last = frame
            if frame.pts >= pts:
                return frame if frame.pts == pts and self._trusted else None
        self._run = None
        return None


def decode_keyframes(decoder: Decoder, pts: Sequence[int]) -> Iterator[Decoded]:
    """Yield the keyframes at these times; one that cannot be decoded exactly is left out.

    Args:
        decoder: A decoder that nobody else uses.
        pts: Presentation times of keyframes in the stream's time base, rising.
    """
    for wanted in () if decoder.lacks_pts else pts:
        packet = _key_packet(decoder, int(wanted))
        if packet is None:
            continue
        for raw in decoder.decode_alone(packet):
            if raw.pts in (wanted, None) and raw.key_frame and not raw.is_corrupt:
                yield Decoded(int(wanted), raw.duration or 0, True, raw)
                break


def _key_packet(decoder: Decoder, pts: int) -> Packet[VideoStream] | None:
    time_base = decoder.stream.time_base
    for back_s in _STEPS_BACK_S:
        decoder.seek(pts - round(back_s / time_base) if time_base else pts)
        for packet in decoder.packets():
            if packet.pts == pts and packet.is_keyframe:
                return packet
            if packet.dts is not None and packet.dts > pts:
                break
    return None
