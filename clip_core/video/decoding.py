"""A decoder on a container: frames in rising order, past damage where it can, and the pictures made of them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from clip_core.types import Image
from clip_core.video.base import MAX_DURATION_S, MAX_PIXELS
from clip_core.video.container_bytes import is_cut_short, is_unfinished_avi
from clip_core.video.containers import container_name, open_container, video_stream
from clip_core.video.continued_clock import OFTEN_JOINED, ContinuedClock
from clip_core.video.hdr import HDR_NITS, lut_file
from clip_core.video.pictures import Orientation, has_alpha_layer, on_white, square_size
from clip_core.video.watched import Watched

# A file may be damaged in many places; a demuxer that only ever fails is given up after this many.
_MAX_FAILURES_IN_A_ROW = 1000
# What FFmpeg guesses as their pts in AVI, which knows decoding times only, jumps to and fro.
_REORDERING_CODECS = ("h264", "hevc")
# Xvid and DivX sign so where a packet holds a B-frame beside the frame that it needs: that, too, misleads the guess.
_PACKED = re.compile(rb"DivX\d+(?:Build|b)\d+p")
_LIBVPX = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
# From this height on, players read pictures that name no colour matrix as BT.709, and smaller ones as BT.601.
_HD_LINES = 720
_NO_MATRIX = (2, 3)  # FFmpeg's AVCOL_SPC_UNSPECIFIED and AVCOL_SPC_RESERVED


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame as it leaves the decoder, not yet a picture.

    Attributes:
        pts: Presentation time stamp in the stream's time base.
        duration: Of the frame in the same unit, 0 if unknown.
        is_key: Whether it decodes without other frames.
        raw: FFmpeg's frame.
    """

    pts: int
    duration: int
    is_key: bool
    raw: VideoFrame


class PictureMaker:
    """Turns the decoded frames of a stream into the pictures that players show.

    They are upright, have square pixels, are tone-mapped to BT.709 if they are HDR, and lie on white. The converters
    are kept between frames of the same kind.

    Args:
        pixel_aspect: Width of a stored pixel ÷ its height; None or a broken value means square.
        orientation: How all pictures are turned to stand upright.
    """

    def __init__(self, pixel_aspect: Fraction | None, orientation: Orientation) -> None:
        self._pixel_aspect, self._orientation = pixel_aspect, orientation
        self._reformatter = VideoReformatter()
        self._tone_mapper: tuple[object, Graph] | None = None

    def rgb(self, decoded: Decoded) -> Image:
        """Return uint8 (height, width, 3), contiguous, red first."""
        raw = decoded.raw
        width, height = square_size(raw.width, raw.height, self._pixel_aspect)
        if raw.color_trc in HDR_NITS:
            shown = self._tone_mapped(raw, width, height).to_ndarray()
        else:
            kind = "rgba" if _has_alpha(raw) else "rgb24"
            shown = self._reformatter.reformat(raw, width, height, kind, src_colorspace=_matrix(raw)).to_ndarray()
        picture = np.asarray(shown, dtype=np.uint8)
        return self._orientation.upright(on_white(picture) if picture.shape[2] == 4 else picture)

    def size(self, decoded: Decoded) -> tuple[int, int]:
        """Return width and height of the picture of a frame."""
        width, height = square_size(decoded.raw.width, decoded.raw.height, self._pixel_aspect)
        return (height, width) if self._orientation.is_transposed else (width, height)

    def _tone_mapped(self, raw: VideoFrame, width: int, height: int) -> VideoFrame:
        kind = (raw.width, raw.height, raw.format.name, raw.color_trc)
        if self._tone_mapper is None or self._tone_mapper[0] != kind:
            self._tone_mapper = kind, _tone_mapper(raw, width, height)
        graph = self._tone_mapper[1]
        graph.vpush(raw)
        return graph.vpull()

    def reading(self, decoded: Decoded) -> str:
        """Return what is done to pictures like this one beyond turning and converting them; "" for most videos."""
        raw = decoded.raw
        aspect = Fraction(*square_size(raw.width, raw.height, self._pixel_aspect)) / Fraction(raw.width, raw.height)
        is_clear = _has_alpha(raw) and (raw.reformat(format="rgba").to_ndarray()[:, :, 3] < 255).any()
        done = {
            "mirrored": self._orientation.is_mirrored,
            "square pixels": aspect != 1,
            "tone-mapped": raw.color_trc in HDR_NITS,
            "BT.709 by size": raw.color_trc not in HDR_NITS and _matrix(raw) is not None,
            "palette": raw.format.name == "pal8",
            "on white": bool(is_clear),
        }
        return ", ".join(name for name, holds in done.items() if holds)


def _codec_of(stream: VideoStream) -> VideoCodecContext:
    """Return the stream's decoder; for VP8 and VP9 with transparency libvpx, because FFmpeg's own ignores it."""
    own = stream.codec_context
    if own.name not in _LIBVPX or not has_alpha_layer(stream):
        return own
    return cast("VideoCodecContext", av.CodecContext.create(_LIBVPX[own.name], "r"))


def _has_alpha(raw: VideoFrame) -> bool:
    return raw.format.name == "pal8" or any(component.is_alpha for component in raw.format.components)


def _matrix(raw: VideoFrame) -> Colorspace | None:
    """Return the matrix by which players read a frame that names none, if it is not FFmpeg's own choice, BT.601."""
    is_yuv = not raw.format.is_rgb and len(raw.format.components) >= 3  # grey has no colours to convert
    is_hd_without_tag = is_yuv and raw.colorspace in _NO_MATRIX and raw.height >= _HD_LINES
    return Colorspace.ITU709 if is_hd_without_tag else None


def _tone_mapper(raw: VideoFrame, width: int, height: int) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=raw.width, height=raw.height, format=raw.format, time_base=raw.time_base or Fraction(1, 1000)
    )
    graph.link_nodes(
        source,
        graph.add("scale", f"{width}:{height}:in_color_matrix=bt2020"),
        graph.add("format", "gbrp10"),
        graph.add("lut3d", f"file={lut_file(raw.color_trc)}:interp=tetrahedral"),
        graph.add("format", "rgb24"),
        graph.add("buffersink"),
    ).configure()
    return graph


class Decoder:
    """A container, its video stream and a decoder for it. Whenever ``path`` is opened it must lead to ``watched``.

    Attributes:
        packet_pts: int64, the times of the packets read so far that promise a frame, in file order.
        lacks_pts: The container tells no presentation times although frames are reordered: then they follow each other
            in decoding order's steps, and no seek can be exact.
        packets_read: How many packets were read since the start.
        failures: How often reading has failed since the last packet.
        clock: See ``Video.clock``.
    """

    def __init__(self, path: Path, watched: Watched, clock: ContinuedClock | None = None) -> None:
        self._path, self.watched, self.clock = path, watched, clock
        self._open()

    def _open(self) -> None:
        self._container = open_container(self._path)
        try:
            self.stream: VideoStream = video_stream(self._container, self._path)
            self.watched.check_path()
        except Exception:
            self._container.close()
            raise
        self.stream.thread_type = "AUTO"
        self._codec = _codec_of(self.stream)
        self._codec.options = {"max_pixels": str(MAX_PIXELS)}
        for other in self._container.streams:
            if other.index != self.stream.index:
                other.discard = av.stream.Discard.all
        self._is_unfinished = self.container_name == "avi" and is_unfinished_avi(self._path)
        self.lacks_pts = self.container_name == "avi" and self._reorders_packets()
        self.packet_pts = array("q")
        self._key_pts: set[int] = set()  # libvpx does not say which of its frames are keyframes
        self.packets_read = self.left_out = self.failures = 0
        self._target: int | None = None
        self._closed = False

    def _reorders_packets(self) -> bool:
        context = self.stream.codec_context
        return context.name in _REORDERING_CODECS or _PACKED.search(context.extradata or b"") is not None

    @property
    def video_streams(self) -> list[int]:
        """The indices of the container's video streams, without flagged cover pictures."""
        covers = av.stream.Disposition.attached_pic
        return [stream.index for stream in self._container.streams.video if not stream.disposition & covers]

    @property
    def container_name(self) -> str:
        """FFmpeg's name for the container, such as "mov"; "webm" where a Matroska file says so."""
        return container_name(self._container, self._path)

    @property
    def tags(self) -> tuple[dict[str, str], dict[str, str]]:
        """The tags of the container and of the stream; text that is not UTF-8 has replacement characters."""
        return self._container.metadata, self.stream.metadata

    @property
    def header_frame_count(self) -> int | None:
        """How many frames the header promises; None if it does not say."""
        return None if self._is_unfinished else self.stream.frames or None

    @property
    def header_duration_s(self) -> float | None:
        """The length in the header, of the stream or else of the file; None if it has none, or FFmpeg guesses badly."""
        if self._is_unfinished:
            return None
        duration_s = None if self._container.duration is None else self._container.duration / av.time_base
        if self.stream.duration is not None and self.stream.time_base is not None:
            duration_s = float(self.stream.duration * self.stream.time_base)
        is_guess = self.container_name in OFTEN_JOINED and (duration_s or 0) > MAX_DURATION_S
        return None if is_guess else duration_s  # over a day is what it guesses if the clock starts again

    @property
    def promised_end_s(self) -> float | None:
        """Where a header that can be relied on says that the pictures end, on the file's own clock.

        None where FFmpeg only guesses (MPEG-TS), where packets tell more (MP4), and where the
        length counts sound as well (WMV states it for each stream).
        """
        name, alone = self.container_name, len(self._container.streams) == 1
        if name in ("mov", "mpegts", "mpeg") or (not alone and (self.stream.duration is None or name == "asf")):
            return None
        return self.header_duration_s

    @property
    def can_seek(self) -> bool:
        """Whether a seek can lead to a later place without reading everything before it."""
        return not self.lacks_pts and (self.clock is None or self.container_name in OFTEN_JOINED)

    def restart(self) -> None:
        """Go back to the very start, as if just opened: unlike a seek this is always exact."""
        self.close()
        self._open()

    def seek(self, pts: int) -> None:
        """Go to about ``pts``: usually to the keyframe before it, sometimes to a later place."""
        try:
            if self.clock is None:
                self._container.seek(pts, stream=self.stream)
            elif not self.clock.seek(self._container, pts):
                self.restart()
        except av.error.FFmpegError:
            self.restart()
        self._target = None if self.clock is None else pts

    def close(self) -> None:
        """Release the file; may be called twice, also while an iteration is under way."""
        self._closed = True
        self._container.close()

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the stream's packets from here on, past places that cannot be read.

        The last one of an MPEG-TS that was cut is left out. No length stands in front of it, so FFmpeg takes its
        half for the whole, and whether it notices while decoding is a race between its threads.
        """
        packets, last = self._read_packets(), 0 if self.clock is None else self.clock.last_position
        if self.container_name == "mpegts" and is_cut_short(self._path, "mpegts", last):
            packets = (packet for packet, _ in pairwise(packets))
        return packets if self.clock is None else self.clock.continued(packets, self._target)

    def _read_packets(self) -> Iterator[Packet[VideoStream]]:
        self.failures = 0
        while self.failures < _MAX_FAILURES_IN_A_ROW:
            try:
                for packet in self._container.demux(self.stream):
                    if packet.size:
                        self.packets_read, self.failures = self.packets_read + 1, 0
                        yield packet
                    if self._closed:  # FFmpeg would read through a null pointer
                        return
            except (av.error.FFmpegError, IndexError):  # PyAV does not know streams that begin in the middle
                self.failures += 1
            else:
                return

    def frames(self) -> Iterator[Decoded]:
        """Decode from here to the end. Each frame's pts is greater than that of the one before."""
        last: int | None = None
        for raw in self._raw_frames():
            pts = raw.dts if raw.pts is None or self.lacks_pts else raw.pts
            duration = raw.duration or 0
            if pts is None:
                pts = 0 if last is None else last + max(duration, 1)
            if raw.is_corrupt:
                continue
            if last is not None and pts <= last:
                self.left_out += 1
                continue
            last = pts
            yield Decoded(pts, duration, bool(raw.key_frame) or pts in self._key_pts, raw)

    def _raw_frames(self) -> Iterator[VideoFrame]:
        last: int | None = None
        for packet in self.packets():
            if self.clock is not None and self.clock.is_join_between(last, packet.pts):
                yield from self._decode(None)  # pictures of another recording build on none of this
                self._codec.flush_buffers()
            last = packet.pts if last is None or packet.pts is None else max(last, packet.pts)
            if packet.pts is not None and not packet.is_discard:
                self.packet_pts.append(packet.pts)
                if packet.is_keyframe and self._codec is not self.stream.codec_context:
                    self._key_pts.add(packet.pts)
            yield from self._decode(packet)
        if not self._closed:
            yield from self._decode(None)

    def _decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._codec.decode(packet)
        except av.error.FFmpegError:
            return []

    def decode_alone(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """Decode one packet by itself, then leave the decoder empty."""
        raws = self._decode(packet) + self._decode(None)
        self._codec.flush_buffers()
        return raws
