"""Copies a stretch of a file without encoding: its very packets, in a container of their own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
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
from clip_core.media.stretch import EXACT_INSTEAD, Stretch, packets_of
from clip_core.media.writing import guarded

_MP4_PICTURES = ("h264", "hevc", "av1", "vp9", "mpeg4")
_MP4_SOUNDS = ("aac", "mp3", "ac3", "eac3", "opus", "flac", "alac")
_MOST_HELD = 256


def container_for(pictures: VideoStream, sound: AudioStream | None) -> str:
    """Return "mp4" where that holds these codecs, else "mkv", which holds all."""
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
    """Copy a stretch to a file. Closing the iterator leaves nothing.

    Args:
        container: Open, and nobody else's. The caller closes it.
        pictures, sound: Streams of it.
        stretch: What is copied; its keyframe is shown at 0.
        target: Where the copy will lie; ".mp4" or ".mkv".
        check: Called with the copy when it is whole, but not yet in its place; what it raises, rises.

    Yields:
        How far it is, in seconds from its beginning, after each packet.

    Raises:
        ExportError: It cannot be written, or the file cannot be read there.
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
    """Give the first pictures the decoding times that Matroska does not tell: a frame apart, before the first told."""
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
        made.codec_context.codec_tag = "hvc1"  # QuickTime plays no other
    return made


def _less(stamp: int | None, zero: int) -> int | None:
    return None if stamp is None else stamp - zero


def _codec_of(stream: VideoStream | AudioStream) -> str:
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context is not None else ""
