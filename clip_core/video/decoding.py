"""Containers opened safely with FFmpeg, and a decoder on one: frames in rising order, past damage where it can."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from clip_core.errors import VideoError, shown_name
from clip_core.types import Image
from clip_core.video.base import MAX_PIXELS
from clip_core.video.container_bytes import is_cut_short, is_webm, lacks_moov

# Names as FFmpeg gives them. Play lists (concat, hls, dash) are left out: they name other files.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,gif"
_NOT_A_VIDEO = "Choose a video file, such as MP4, MKV, WebM, AVI or TS."
# A file may be damaged in many places; a demuxer that only ever fails is given up after this many.
_MAX_FAILURES_IN_A_ROW = 1000
# What FFmpeg guesses as their pts in AVI, which knows decoding times only, jumps to and fro.
_REORDERING_CODECS = ("h264", "hevc")
# Xvid and DivX sign so where a packet holds a B-frame beside the frame that it needs: that, too, misleads the guess.
_PACKED = re.compile(rb"DivX\d+(?:Build|b)\d+p")


def open_container(path: Path) -> InputContainer:
    """Open a regular file as a container of a known kind; FFmpeg stays silent.

    Args:
        path: The file. It is made absolute, so that no part of it can be read as a protocol.

    Raises:
        VideoError: It is no such container, or it is cut off before its index.
    """
    av.logging.set_level(None)  # any level makes decoder threads wait for the GIL: a deadlock when they are joined
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        # Tags need not be UTF-8, and nobody reads them here.
        return av.open(str(path.absolute()), container_options=options, metadata_errors="replace")
    except (av.error.FFmpegError, UnicodeError) as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> VideoError:
    name = shown_name(path)
    if isinstance(error, PermissionError):
        return VideoError(f"{name} may not be read.", "Change its permissions.")
    if lacks_moov(path):
        return VideoError(
            f"{name} is cut off: its index (moov) is missing, so no frame can be found in it.",
            "Copy or download it again; a recording that broke off needs a repair tool.",
        )
    return VideoError(f"{name} is not a video that can be read.", _NOT_A_VIDEO)


def container_name(container: InputContainer, path: Path) -> str:
    """Return the first of FFmpeg's names for the container; "webm" for a Matroska file that says so."""
    name = container.format.name.split(",")[0]
    return "webm" if name == "matroska" and is_webm(path) else name


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """Return the first stream of moving pictures; cover pictures of a song do not count.

    Raises:
        VideoError: There is none, or nobody knows its codec.
    """
    covers = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    name = shown_name(path)
    if not streams:
        sounds = ", ".join(sorted({stream.codec_context.name.upper() for stream in container.streams.audio}))
        holds = f" It holds sound only ({sounds})." if sounds else ""
        raise VideoError(f"{name} has no video stream.{holds}", _NOT_A_VIDEO)
    if streams[0].codec_context is None:
        raise VideoError(f"{name} has a video stream of an unknown codec.", "Convert it to H.264.")
    return streams[0]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame as it leaves the decoder, not yet a picture.

    Attributes:
        pts: Presentation time stamp in the stream's time base.
        duration: Of the frame in the same unit, 0 if unknown.
        is_key: Whether it stands for itself.
        raw: FFmpeg's frame.
    """

    pts: int
    duration: int
    is_key: bool
    raw: VideoFrame

    @property
    def quarter_turns(self) -> int:
        """How often the picture must be turned left by 90° to stand upright, 0 to 3."""
        return round(self.raw.rotation / 90) % 4


class PictureMaker:
    """Turns decoded frames into pictures; keeps the converter between frames of the same kind."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def rgb(self, decoded: Decoded) -> Image:
        """Return uint8 (height, width, 3), contiguous, red first, rotated as the file asks."""
        array = self._reformatter.reformat(decoded.raw, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(array, decoded.quarter_turns), dtype=np.uint8)


class Decoder:
    """A container, its video stream and a decoder for it.

    Attributes:
        packet_pts: int64, the times of the packets read so far that promise a frame, in file order.
        lacks_pts: The container tells no presentation times although frames are reordered: then
            they follow each other in decoding order's steps, and no seek can be exact.
        packets_read: How many packets were read since the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._container = open_container(self._path)
        try:
            self.stream: VideoStream = video_stream(self._container, self._path)
        except Exception:
            self._container.close()
            raise
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)} | self._transparency()
        for other in self._container.streams:
            if other.index != self.stream.index:
                other.discard = av.stream.Discard.all
        self.lacks_pts = self.container_name == "avi" and self._reorders_packets()
        self.packet_pts = array("q")
        self.packets_read = 0
        self.left_out = 0
        self._closed = False

    def _reorders_packets(self) -> bool:
        context = self.stream.codec_context
        return context.name in _REORDERING_CODECS or _PACKED.search(context.extradata or b"") is not None

    def _transparency(self) -> dict[str, str]:
        """Options with which transparent places of a GIF are black; FFmpeg's own choice is white."""
        return {"trans_color": "0"} if self.stream.codec_context.name == "gif" else {}

    @property
    def container_name(self) -> str:
        """FFmpeg's name for the container, such as "mov"; "webm" where a Matroska file says so."""
        return container_name(self._container, self._path)

    @property
    def header_duration_s(self) -> float | None:
        """How long the stream is, or else the whole file, by its header; None if both are silent."""
        if self.stream.duration is not None and self.stream.time_base is not None:
            return float(self.stream.duration * self.stream.time_base)
        return None if self._container.duration is None else self._container.duration / av.time_base

    @property
    def promised_end_s(self) -> float | None:
        """Where a header that can be relied on says that the pictures end, on the file's own clock.

        None where FFmpeg only guesses (MPEG-TS), where packets tell more (MP4), and where the
        length counts sound as well.
        """
        alone = len(self._container.streams) == 1
        if self.container_name in ("mov", "mpegts", "mpeg") or (self.stream.duration is None and not alone):
            return None
        return self.header_duration_s

    def restart(self) -> None:
        """Go back to the very start, as if just opened: unlike a seek this is always exact."""
        self.close()
        self._open()

    def seek(self, pts: int) -> None:
        """Go to about ``pts``: usually to the keyframe before it, sometimes to a later place."""
        try:
            self._container.seek(pts, stream=self.stream)
        except av.error.FFmpegError:
            self.restart()

    def close(self) -> None:
        """Release the file; may be called twice, also while an iteration is under way."""
        self._closed = True
        self._container.close()

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the stream's packets from here on, past places that cannot be read.

        The last one of an MPEG-TS that was cut is left out. No length stands in front of it, so FFmpeg takes its
        half for the whole, and whether it notices while decoding is a race between its threads.
        """
        packets = self._read_packets()
        if self.container_name == "mpegts" and is_cut_short(self._path, "mpegts"):
            return (packet for packet, _ in pairwise(packets))
        return packets

    def _read_packets(self) -> Iterator[Packet[VideoStream]]:
        failures = 0
        while failures < _MAX_FAILURES_IN_A_ROW:
            try:
                for packet in self._container.demux(self.stream):
                    failures = 0
                    if packet.size:
                        self.packets_read += 1
                        yield packet
                    if self._closed:  # FFmpeg would read through a null pointer
                        return
            except av.error.FFmpegError:
                failures += 1
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
            yield Decoded(pts, duration, bool(raw.key_frame), raw)

    def _raw_frames(self) -> Iterator[VideoFrame]:
        for packet in self.packets():
            if packet.pts is not None and not packet.is_discard:
                self.packet_pts.append(packet.pts)
            yield from self._decode(packet)
        if not self._closed:
            yield from self._decode(None)

    def _decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self.stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            return []

    def decode_alone(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """Decode one packet by itself, then leave the decoder empty."""
        raws = self._decode(packet) + self._decode(None)
        self.stream.codec_context.flush_buffers()
        return raws
