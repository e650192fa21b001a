"""One clip, copied fast: the packets as they are, from the keyframe at or before the start."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clip_core.errors import ExportError, VideoError
from clip_core.media.playable import first_sound
from clip_core.pipeline.clip_plan import Piece, piece_of, until
from clip_core.pipeline.copy_source import Original
from clip_core.values import Clip, TimeTable
from clip_core.video import Video, open_video

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Matroska rounds to milliseconds, what is read and what is written.
_SAME_TIME_S = 0.002
_EXACT_INSTEAD = "Cut it exactly instead."


@dataclass(frozen=True, slots=True)
class _Streams:
    container: InputContainer
    pictures: VideoStream
    sound: AudioStream | None


def fast_extension(video: Video) -> str:
    """Return what a fast clip of a video will be: "mp4" or "mkv".

    Raises:
        ExportError: It cannot be copied: images, or a file that does not tell when its pictures are shown.
    """
    from clip_core.media.packet_copy import container_for
    from clip_core.video.decoding import Decoder

    name = video.info.name
    if video.info.decoder != "PyAV" or video.info.container == "gif":
        raise ExportError(f"{name} consists of single images and has nothing to copy fast.", _EXACT_INSTEAD)
    decoder = Decoder(video.info.path)
    decoder.close()
    if decoder.lacks_pts:
        raise ExportError(f"{name} does not tell when its pictures are shown: it cannot be copied.", _EXACT_INSTEAD)
    with ExitStack() as stack:
        streams = _open(video, stack)
        return container_for(streams.pictures, streams.sound)


def fast_clip(original: Original, start_s: float, end_s: float, target: Path) -> Generator[float, None, Clip]:
    """Copy what holds the frames with ``start_s <= time_s < end_s``. Closing the iterator leaves nothing.

    Args, yields, raises: See ``exact_clip``; also:

    Raises:
        ExportError: No keyframe lies before it, or the copy came out with other frames.
    """
    from clip_core.media.packet_copy import copy_packets
    from clip_core.media.stretch import stretch_of

    video = original.video
    piece = piece_of(video.table, start_s, end_s)
    stretch = stretch_of(video.table, piece.first, piece.stop, piece.end_s)
    before_s = piece.start_s - float(video.times_s[stretch.first])
    copied: list[Piece] = []

    def check(part: Path) -> None:
        copied.append(_checked(part, video, stretch.first))
        original.check()

    with ExitStack() as stack:
        streams = _open(video, stack)
        for done_s in copy_packets(streams.container, streams.pictures, streams.sound, stretch, target, check):
            yield min(piece.duration_s, max(0.0, done_s - before_s))
    made = copied[0]
    return Clip(target, made.start_s, made.end_s, made.stop - made.first)


def _open(video: Video, stack: ExitStack) -> _Streams:
    from av.stream import Discard

    from clip_core.video.probing import open_container, video_stream

    path = video.info.path
    container = stack.enter_context(open_container(path))
    pictures, sound = video_stream(container, path), first_sound(container)
    if sound is not None and sound.codec_context is None:
        sound = None
    for stream in container.streams:
        if stream.index not in (pictures.index, -1 if sound is None else sound.index):
            stream.discard = Discard.all
    return _Streams(container, pictures, sound)


def _checked(part: Path, video: Video, first: int) -> Piece:
    """Say what a copy holds; refuse one whose frames are not those of the video from ``first`` on, at their times."""
    try:
        with open_video(part) as made:
            found: TimeTable = made.table
    except VideoError as error:
        raise ExportError(f"The fast copy cannot be read: {error.what}", _EXACT_INSTEAD) from error
    piece = until(video.table, first, len(found))
    expected = video.times_s[piece.first : piece.stop] - piece.start_s
    start_s = abs(float(found.start_pts * found.time_base))
    if len(expected) != len(found) or start_s + float(np.abs(found.times_s - expected).max()) > _SAME_TIME_S:
        raise ExportError(f"The fast copy of {video.info.name} came out with other frames.", _EXACT_INSTEAD)
    return piece
