"""The clock of a file, which players show and editing programs count from, beside that of its video."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from clip_core.types import TimeTable

_TICKS_PER_S = 1_000_000
"""FFmpeg counts the start of a container in microseconds."""
_MOST_REORDERED = 16
"""H.264 and HEVC hold back at most so many frames."""


_CLOCK_FROM_0 = ("mov", "matroska")
"""Their clock begins at 0, and Chromium shows it as it is; other files start with their earliest stream."""


def first_frame_s(container: InputContainer, stream: VideoStream, table: TimeTable) -> Fraction:
    """Return when the first frame is shown, in seconds as players count.

    In MP4, MOV, MKV and WebM that is the file's own clock, which may begin before any stream. In others it is the time
    from the first time stamp of the earliest stream: sound may begin seconds before the picture.
    """
    if container.start_time is None:
        return Fraction(0)
    shown_s = table.start_pts * table.time_base
    if container.format.name == "avi":
        shown_s = min(shown_s, _first_packet(container, stream) * table.time_base)
    if not _counts_from_0(container):
        shown_s -= Fraction(container.start_time, _TICKS_PER_S)
    return max(Fraction(0), shown_s)


def earliest_stream_s(container: InputContainer) -> Fraction:
    """Return when the earliest stream begins, in seconds as players count: where editing programs start."""
    if container.start_time is None or not _counts_from_0(container):
        return Fraction(0)
    return max(Fraction(0), Fraction(container.start_time, _TICKS_PER_S))


def _counts_from_0(container: InputContainer) -> bool:
    return container.format.name.split(",")[0] in _CLOCK_FROM_0


def _first_packet(container: InputContainer, stream: VideoStream) -> int:
    """Return the time of the first packet of an AVI, in frames.

    AVI knows decoding times only, and where frames are reordered, FFmpeg's time of the first frame is some frames late.
    FFmpeg's muxer writes the gap of a late start behind the first packet, so the second one's time shows it.
    """
    try:
        stamps = [packet.dts or 0 for packet in islice((p for p in container.demux(stream) if p.size), 2)]
    except av.error.FFmpegError:
        return 0
    first, second = (stamps[0], stamps[-1]) if stamps else (0, 0)
    return second - 1 if second - first > _MOST_REORDERED else first


def start_timecode(container: InputContainer, stream: VideoStream) -> str:
    """Return the timecode that a camera or an editor gave the start of the file, such as "01:00:59;20"; "" if none.

    FFmpeg copies that of a timecode track to the video that refers to it. Matroska writes the name in capitals.
    """
    holders = (stream.metadata, *(other.metadata for other in container.streams.data), container.metadata)
    tags = (tag for metadata in holders for tag in metadata.items())
    return next((text.strip() for name, text in tags if name.lower() == "timecode"), "")
