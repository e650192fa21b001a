"""One clip, cut exactly: decoded, and encoded again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from clip_core.pipeline.clip_plan import Piece, piece_of
from clip_core.pipeline.copy_source import Original, open_sound
from clip_core.pipeline.decode_ahead import DecodeAhead, room_for
from clip_core.pipeline.export_progress import REPORT_EVERY_S
from clip_core.values import Clip, Frame, TimeTable
from clip_core.video import Video

_FRAMES_AHEAD = 4


class _OtherFramesError(Exception):
    """Decoding has shown that the packets claimed other frames: the video's table is another one now."""


def exact_clip(original: Original, start_s: float, end_s: float, target: Path) -> Generator[float, None, Clip]:
    """Write the frames with ``start_s <= time_s < end_s``. Closing the iterator leaves nothing.

    Args:
        original: The open video.
        start_s, end_s: Of the moment, in seconds from the first frame.
        target: Where the clip will lie.

    Yields:
        How much is written, in seconds, about four times a second or more often.

    Raises:
        ExportError: It cannot be written.
        VideoError: The video cannot be decoded there, or changed.
    """
    video = original.video
    while True:
        table = video.table
        try:
            return (yield from _write(original, table, piece_of(table, start_s, end_s), target))
        except _OtherFramesError:  # only once: the table is confirmed now
            continue


def _write(original: Original, table: TimeTable, piece: Piece, target: Path) -> Generator[float, None, Clip]:
    """Write the clip; decoding and encoding run side by side."""
    from clip_core.media.clip_file import ClipFile

    video = original.video
    info = video.info
    with ExitStack() as stack:
        sound, warnings = open_sound(video, stack, piece.start_s)
        longest_s = float(np.diff(table.times_s[piece.first : piece.stop]).max(initial=piece.duration_s))
        out = stack.enter_context(
            ClipFile(
                target,
                info.width,
                info.height,
                table.time_base,
                start_s=piece.start_s,
                end_s=piece.end_s,
                longest_step_s=longest_s,
                sound=sound,
            )
        )
        room = min(_FRAMES_AHEAD, room_for(info.width, info.height))
        ahead = stack.enter_context(DecodeAhead(_frames(video, table, piece), room))
        written_s = 0.0
        while not ahead.finished:
            for frame in ahead.take(1, REPORT_EVERY_S):
                out.add(frame)
                written_s = frame.time_s - piece.start_s
            yield written_s
        original.check()
        original.warn(*warnings, *(() if sound is None else sound.warnings))
        return out.complete()


def _frames(video: Video, table: TimeTable, piece: Piece) -> Iterator[Frame]:
    for number in range(piece.first, piece.stop):
        frame = video.frame_at(index=number)
        if video.table is not table:
            raise _OtherFramesError
        yield frame
