"""Videos read with PyAV: exact frames by presentation time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from clip_core.errors import VideoDecodeError
from clip_core.types import Frame, Image, Ints, TimeTable
from clip_core.video.base import SeenFrames, Video, VideoInfo, check_limits
from clip_core.video.container_bytes import is_cut_short
from clip_core.video.continued_clock import OFTEN_JOINED, ONE_CLOCK, ContinuedClock, PacketLog
from clip_core.video.decoding import Decoded, Decoder, PictureMaker

# Headers round, and some count the time before the first frame.
_SLACK_S = 1.0
# A rest of the file that would hold so much more of the video is another recording in streams of its own, or damage.
_REST_S = 2
# Decoding this many frames more is cheaper than a seek, even when a keyframe lies between.
_WALK_FRAMES = 8
# Seeks that have cost so many frames more than walking on would have are given up.
_MOST_WASTED_FRAMES = 100
# A seek may land after its target; further back than this a keyframe alone is not worth the reading.
_STEPS_BACK_S = (0, 1, 3, 7)


class PyAVVideo(Video):
    """An open video; see ``Video``. Each pass over the file has a decoder of its own.

    Args:
        info: What the container says.
        decoder: A decoder that nobody else uses; the video closes it.
        first: The first frame that decodes, which is time zero.
        pictures: Makes pictures of this video.
        table: See ``Video``.
    """

    def __init__(
        self, info: VideoInfo, decoder: Decoder, first: Decoded, pictures: PictureMaker, table: TimeTable | None = None
    ) -> None:
        if decoder.stream.time_base is None:
            raise VideoDecodeError(f"{info.name} has no time base.", "Convert it to MP4.")
        super().__init__(info, decoder.stream.time_base, first.pts, table, decoder.watched)
        self._leaves_rest = False
        self._knows_joins = self._table is not None or info.container in ONE_CLOCK
        self._pictures = pictures
        self._decoder, self._finder = decoder, FrameFinder(decoder, first.pts)
        self._open_decoders: set[Decoder] = set()

    @property
    def reading(self) -> str:
        """See ``Video.reading``; of the containers that are often joined, the packets are read if need be."""
        if not self._knows_joins and self.info.container in OFTEN_JOINED:
            self._table = self._claimed_table()
        return super().reading

    @property
    def clock(self) -> ContinuedClock | None:
        """See ``Video.clock``; None as long as the packets have not been read."""
        if not self._joins:
            return None
        last_pts = self._joins[-1].start_pts if self._table is None else int(self._table.pts[-1])
        return ContinuedClock(
            self._joins, self._time_base, self.info.container, self._start_pts, (last_pts, self.info.size_bytes)
        )

    def keyframes(self, pts: Sequence[int]) -> Iterator[Frame]:
        """Decode single keyframes, without what lies between them; see ``Video.keyframes``."""
        with self._decoding() as decoder:
            for decoded in _decode_keyframes(decoder, pts):
                number = int(np.searchsorted(self.table.pts, decoded.pts))
                yield self._frame(number, decoded.pts, self._pictures.rgb(decoded))

    def frames_at(self, pts: Sequence[int]) -> Iterator[Frame]:
        """See ``Video.frames_at``."""
        table = self.table
        with self._decoding() as decoder:
            finder = FrameFinder(decoder, self._start_pts)
            for decoded in finder.find_all(np.unique(np.asarray(pts, np.int64)), table):
                number = int(np.searchsorted(table.pts, decoded.pts))
                yield self._frame(number, decoded.pts, self._pictures.rgb(decoded))
                self._check_open()

    @property
    def has_parts(self) -> bool:
        """See ``Video.has_parts``. Joined recordings and files that claim a time twice are decoded as a whole."""
        is_plain = bool(len(self.table)) and not self._joins and not self._claims_twice
        return is_plain and not self._decoder.lacks_pts

    def part(self, wanted_pts: Sequence[int], first_pts: int, end_pts: int | None, seen: SeenFrames) -> Iterator[Frame]:
        """See ``Video.part``."""
        wanted, table = {int(pts) for pts in wanted_pts}, self.table
        with self._decoding() as decoder:
            for decoded in FrameFinder(decoder, self._start_pts).find_on(first_pts, table):
                if end_pts is not None and decoded.pts >= end_pts:
                    return
                seen.add(decoded.pts, decoded.duration, is_key=decoded.is_key)
                if decoded.pts in wanted:
                    number = int(np.searchsorted(table.pts, decoded.pts))
                    yield self._frame(number, decoded.pts, self._pictures.rgb(decoded))
                self._check_open()
            if seen.pts and end_pts is None:
                end_s = seen.table(self._time_base, self._start_pts, self.info.header_fps, confirmed=False).end_s
                self.unreadable_after_s = end_s if self._ends_early(decoder, max(seen.pts), end_s) else None
            self.left_out_frames = decoder.left_out

    def renew(self) -> bool:
        """See ``Video``."""
        self._joins, self._knows_joins = (), self.info.container in ONE_CLOCK
        return super().renew()

    def close(self) -> None:
        """Release the file; may be called twice."""
        super().close()
        self._finder.close()
        for decoder in self._open_decoders:
            decoder.close()
        self._open_decoders.clear()

    def _claimed_table(self) -> TimeTable | None:
        """Return the table that the packets claim, or None if packets do not tell their times.

        Packets before the first frame and those that an edit list leaves out show no frame of their own.
        """
        knew_joins = self._knows_joins
        claim = self._scan()
        if self._joins and not knew_joins:
            claim = self._scan()
        if claim is not None and self.info.header_duration_s is None:
            check_limits(self.info.name, self.info.width, self.info.height, claim.end_s)
        return claim

    def _scan(self) -> TimeTable | None:
        """Read the packets; see ``_claimed_table``. The first time, find out where recordings were joined."""
        seen, log, is_told = SeenFrames(), None if self._knows_joins else PacketLog(), True
        with self._decoding() as decoder:
            if decoder.lacks_pts:
                return None
            for packet in decoder.packets():
                if log is not None:
                    log.add(packet)
                if packet.is_discard:
                    continue
                if packet.pts is None:
                    is_told = False
                    if log is None:
                        break
                elif packet.pts >= self._start_pts:
                    seen.add(packet.pts, packet.duration or 0, is_key=packet.is_keyframe)
        if log is not None:
            self._knows_joins, self._joins = True, log.joins(self._time_base, self.info.container, self.info.codec)
            read, whole = log.position[-1] if log.position else 0, self.info.size_bytes
            lasts_s = (max(seen.pts, default=0) - self._start_pts) * self._time_base
            has_others = decoder.failures > 0 or len(decoder.video_streams) > 1
            self._leaves_rest = has_others and (whole - read) * lasts_s > _REST_S * read
        if not seen.pts or not is_told:
            return None
        table = seen.table(self._time_base, self._start_pts, self.info.header_fps, confirmed=False, joins=self._joins)
        self._claims_twice = len(table) < len(seen.pts)
        return table

    def _picture_at(self, pts: int) -> Image | None:
        self._decoder.clock = self.clock
        decoded = self._finder.find(pts, self.table)
        return None if decoded is None else self._pictures.rgb(decoded)

    def _pass(self, wanted: set[int] | None) -> Generator[tuple[int, Frame | None], None, None]:
        seen = SeenFrames()
        if not self._knows_joins:
            self._table = self._claimed_table()
        with self._decoding() as decoder:
            for decoded in decoder.frames():
                seen.add(decoded.pts, decoded.duration, is_key=decoded.is_key)
                image = self._pictures.rgb(decoded) if wanted is None or decoded.pts in wanted else None
                yield decoded.pts, None if image is None else self._frame(len(seen.pts) - 1, decoded.pts, image)
                self._check_open()
            table = self._take_over(seen)
            self.left_out_frames = decoder.left_out
            self.unreadable_after_s = table.end_s if self._ends_early(decoder, seen.pts[-1], table.end_s) else None

    def _ends_early(self, decoder: Decoder, last_pts: int, last_ends_s: float) -> bool:
        """Return whether more than one frame, or a second, was promised after the last that came."""
        clock = self.clock
        if is_cut_short(self.info.path, self.info.container, clock.last_position if clock else 0):
            return True
        if self._leaves_rest:
            return True
        end_s = float(self._start_pts * self._time_base) + last_ends_s
        if decoder.promised_end_s is not None and decoder.promised_end_s > end_s + _SLACK_S:
            return True
        promised = np.array(decoder.packet_pts, dtype=np.int64)
        return int(np.count_nonzero(promised > last_pts)) > 1

    @contextmanager
    def _decoding(self) -> Iterator[Decoder]:
        """Lend a fresh decoder at the start of the file."""
        self._check_open()
        decoder = Decoder(self.info.path, self.watched, self.clock)
        self._open_decoders.add(decoder)
        try:
            yield decoder
        finally:
            decoder.close()
            self._open_decoders.discard(decoder)


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
        self._decoded = 0

    def find_all(self, wanted: Ints, table: TimeTable) -> Iterator[Decoded]:
        """Yield the frames of these times, int64 rising; one that does not come out of the decoder is left out.

        Where seeks cost more than they save (they land far away, or only at the start), there are no more of them.
        """
        saved, at = 0, -1
        for pts, number in zip(wanted.tolist(), table.number_of(wanted).tolist(), strict=True):
            before = self._decoded
            walks_on = saved < -_MOST_WASTED_FRAMES or not self._decoder.can_seek
            frame = (self._walk(pts) if walks_on and self._is_before(pts) else None) or self.find(pts, table)
            saved, at = saved + (number - at) - (self._decoded - before), number
            if frame is not None:
                yield frame

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

    def find_on(self, pts: int, table: TimeTable) -> Iterator[Decoded]:
        """Yield the frame of this time and all after it; those after it if it does not come out of the decoder."""
        self.find(pts, table)
        if self._run is not None and self._last is not None and self._last.pts >= pts:
            yield self._last
        yield from self._run or ()

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._run = self._last = None
        self._decoder.close()

    def _may_walk(self, pts: int, table: TimeTable) -> bool:
        if self._last is None or not self._is_before(pts):
            return False
        keys = table.key_pts[: int(np.searchsorted(table.key_pts, pts, side="right"))]
        seek_pts = int(keys[-1]) if len(keys) else self._start_pts
        here, there = table.pts.searchsorted([self._last.pts, seek_pts])
        return bool(there - here <= _WALK_FRAMES)

    def _is_before(self, pts: int) -> bool:
        """Return whether decoding on leads to ``pts``, by frames that can be relied on."""
        return self._run is not None and self._last is not None and self._trusted and self._last.pts < pts

    def _jump(self, pts: int) -> bool:
        """Start decoding at about ``pts``; return whether that is the very start of the file."""
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
            self._decoded += 1
            self._trusted = self._trusted or frame.is_key
            self._last = frame
            if frame.pts >= pts:
                return frame if frame.pts == pts and self._trusted else None
        self._run = None
        return None


def _decode_keyframes(decoder: Decoder, pts: Sequence[int]) -> Iterator[Decoded]:
    """Yield the keyframes at these times; one that cannot be decoded exactly is left out.

    Args:
        decoder: A decoder that nobody else uses.
        pts: Presentation times of keyframes in the stream's time base, rising.
    """
    if decoder.stream.codec_context.pix_fmt == "pal8":  # a palette may come with the first packet only
        for packet in islice(decoder.packets(), 1):
            decoder.decode_alone(packet)
    for wanted, packet in _key_packets(decoder, pts):
        for raw in decoder.decode_alone(packet):
            if raw.pts in (wanted, None) and (raw.key_frame or packet.is_keyframe) and not raw.is_corrupt:
                yield Decoded(wanted, raw.duration or 0, True, raw)
                break


def _key_packets(decoder: Decoder, pts: Sequence[int]) -> Iterator[tuple[int, Packet[VideoStream]]]:
    if decoder.lacks_pts:
        return
    if decoder.clock is not None and decoder.container_name not in OFTEN_JOINED:  # each seek would begin at the start
        wanted = {int(stamp) for stamp in pts}
        yield from ((packet.pts, packet) for packet in decoder.packets() if packet.is_keyframe and packet.pts in wanted)
        return
    for stamp in pts:
        packet = _key_packet(decoder, int(stamp))
        if packet is not None:
            yield int(stamp), packet


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
