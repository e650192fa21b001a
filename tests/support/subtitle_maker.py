"""Write small films with subtitles in them, by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet

MILLISECOND = Fraction(1, 1000)
RATE, FRAMES = 10, 50
Spans = Sequence[tuple[float, float, str]]
_HEADER = b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n[Events]\nFormat: Text\n"


def write_talk(
    path: Path, streams: Sequence[tuple[str, str, Spans]], *, begins_s: float = 0.0, codec: str = "libx264"
) -> Path:
    """Write a film of 5 s.

    Args:
        path: Its suffix decides the container.
        streams: Codec ("subrip", "mov_text", "webvtt", "ass", "dvdsub"), language, and spans in seconds on the file's
            clock with their text in ASS markup; of "dvdsub" only the times count.
        begins_s: When the first frame is shown.
        codec: Of the pictures.
    """
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        texts = [_add(out, name, language) for name, language, _ in streams]
        packets = []
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 5, np.uint8))
            frame.pts, frame.time_base = round(begins_s * RATE) + number, Fraction(1, RATE)
            packets += video.encode(frame)
        packets += video.encode()
        for stream, (name, _, spans) in zip(texts, streams, strict=True):
            packets += [_packet(stream, name, *span) for span in spans]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def _add(out: av.container.OutputContainer, name: str, language: str) -> av.subtitles.stream.SubtitleStream:
    stream = out.add_stream(name)
    stream.metadata["language"] = language
    stream.time_base = stream.codec_context.time_base = MILLISECOND
    if name != "dvdsub":
        stream.codec_context.subtitle_header = _HEADER
    return stream


def _packet(
    stream: av.subtitles.stream.SubtitleStream, name: str, start_s: float, end_s: float, text: str
) -> av.Packet:
    start, lasts = round(start_s * 1000), round((end_s - start_s) * 1000)
    if name == "dvdsub":
        packet = av.Packet(b"\0\6\0\4\0\0")
    else:
        line = f"0,0,Default,,0,0,0,,{text}".encode()
        packet = stream.codec_context.encode_subtitle(SubtitleSet.create(line, 0, lasts, start * 1000))
    packet.stream, packet.time_base = stream, MILLISECOND
    packet.pts = packet.dts = start
    packet.duration = lasts
    return packet
