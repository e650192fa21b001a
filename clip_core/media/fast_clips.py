"""Make fast clips: copy the packets of a part of a video, without decoding it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from clip_core.errors import ExportError, MomentExportError, VideoError
from clip_core.files import whole_file
from clip_core.media.exports_folder import guarded
from clip_core.media.original import Original, Piece, piece_of, whole_frames
from clip_core.media.sound import first_sound
from clip_core.text import clock
from clip_core.types import Clip, Ints, TimeTable
from clip_core.video import Video, open_video
from clip_core.video.containers import open_container, video_stream
from clip_core.video.continued_clock import OFTEN_JOINED, ContinuedClock
from clip_core.video.decoding import Decoder
from clip_core.video.pictures import has_alpha_layer

_EXACT_INSTEAD = "Cut it exactly instead."
# Matroska rounds times to milliseconds, when read and when written.
_SAME_TIME_S = 0.002
# Sound may come later in the file than its pictures, but hardly by more than this.
_BEHIND_S = 10
_MOST_NEW_STREAMS = 1000
# A seek may land after its target, and the sound of a keyframe may come before it in the file: seek earlier each time.
_STEPS_BACK_S = (1, 4, 16, 10**6)
_NEAR_START_S = 20
_MP4_PICTURES = ("h264", "hevc", "av1", "vp9", "mpeg4")
_MP4_SOUNDS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
_MOST_HELD = 256

_writing = partial(guarded, (OSError, ValueError, av.error.FFmpegError))


@dataclass(frozen=True, slots=True)
class Streams:
    """An open container that nobody else reads from, the streams of it that are copied, and ``Video.clock``."""

    container: InputContainer
    pictures: VideoStream
    sound: AudioStream | None
    joined: ContinuedClock | None = None

    def __iter__(self) -> Iterator[VideoStream | AudioStream]:
        return (stream for stream in (self.pictures, self.sound) if stream is not None)

    @property
    def extension(self) -> str:
        """The extension of a copy: "mp4" if MP4 can hold these codecs and their transparency, else "mkv"."""
        fits = _codec_of(self.pictures) in _MP4_PICTURES and (
            self.sound is None or _codec_of(self.sound) in _MP4_SOUNDS
        )
        return "mp4" if fits and not has_alpha_layer(self.pictures) else "mkv"

    def seconds(self, pts: int) -> Fraction:
        """Return a time of the pictures on the file's own clock."""
        return pts * Fraction(self.pictures.time_base or 1)

    def seek(self, pts: int) -> None:
        """Go to about a time of the pictures."""
        if self.joined is None or not self.joined.seek(self.container, pts):
            self.container.seek(pts, stream=self.pictures)

    def packets(self) -> Iterator[Packet[Stream]]:
        """Yield the packets of the copied streams from here on."""
        packets = self.container.demux(*self)
        return packets if self.joined is None else self.joined.continued(packets)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a video to copy.

    Attributes:
        first: Number of the keyframe that it begins with.
        pts: int64 (n,), pts of the frames from there to the end of the video, rising.
        last_pts: pts of the last frame that must be copied. If frames are reordered, a few later ones are copied too.
        end_s: Where its sound ends, in seconds on the file's own clock.
        hidden_pts: The pts of the keyframe before it that an edit list hides. What lies between is copied and hidden
            again. None if it begins with a keyframe.
    """

    first: int
    pts: Ints
    last_pts: int
    end_s: float
    hidden_pts: int | None = None

    @property
    def zero_pts(self) -> int:
        """The pts of the first frame that the copy shows."""
        return int(self.pts[0])

    @property
    def key_pts(self) -> int:
        """The pts of the keyframe that the copy begins with."""
        return self.zero_pts if self.hidden_pts is None else self.hidden_pts


def fast_extension(video: Video) -> str:
    """Return the extension of a fast clip of a video: "mp4" or "mkv".

    Raises:
        ExportError: The video cannot be copied: it consists of images, or has no presentation times.
    """
    name = video.info.name
    if video.info.decoder != "PyAV" or video.info.container == "gif":
        raise ExportError(f"{name} consists of separate images: there is nothing to copy.", _EXACT_INSTEAD)
    decoder = Decoder(video.info.path, video.watched)
    decoder.close()
    if decoder.lacks_pts:
        raise ExportError(f"{name} has no presentation times, so it cannot be copied.", _EXACT_INSTEAD)
    with ExitStack() as stack:
        return _open(video, stack).extension


def fast_clip(original: Original, start_s: float, end_s: float, target: Path) -> Generator[float, None, Clip]:
    """Copy the packets of the frames with ``start_s <= time_s < end_s``, from the keyframe at or before them.

    If an edit list hides that keyframe, the copy is an MP4 that hides it, too, and begins with the first frame shown.
    Arguments, cancelling, yields and errors are those of ``exact_clip``; also:

    Raises:
        ExportError: There is no keyframe at or before the first frame, or the copy has other frames.
    """
    video = original.video
    piece = piece_of(video.table, start_s, end_s)
    is_hidden = target.suffix == ".mp4" and not (video.table.key_pts <= video.table.pts[piece.first]).any()
    hidden_pts = _hidden_key(video) if is_hidden else None
    stretch = stretch_of(video.table, piece.first, piece.stop, piece.end_s, hidden_pts)
    _refuse_join(video, stretch)
    before_s = piece.start_s - float(video.times_s[stretch.first])
    with ExitStack() as stack:
        streams = _open(video, stack)
        stack.enter_context(guarded())
        part = stack.enter_context(whole_file(target))
        for done_s in _copy(streams, stretch, part, "mp4" if target.suffix == ".mp4" else "matroska"):
            yield min(piece.duration_s, max(0.0, done_s - before_s))
        copied = _checked(part, video, stretch.first)
        original.check()
    if stretch.hidden_pts is not None:
        lead = clock(float((stretch.zero_pts - stretch.hidden_pts) * video.table.time_base))
        what = f"{target.name} begins with {lead} of hidden frames, as the video does"
        original.warnings.append(f"{what}. Players that ignore edit lists show them.")
    return Clip(target, copied.start_s, copied.end_s, copied.stop - copied.first)


def _hidden_key(video: Video) -> int | None:
    """Return the pts of the last keyframe that an edit list hides before the first frame; None if there is none."""
    found: int | None = None
    with open_container(video.info.path) as container:
        for packet in container.demux(video_stream(container, video.info.path)):
            if packet.pts is None or not packet.is_discard:
                break
            if packet.is_keyframe and packet.pts < video.table.start_pts:
                found = packet.pts
    return found


def stretch_of(table: TimeTable, first: int, stop: int, end_s: float, hidden_pts: int | None = None) -> Stretch:
    """Return what to copy for the frames numbered [first, stop), the last of which ends at ``end_s``.

    ``hidden_pts`` is the pts of a keyframe that an edit list hides before the first frame, if no other comes before.

    Raises:
        ExportError: There is no displayed keyframe at or before the first frame.
    """
    place = int(table.key_pts.searchsorted(table.pts[first], side="right")) - 1
    own_end_s = end_s + float(table.start_pts * table.time_base)
    if place < 0 and hidden_pts is not None:
        return Stretch(0, table.pts, int(table.pts[stop - 1]), own_end_s, hidden_pts)
    if place < 0:
        when = clock(float(table.times_s[first]))
        raise MomentExportError(f"There is no keyframe at or before {when} to copy from.", _EXACT_INSTEAD)
    begin = int(table.pts.searchsorted(table.key_pts[place]))
    return Stretch(begin, table.pts[begin:], int(table.pts[stop - 1]), own_end_s)


def _refuse_join(video: Video, stretch: Stretch) -> None:
    """Refuse to copy packets of two recordings, which need not be encoded alike, or what no seek finds."""
    for join in video.table.joins:
        is_within = stretch.key_pts < join.start_pts
        if join.start_pts <= stretch.last_pts and (is_within or video.info.container not in OFTEN_JOINED):
            when = clock(float((join.start_pts - video.table.start_pts) * video.table.time_base))
            where = "within the moment" if is_within else "before the moment"
            raise MomentExportError(f"Two recordings are joined at {when}, {where}.", _EXACT_INSTEAD)


def packets_of(streams: Streams, stretch: Stretch) -> Iterator[Packet[Stream]]:
    """Yield the packets to copy in the order of the file.

    Raises:
        ExportError: The file cannot be read there, or has no presentation times.
    """
    count = _Counted(stretch)
    zero_s, heard = streams.seconds(stretch.zero_pts), streams.sound is None
    too_late_s = stretch.end_s + _BEHIND_S
    for packet in _from_key(streams, stretch.key_pts):
        if packet.stream.index == streams.pictures.index:
            if packet.dts is not None and packet.dts * packet.time_base > too_late_s:
                return
            if not count.whole and count.takes(packet.pts, is_hidden=packet.is_discard):
                yield packet
        elif packet.pts is not None:
            time_s = packet.pts * packet.time_base
            heard = heard or time_s >= stretch.end_s
            if not heard and time_s >= zero_s:
                yield packet
                if streams.joined is not None:  # the sound of two recordings may overlap
                    zero_s = time_s + streams.joined.time_base
        if count.whole and heard:
            return


class _Counted:
    """Counts the frames taken until the last one and all that are presented before it are there."""

    def __init__(self, stretch: Stretch) -> None:
        self._pts, self._last, self._key = stretch.pts, stretch.last_pts, stretch.key_pts
        self._zero = stretch.zero_pts
        self._taken, self._highest = 0, -1
        self.whole = False

    def takes(self, pts: int | None, *, is_hidden: bool = False) -> bool:
        """Return whether to copy a packet. Frames presented before the keyframe refer to data that is not copied.

        Those that an edit list hides before the first frame are hidden again; others would be shown, or missed.
        """
        if pts is None:
            raise MomentExportError("The file has no presentation times.", _EXACT_INSTEAD)
        if pts < self._key:
            return False
        if is_hidden and pts >= self._zero:
            raise MomentExportError("The frames there need others that the file hides.", _EXACT_INSTEAD)
        place = int(self._pts.searchsorted(pts))
        if place < len(self._pts) and self._pts[place] == pts:
            self._taken, self._highest = self._taken + 1, max(self._highest, place)
            self.whole = self._taken == self._highest + 1 and self._pts[self._highest] >= self._last
        return True


def _open(video: Video, stack: ExitStack) -> Streams:
    path = video.info.path
    container = stack.enter_context(open_container(path))
    video.watched.check_path()
    sound = first_sound(container)
    known = None if sound is None or sound.codec_context is None else sound
    streams = Streams(container, video_stream(container, path), known, video.clock)
    copied = [stream.index for stream in streams]
    for stream in container.streams:
        if stream.index not in copied:
            stream.discard = Discard.all
    return streams


def _from_key(streams: Streams, key_pts: int) -> Iterator[Packet[Stream]]:
    """Yield packets from a keyframe on, preceded by sound packets that come shortly before it in the file."""
    pictures = streams.pictures
    start = pictures.start_time or 0
    # MPEG-TS and -PS cannot seek to their first keyframe; what was just opened is read from its very start.
    is_near = streams.seconds(key_pts - start) <= _NEAR_START_S
    for back_s in (None, *_STEPS_BACK_S) if is_near else _STEPS_BACK_S:
        try:  # AVI cannot seek to before its start
            if back_s is not None:
                streams.seek(max(key_pts - round(back_s / streams.seconds(1)), start))
        except av.error.FFmpegError:
            continue
        packets, before = _read(streams), []
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
    raise MomentExportError("The keyframe before the moment was not found in the file.", _EXACT_INSTEAD)


def _read(streams: Streams) -> Iterator[Packet[Stream]]:
    try:
        for _ in range(_MOST_NEW_STREAMS):
            with suppress(IndexError):  # PyAV does not know streams that begin in the middle
                yield from (packet for packet in streams.packets() if packet.size)
                return
    except av.error.FFmpegError as error:
        raise MomentExportError("The file is damaged at this moment.", _EXACT_INSTEAD) from error


def _copy(streams: Streams, stretch: Stretch, target: Path, container: str) -> Iterator[float]:
    """Copy a part of a video to a file that shows its first frame at 0; yield the seconds copied, after each packet."""
    av.logging.set_level(None)
    with _writing():
        out = av.open(str(target.absolute()), "w", format=container)
    try:
        with _writing():
            copies = {stream.index: _like(stream, out) for stream in streams}
        done_s, zero_s = 0.0, streams.seconds(stretch.zero_pts)
        for packet in _with_dts(packets_of(streams, stretch), streams.pictures, stretch):
            zero = round(zero_s / packet.time_base)
            packet.dts = None if packet.dts is None else packet.dts - zero
            if packet.pts is not None:
                packet.pts -= zero
                done_s = max(done_s, float(packet.pts * packet.time_base))
            packet.stream = copies[packet.stream.index]
            with _writing():
                out.mux_one(packet)
            yield done_s
        with _writing():
            out.close()
    finally:
        with suppress(OSError, av.error.FFmpegError):
            out.close()


def _with_dts(packets: Iterable[Packet[Stream]], pictures: VideoStream, stretch: Stretch) -> Iterator[Packet[Stream]]:
    """Add the decoding times that Matroska omits for the first pictures: a frame apart, before the first known one."""
    held: list[Packet[Stream]] = []
    is_known = False
    for packet in packets:
        held.append(packet)
        is_known = is_known or (packet.stream.index == pictures.index and packet.dts is not None)
        is_known = is_known or len(held) > _MOST_HELD
        if is_known:
            yield from _filled(held, pictures, stretch)
            held = []
    yield from _filled(held, pictures, stretch)


def _filled(held: list[Packet[Stream]], pictures: VideoStream, stretch: Stretch) -> list[Packet[Stream]]:
    unknown = [packet for packet in held if packet.stream.index == pictures.index and packet.dts is None]
    known = [packet.dts for packet in held if packet.stream.index == pictures.index and packet.dts is not None]
    if unknown:
        step = max(1, int(stretch.pts[1] - stretch.pts[0])) if len(stretch.pts) > 1 else 1
        dts = known[0] if known else stretch.key_pts + step
        for back, packet in enumerate(reversed(unknown), start=1):
            packet.dts = dts - back * step
    return held


def _like(stream: VideoStream | AudioStream, out: OutputContainer) -> Stream:
    try:
        made: Stream = out.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.error.FFmpegError) as error:
        name = _codec_of(stream).upper()
        raise ExportError(f"Neither MP4 nor MKV can hold {name}.", _EXACT_INSTEAD) from error
    if stream.time_base is not None:
        made.time_base = stream.time_base
    if isinstance(stream, VideoStream) and isinstance(made, VideoStream) and stream.sample_aspect_ratio:
        made.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio  # the container's goes before the codec's
    if isinstance(stream, VideoStream) and has_alpha_layer(stream):
        made.metadata["alpha_mode"] = "1"
    if _codec_of(stream) == "hevc" and out.format.name == "mp4":
        made.codec_context.codec_tag = "hvc1"  # QuickTime plays only this
    return made


def _codec_of(stream: VideoStream | AudioStream) -> str:
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context is not None else ""


def _checked(part: Path, video: Video, first: int) -> Piece:
    """Return the piece that a copy holds; refuse it if its frames and times are not the video's from ``first`` on."""
    try:
        with open_video(part) as made:
            table = made.table
    except VideoError as error:
        raise MomentExportError(f"The fast copy cannot be read: {error.what}", _EXACT_INSTEAD) from error
    piece = whole_frames(video.table, first, len(table))
    expected = video.times_s[piece.first : piece.stop] - piece.start_s
    start_s = abs(float(table.start_pts * table.time_base))
    if len(expected) != len(table) or start_s + float(np.abs(table.times_s - expected).max()) > _SAME_TIME_S:
        raise MomentExportError(f"The fast copy of {video.info.name} has other frames than the video.", _EXACT_INSTEAD)
    return piece
