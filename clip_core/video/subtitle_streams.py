"""Read the subtitles inside a video: the text of one stream, with times from the first frame."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from clip_core.subtitles import MOST_CUES, CueList, ReadCues, ass_text
from clip_core.text import single_line
from clip_core.types import TimeTable
from clip_core.video.containers import open_container, video_stream
from clip_core.video.file_clock import first_frame_s

TEXT_CODECS = ("srt", "subrip", "ass", "ssa", "mov_text", "webvtt", "text")
"""FFmpeg's names of the decoders that give text."""
PREFERRED_LANGUAGE = "en"
UNENDED_S = Fraction(3)
"""How long a cue lasts of which the file does not say it."""
_SAY_EVERY_S = 0.5
_MOST_NAME = 60


@dataclass(frozen=True, slots=True)
class StreamText:
    """What was read from the subtitle streams of a video.

    Attributes:
        source: The stream, such as "stream 2 (mov_text)"; "" if there is none of text.
        language: As the stream says, such as "eng"; "" if it does not.
        read: Its cues, and sentences that say what could not be read.
    """

    source: str
    language: str
    read: ReadCues


def first_frame_in(path: Path, table: TimeTable) -> float:
    """Return when the first frame is shown, in seconds as players count, see ``file_clock.first_frame_s``.

    Raises:
        VideoError: FFmpeg cannot read the file.
    """
    with open_container(path) as container:
        return float(first_frame_s(container, video_stream(container, path), table))


def read_streams(path: Path, table: TimeTable) -> Generator[str, None, StreamText]:
    """Read the best text stream: not of forced subtitles only, the default one, in English, the first.

    Only a file that has such a stream is read to its end.

    Args:
        path: The video.
        table: The times of its frames.

    Yields:
        A note on the progress, twice a second.

    Returns:
        The text, with times from the first frame.

    Raises:
        VideoError: FFmpeg cannot read the file.
    """
    with open_container(path) as container:
        streams = container.streams.subtitles
        texts = [stream for stream in streams if _codec(stream) in TEXT_CODECS]
        if not texts:
            return StreamText("", "", ReadCues((), _pictures(streams)))
        stream = min(texts, key=_rank)
        source = f"stream {stream.index} ({_codec(stream)})"
        read = yield from _cues(container, stream, table.start_pts * table.time_base)
        return StreamText(source, _language(stream), read)


def _codec(stream: SubtitleStream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def _language(stream: SubtitleStream) -> str:
    return single_line(stream.language or "", _MOST_NAME).replace("und", "")


def _rank(stream: SubtitleStream) -> tuple[bool, bool, bool, int]:
    flags = stream.disposition
    is_preferred = _language(stream).startswith(PREFERRED_LANGUAGE)
    return bool(flags & Disposition.forced), not flags & Disposition.default, not is_preferred, stream.index


def _pictures(streams: Sequence[SubtitleStream]) -> tuple[str, ...]:
    """Return a sentence on streams of which none is text; none without streams."""
    names = ", ".join(dict.fromkeys(_codec(stream) for stream in streams))
    return (f"The subtitles in the video are not text ({names}), so they cannot be read.",) if names else ()


def _cues(container: InputContainer, stream: SubtitleStream, zero_s: Fraction) -> Generator[str, None, ReadCues]:
    """Read the packets of a stream; ``zero_s`` is the first frame on the container's clock."""
    found, spoken, notes = CueList(), time.monotonic(), tuple[str, ...]()
    try:
        for start_s, end_s, text in islice(_spans(container, stream), MOST_CUES + 1):
            if time.monotonic() - spoken > _SAY_EVERY_S:
                spoken = time.monotonic()
                yield "Reading the subtitles in the video"
            found.add(float(start_s - zero_s), float(end_s - zero_s), text)
    except av.error.FFmpegError:
        notes = ("The subtitles in the video are damaged; what comes before is kept.",)
    read = found.read()
    return ReadCues(read.cues, (*read.notes, *notes))


def _spans(container: InputContainer, stream: SubtitleStream) -> Iterator[tuple[Fraction, Fraction, str]]:
    """Yield start, end and text of the packets of a stream, on the container's clock."""
    for packet in container.demux(stream):
        if packet.size and packet.pts is not None:
            start_s, lasts_s = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
            yield start_s, start_s + (lasts_s or UNENDED_S), _text(packet)


def _text(packet: Packet[SubtitleStream]) -> str:
    decoded = packet.stream.decode2(packet)
    lines = (rect.ass for rect in decoded or () if isinstance(rect, AssSubtitle))
    return "\n".join(ass_text(line.decode("utf-8", "replace")) for line in lines)
