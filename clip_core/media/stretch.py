"""Which packets of a file make a stretch that stands alone: from a keyframe on, and no hole in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from clip_core.errors import ExportError
from clip_core.text import clock
from clip_core.values import Ints, TimeTable

EXACT_INSTEAD = "Cut it exactly instead."

# Sound may lie behind the pictures that it belongs to, but hardly further than this.
_BEHIND_S = 10
# A seek may land after its target, and the sound that belongs to a keyframe may lie before it.
_STEPS_BACK_S = (1, 4, 16, 10**6)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is copied.

    Attributes:
        first: The number of the keyframe that it begins with.
        pts: int64 (n,), of the frames of the video from there to its end, rising.
        last_pts: Of the last frame that must be in it. A few behind it come along where frames are reordered.
        end_s: Where its sound ends, on the file's own clock.
    """

    first: int
    pts: Ints
    last_pts: int
    end_s: float

    @property
    def key_pts(self) -> int:
        """Of the keyframe that it begins with."""
        return int(self.pts[0])


def stretch_of(table: TimeTable, first: int, stop: int, end_s: float) -> Stretch:
    """Say what is to be copied for the frames numbered [first, stop), of which the last ends at ``end_s``.

    Raises:
        ExportError: No keyframe that is shown lies at or before the first.
    """
    place = int(table.key_pts.searchsorted(table.pts[first], side="right")) - 1
    if place < 0:
        when = clock(float(table.times_s[first]))
        raise ExportError(f"No keyframe lies at or before {when}, so it cannot be copied from there.", EXACT_INSTEAD)
    begin = int(table.pts.searchsorted(table.key_pts[place]))
    own_end_s = end_s + float(table.start_pts * table.time_base)
    return Stretch(begin, table.pts[begin:], int(table.pts[stop - 1]), own_end_s)


def packets_of(
    container: InputContainer, pictures: VideoStream, sound: AudioStream | None, stretch: Stretch
) -> Iterator[Packet[Stream]]:
    """Yield the packets to copy in the order of the file.

    Args:
        container: Open, and nobody else's.
        pictures, sound: Streams of it.
        stretch: What is to be copied.

    Raises:
        ExportError: The file cannot be read there, or does not tell when its pictures are shown.
    """
    count = _Counted(stretch)
    zero_s, heard = stretch.key_pts * Fraction(pictures.time_base or 1), sound is None
    too_late_s = stretch.end_s + _BEHIND_S
    for packet in _from_key(container, pictures, sound, stretch.key_pts):
        if packet.stream.index == pictures.index:
            if packet.dts is not None and packet.dts * packet.time_base > too_late_s:
                return
            if not count.whole and not packet.is_discard and count.takes(packet.pts):
                yield packet
        elif packet.pts is not None:
            time_s = packet.pts * packet.time_base
            heard = heard or time_s >= stretch.end_s
            if not heard and time_s >= zero_s:
                yield packet
        if count.whole and heard:
            return


class _Counted:
    """Counts the frames taken, until the last is there and all that are shown before it are, too."""

    def __init__(self, stretch: Stretch) -> None:
        self._pts, self._last, self._key = stretch.pts, stretch.last_pts, stretch.key_pts
        self._taken, self._highest = 0, -1
        self.whole = False

    def takes(self, pts: int | None) -> bool:
        """Whether a packet belongs to the stretch. Pictures that are shown before the keyframe need what is gone."""
        if pts is None:
            raise ExportError("The file does not tell when its pictures are shown.", EXACT_INSTEAD)
        if pts < self._key:
            return False
        place = int(self._pts.searchsorted(pts))
        if place < len(self._pts) and self._pts[place] == pts:
            self._taken, self._highest = self._taken + 1, max(self._highest, place)
            self.whole = self._taken == self._highest + 1 and self._pts[self._highest] >= self._last
        return True


def _from_key(
    container: InputContainer, pictures: VideoStream, sound: AudioStream | None, key_pts: int
) -> Iterator[Packet[Stream]]:
    """Yield packets from a keyframe on, and before it the sound that lies shortly before it in the file."""
    base = Fraction(pictures.time_base or 1)
    streams = [stream for stream in (pictures, sound) if stream is not None]
    for back_s in _STEPS_BACK_S:
        try:  # AVI cannot go to before its beginning
            container.seek(max(key_pts - round(back_s / base), pictures.start_time or 0), stream=pictures)
        except av.error.FFmpegError:
            continue
        packets, before = _read(container, streams), []
        for packet in packets:
            if packet.stream.index != pictures.index:
                before.append(packet)
            elif packet.pts == key_pts and packet.is_keyframe:
                yield from before
                yield packet
                yield from packets
                return
            elif packet.dts is not None and packet.dts > key_pts:
                break
    raise ExportError("The keyframe before its beginning is not found again.", EXACT_INSTEAD)


def _read(container: InputContainer, streams: Iterable[VideoStream | AudioStream]) -> Iterator[Packet[Stream]]:
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except av.error.FFmpegError as error:
        raise ExportError("The file is damaged there.", EXACT_INSTEAD) from error
