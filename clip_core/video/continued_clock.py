"""Files of joined recordings: their clock starts again at each join, and here it goes on, as in players."""

from __future__ import annotations

import itertools
import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from clip_core.types import Ints, Join

ONE_CLOCK = ("mov", "avi", "gif")
"""Containers, by FFmpeg's names, whose clock cannot start again: they tell how long each frame lasts."""
OFTEN_JOINED = ("mpegts", "mpeg")
"""Containers that are joined by copying one behind the other. In them, a huge step forward is a join as well."""
# A recording has at least so many packets; fewer with other times are damage.
_FEW = 8
# Decoding times only rise, but where FFmpeg has to guess the first ones.
_BACK_S, _BACK_WHERE_OFTEN_S = 1, 0.25
# Packets that belong together are hardly further apart.
_NEAR_S = 10
# A recorder without signal leaves a gap. Hours of nothing are a join, and so is a gap in a file that has other joins.
_FORWARD_S, _FORWARD_WHERE_JOINED_S = 3600, 10
# Reordered frames reach so many packets at most.
_REORDERED = 64
# The time stamps of MPEG-TS and -PS wrap around after so many ticks of 1/90000 s.
_WRAP = 2**33
_MOST_HELD = 2000
# MPEG-PS stamps few packets; until some have come after a seek, FFmpeg's times of the others are wrong.
_MPEG_PS_LEAD_S = 5

AnyStream = TypeVar("AnyStream", bound=Stream)


@dataclass
class PacketLog:
    """The raw times of the packets of a video stream, in file order; one that has no time is not noted.

    Attributes:
        dts, pts, duration: In the stream's time base; one of two missing times is replaced by the other, and a missing
            duration is 0.
        position: Where the packet begins in the file, in bytes; that of an earlier packet if it is not known.
    """

    dts: array[int] = field(default_factory=lambda: array("q"))
    pts: array[int] = field(default_factory=lambda: array("q"))
    duration: array[int] = field(default_factory=lambda: array("q"))
    position: array[int] = field(default_factory=lambda: array("q"))

    def add(self, packet: Packet[AnyStream]) -> None:
        """Note one more packet."""
        pts = packet.dts if packet.pts is None else packet.pts
        if pts is None:
            return
        last = self.position[-1] if self.position else 0
        self.pts.append(pts)
        self.dts.append(pts if packet.dts is None else packet.dts)
        self.duration.append(packet.duration or 0)
        self.position.append(last if packet.pos is None else packet.pos)

    def joins(self, time_base: Fraction, container: str, codec: str) -> tuple[Join, ...]:
        """Return where the clock starts again; nothing for a file of one recording.

        Args:
            time_base: Of the stream.
            container, codec: FFmpeg's names.
        """
        # MPEG-PS stamps few packets, and FFmpeg guesses when a frame is shown from those that follow.
        is_untold = container == "mpeg" and codec in ("mpeg1video", "mpeg2video")
        is_often, per_s = container in OFTEN_JOINED, float(1 / time_base)
        if len(self.dts) < 2:
            return ()
        log = _Unwrapped(np.array(self.dts, np.int64), np.array(self.pts, np.int64), per_s, _WRAP if is_often else 0)
        back_s, forward_s = (_BACK_WHERE_OFTEN_S, _FORWARD_S) if is_often else (_BACK_S, math.inf)
        starts = log.starts(back_s, forward_s)
        starts = log.starts(back_s, _FORWARD_WHERE_JOINED_S) if starts and is_often else starts
        found: list[Join] = []
        for begun, start, end in zip([0, *starts], starts, [*starts[1:], len(self.dts)], strict=False):
            shift, tail = found[-1].shift if found else 0, range(max(begun, start - _REORDERED), start)
            last = log.last_reference(tail) if is_untold else None
            pts = log.pts_near(start - 1, tail, without=last)
            step = self.duration[start - 1] or max(1, int(np.median(np.diff(pts))) if len(pts) > 1 else 1)
            start_pts = int(pts[-1]) + step * (1 if last is None else 2) + shift
            first = int(log.pts_near(start, range(start, min(start + _REORDERED, end)))[0])
            last_dts = start_pts if last is None else int(log.dts[last]) + shift
            place, earlier = self.position[start], self.position[start - 1]
            found.append(Join(place, earlier, start_pts, start_pts - first, last_dts))
        return tuple(found)


class _Unwrapped:
    """The times of a log, int64 (n,), as if time stamps did not wrap around; ``wrap`` is 0 if they do not."""

    def __init__(self, dts: Ints, pts: Ints, per_s: float, wrap: int) -> None:
        self._per_s = per_s
        self.dts = np.cumsum(np.concatenate([dts[:1], _nearest(np.diff(dts), wrap)]))
        self.pts = self.dts + _nearest(pts - dts, wrap)

    def starts(self, back_s: float, forward_s: float) -> list[int]:
        """Return the numbers of the packets that begin another recording: where the clock steps by more than this."""
        steps_s = np.diff(self.dts) / self._per_s
        starts: list[int] = []
        for start in (np.flatnonzero((steps_s < -back_s) | (steps_s > forward_s)) + 1).tolist():
            following = self.dts[start : start + _FEW]
            before = self.dts[max(0, start - _FEW) : start]
            # A few packets with stray times may lie between others of one recording.
            returns = self._going_on(before[-1], following[1:]) >= _FEW // 2
            returned = self._going_on(before[:-1], following[0]) > 0
            if len(following) == _FEW and not returns and not returned:
                starts.append(start)
        return starts

    def _going_on(self, earlier: Ints, later: Ints) -> int:
        """Return how many pairs of packets follow each other within some seconds."""
        since_s = (later - earlier) / self._per_s
        return int(np.count_nonzero((since_s >= 0) & (since_s < _NEAR_S)))

    def pts_near(self, number: int, numbers: range, without: int | None = None) -> Ints:
        """Return the pts of some packets, rising, without those that are decoded at quite another time than one."""
        near = [k for k in numbers if abs(self.dts[k] - self.dts[number]) < _NEAR_S * self._per_s]
        return np.sort(self.pts[[k for k in near if k != without or len(near) == 1]])

    def last_reference(self, numbers: range) -> int | None:
        """Return the number of the last packet that other frames build on, which is shown last; None if none waits."""
        return next((k for k in reversed(numbers) if self.pts[k] > self.dts[k]), None)


def _nearest(steps: Ints, wrap: int) -> Ints:
    """Return the smallest steps, by amount, that are the same but for whole wraps."""
    return steps if not wrap else (steps + wrap // 2) % wrap - wrap // 2


class ContinuedClock:
    """Maps the times of packets to a clock that goes on at the joins.

    Args:
        joins: At least one.
        time_base: In which they count: that of the video stream.
        container: FFmpeg's name.
        start_pts: The pts of the first frame.
        ends: The pts of the last frame and the size of the file in bytes, for seeking within the last recording.

    Attributes:
        last_position: Where the first packet of the last recording begins, in bytes.
    """

    def __init__(
        self, joins: tuple[Join, ...], time_base: Fraction, container: str, start_pts: int, ends: tuple[int, int]
    ) -> None:
        self._wrap, self._is_mpeg_ps = _WRAP if container in OFTEN_JOINED else 0, container == "mpeg"
        self._joins, self.time_base = joins, time_base
        self._ended = {join.last_dts: join.start_pts for join in joins if join.last_dts < join.start_pts}
        self.last_position = joins[-1].position
        self._positions = [join.position for join in joins]
        self._shifts = [0, *(join.shift for join in joins)]
        self._pts = [start_pts, *(join.start_pts for join in joins), ends[0]]
        self._places = [0, *self._positions, ends[1]]
        self._units: dict[int, tuple[list[int], list[int]]] = {}
        self._middles = [(begin + end) // 2 for begin, end in itertools.pairwise(self._pts)]

    def is_join_between(self, pts: int | None, later: int | None) -> bool:
        """Return whether another recording begins after ``pts`` and at or before ``later``; False if one is None."""
        if pts is None or later is None:
            return False
        return self._number_at(pts) < self._number_at(later)

    def _number_at(self, pts: int) -> int:
        return bisect_right(self._pts, pts, 1, len(self._joins) + 1) - 1

    def seek(self, container: InputContainer, pts: int) -> bool:
        """Go to about a place before a time; return False if the file can only be read from its start.

        Raises:
            FFmpegError: It failed, and the position is unknown.
        """
        if container.format.name not in OFTEN_JOINED:
            return False
        lead_s = _MPEG_PS_LEAD_S if container.format.name == "mpeg" else 0
        there = np.interp(pts - round(lead_s / self.time_base), self._pts, self._places)
        container.seek(int(there), unsupported_byte_offset=True)
        return True

    def continued(
        self, packets: Iterable[Packet[AnyStream]], target_pts: int | None = None
    ) -> Iterator[Packet[AnyStream]]:
        """Yield packets of one stream or several, read from any place on, with continued times.

        Args:
            packets: As they come from the file.
            target_pts: If given, the packets are those of the pictures, and what comes before the last keyframe that is
                shown at or before it is left out.
        """
        continued = self._continued(packets)
        return continued if target_pts is None else _from_keyframe(continued, target_pts)

    def _continued(self, packets: Iterable[Packet[AnyStream]]) -> Iterator[Packet[AnyStream]]:
        positions: dict[int, int] = {}
        numbers: dict[int, int] = {}
        begun = 0
        for packet in packets:
            stream = packet.stream.index
            if not packet.size:
                yield packet
                continue
            if packet.pos is not None:
                positions[stream] = packet.pos
            if stream not in positions:  # after a seek: its recording is not known
                continue
            number = numbers[stream] = max(numbers.get(stream, 0), self._recording(packet, positions[stream]))
            if self._is_mpeg_ps and number > begun and packet.stream.type == "video":
                if not packet.is_keyframe:  # cut off at the join: it cannot be decoded, and its time is a guess
                    continue
                begun = number
            packet.pts = self._shifted(packet.pts, packet, number)
            packet.dts = self._shifted(packet.dts, packet, number)
            if packet.dts in self._ended and packet.stream.type == "video":
                packet.pts = self._ended[packet.dts] - (packet.duration or 1)
            yield packet

    def _shifted(self, stamp: int | None, packet: Packet[AnyStream], number: int) -> int | None:
        """Return a raw time of a packet on the continued clock, if it is of the recording of this number."""
        if stamp is None:
            return None
        shifts, middles = self._in_units_of(packet)
        if not self._wrap:
            return stamp + shifts[number]
        least = middles[number] - self._wrap // 2  # FFmpeg unwraps some of the times itself
        return least + (stamp + shifts[number] - least) % self._wrap

    def _in_units_of(self, packet: Packet[AnyStream]) -> tuple[list[int], list[int]]:
        """Return the shifts and the middles of the recordings in units of a packet's stream."""
        found = self._units.get(packet.stream.index)
        if found is None:
            scale = self.time_base / packet.time_base
            shifts, middles = ([round(value * scale) for value in values] for values in (self._shifts, self._middles))
            found = self._units[packet.stream.index] = shifts, middles
        return found

    def _recording(self, packet: Packet[AnyStream], position: int) -> int:
        """Return the number of the recording of a packet: by its place, and by its time where places leave it open."""
        number = bisect_right(self._positions, position)
        stamp = packet.pts if packet.dts is None else packet.dts  # before a join, FFmpeg may guess a pts wrongly
        if stamp is None or number == len(self._joins) or position < self._joins[number].earlier:
            return number
        start = self._joins[number].start_pts * (self.time_base / packet.time_base)
        off, off_after = (abs((self._shifted(stamp, packet, k) or 0) - start) for k in (number, number + 1))
        return number + (off_after < off)


def _from_keyframe(packets: Iterator[Packet[AnyStream]], pts: int) -> Iterator[Packet[AnyStream]]:
    held: list[Packet[AnyStream]] = []
    for packet in packets:
        if packet.is_keyframe and packet.pts is not None and packet.pts <= pts:
            held = []
        held.append(packet)
        if (packet.dts is not None and packet.dts > pts) or len(held) > _MOST_HELD:
            break
    yield from held
    yield from packets
