"""Copy a part of a video without decoding it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from clip_core.errors import ExportError
from clip_core.files import whole_file
from clip_core.media.mp4_file import guarded
from clip_core.text import clock
from clip_core.types import Ints, TimeTable

EXACT_INSTEAD = "Cut it exactly instead."

# Sound may come later in the file than its pictures, but hardly by more than this.
_BEHIND_S = 10
# A seek may land after its target, and the sound of a keyframe may come before it in the file: seek earlier each time.
_STEPS_BACK_S = (1, 4, 16, 10**6)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a video to copy.

    Attributes:
        first: Number of the keyframe that it begins with.
        pts: int64 (n,), pts of the frames from there to the end of the video, rising.
        last_pts: pts of the last frame that must be copied. If frames are reordered, a few later ones are copied too.
        end_s: Where its sound ends, in seconds on the file's own clock.
    """

    first: int
    pts: Ints
    last_pts: int
    end_s: float

    @property
    def key_pts(self) -> int:
        """The pts of the keyframe that it begins with."""
        return int(self.pts[0])


def stretch_of(table: TimeTable, first: int, stop: int, end_s: float) -> Stretch:
    """Return what to copy for the frames numbered [first, stop), the last of which ends at ``end_s``.

    Raises:
        ExportError: There is no displayed keyframe at or before the first frame.
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
        container: Open, and used by nobody else.
        pictures, sound: Streams of the container.
        stretch: The part to copy.

    Raises:
        ExportError: The file cannot be read there, or has no presentation times.
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
    """Counts the frames taken until the last one and all that are presented before it are there."""

    def __init__(self, stretch: Stretch) -> None:
        self._pts, self._last, self._key = stretch.pts, stretch.last_pts, stretch.key_pts
        self._taken, self._highest = 0, -1
        self.whole = False

    def takes(self, pts: int | None) -> bool:
        """Return whether to copy a packet. Frames presented before the keyframe refer to data that is not copied."""
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
    """Yield packets from a keyframe on, preceded by sound packets that come shortly before it in the file."""
    base = Fraction(pictures.time_base or 1)
    streams = [stream for stream in (pictures, sound) if stream is not None]
    for back_s in _STEPS_BACK_S:
        try:  # AVI cannot seek to before its start
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


_MP4_PICTURES = ("h264", "hevc", "av1", "vp9", "mpeg4")
_MP4_SOUNDS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
_MOST_HELD = 256


def container_for(pictures: VideoStream, sound: AudioStream | None) -> str:
    """Return "mp4" if MP4 can hold these codecs, else "mkv"."""
    fits = _codec_of(pictures) in _MP4_PICTURES and (sound is None or _codec_of(sound) in _MP4_SOUNDS)
    return "mp4" if fits else "mkv"


_writing = partial(guarded, (OSError, ValueError, av.error.FFmpegError))


def copy_packets(
    container: InputContainer,
    pictures: VideoStream,
    sound: AudioStream | None,
    stretch: Stretch,
    target: Path,
    check: Callable[[Path], None],
) -> Generator[float, None, None]:
    """Copy a part of a video to a file. Closing the iterator cancels and leaves no file.

    Args:
        container: Open, and used by nobody else. The caller closes it.
        pictures, sound: Streams of the container.
        stretch: The part to copy; its keyframe is presented at 0.
        target: Path of the copy; ".mp4" or ".mkv".
        check: Called with the complete copy before it is moved to ``target``; its exceptions propagate.

    Yields:
        The seconds copied so far, after each packet.

    Raises:
        ExportError: The copy cannot be written, or the file cannot be read there.
    """
    kind = "mp4" if target.suffix == ".mp4" else "matroska"
    av.logging.set_level(None)
    with guarded(), whole_file(target) as part:
        with _writing():
            out = av.open(str(part.absolute()), "w", format=kind)
        try:
            yield from _mux(packets_of(container, pictures, sound, stretch), pictures, sound, stretch, out)
            with _writing():
                out.close()
        finally:
            with suppress(OSError, av.error.FFmpegError):
                out.close()
        check(part)


def _mux(
    packets: Iterator[Packet[Stream]],
    pictures: VideoStream,
    sound: AudioStream | None,
    stretch: Stretch,
    out: OutputContainer,
) -> Iterator[float]:
    zero_s = stretch.key_pts * Fraction(pictures.time_base or 1)
    with _writing():
        made = {stream.index: _like(stream, out) for stream in (pictures, sound) if stream is not None}
    done_s = 0.0
    for packet in _with_dts(packets, pictures, stretch):
        zero = round(zero_s / packet.time_base)
        packet.pts, packet.dts = _less(packet.pts, zero), _less(packet.dts, zero)
        if packet.pts is not None:
            done_s = max(done_s, float(packet.pts * packet.time_base))
        packet.stream = made[packet.stream.index]
        with _writing():
            out.mux_one(packet)
        yield done_s


def _with_dts(packets: Iterable[Packet[Stream]], pictures: VideoStream, stretch: Stretch) -> Iterator[Packet[Stream]]:
    """Add the decoding times that Matroska omits for the first pictures: a frame apart, before the first known one."""
    held: list[Packet[Stream]] = []
    told = False
    for packet in packets:
        held.append(packet)
        told = told or (packet.stream.index == pictures.index and packet.dts is not None) or len(held) > _MOST_HELD
        if told:
            yield from _filled(held, pictures, stretch)
            held = []
    yield from _filled(held, pictures, stretch)


def _filled(held: list[Packet[Stream]], pictures: VideoStream, stretch: Stretch) -> list[Packet[Stream]]:
    untold = [packet for packet in held if packet.stream.index == pictures.index and packet.dts is None]
    told = [packet.dts for packet in held if packet.stream.index == pictures.index and packet.dts is not None]
    if untold:
        step = max(1, int(stretch.pts[1] - stretch.pts[0])) if len(stretch.pts) > 1 else 1
        dts = told[0] if told else stretch.key_pts + step
        for back, packet in enumerate(reversed(untold), start=1):
            packet.dts = dts - back * step
    return held


def _like(stream: VideoStream | AudioStream, out: OutputContainer) -> Stream:
    try:
        made: Stream = out.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.error.FFmpegError) as error:
        name = _codec_of(stream).upper()
        raise ExportError(f"Neither MP4 nor MKV takes a copy of {name}.", EXACT_INSTEAD) from error
    if stream.time_base is not None:
        made.time_base = stream.time_base
    if _codec_of(stream) == "hevc" and out.format.name == "mp4":
        made.codec_context.codec_tag = "hvc1"  # QuickTime plays only this
    return made


def _less(stamp: int | None, zero: int) -> int | None:
    return None if stamp is None else stamp - zero


def _codec_of(stream: VideoStream | AudioStream) -> str:
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context is not None else ""
