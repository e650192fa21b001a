"""Make clips of moments: exact (decoded and encoded again) or fast (copied from a keyframe)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from clip_core.files import numbered_name
from clip_core.media.exports_folder import ProgressMeter, export_error, make_folder, need_spare, refuse_source
from clip_core.media.fast_clips import fast_clip, fast_extension
from clip_core.media.mp4_file import Encoding, Mp4File
from clip_core.media.original import Original, Piece, open_original, piece_of
from clip_core.media.sound import open_sound, sound_choice
from clip_core.text import clock, short_prompt
from clip_core.types import Clip, Frame, Moment, Progress, TimeTable
from clip_core.video import Video
from clip_core.video.containers import open_container

ClipMode: TypeAlias = Literal["exact", "fast"]


def even_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a clip: the video's own, rounded down to even for 4:2:0; one pixel becomes two."""
    return max(2, width // 2 * 2), max(2, height // 2 * 2)


_encode_error = partial(
    export_error, refused="The clip cannot be encoded as H.264 and AAC", next_step="Cut it fast instead."
)
CLIP = Encoding(crf=18, sound_bits=160_000, size=even_size, error=_encode_error)


def cut_clips(
    path: str | Path,
    moments: Sequence[Moment],
    folder: Path,
    *,
    kind: ClipMode = "exact",
    table: TimeTable | None = None,
    stamp: tuple[int, int] | None = None,
) -> Generator[Progress, None, None]:
    """Write a clip of each moment. Closing the iterator cancels: finished clips stay, partial ones are deleted.

    An exact clip has exactly the frames with ``start_s <= time_s < end_s`` (or else the one on screen) at their own
    times, the first at 0, in H.264 at the video's full size, and the sound of that time in AAC. A fast clip has the
    packets of the file unchanged, so it begins at the keyframe at or before the start.

    Args:
        path: The video file, or the pattern of a sequence of images.
        moments: The moments; an existing clip of the same name is replaced.
        folder: Output folder; created if it does not exist.
        kind: The clip mode, "exact" or "fast".
        table: Presentation times of the frames, if confirmed; saves a pass over some files.
        stamp: The file's ``file_stamp`` when it was identified; a file with another stamp is refused.

    Yields:
        Progress in seconds of video: at once, four times a second, after each clip, and once at the end.

    Raises:
        ExportError: A moment lies outside the video, a clip cannot be written, or none can be made in this mode. If
            some moments can be cut, the others are named among the warnings.
        VideoError: The video cannot be read, not one moment can be decoded, or it changed meanwhile or is gone.
    """
    with open_original(path, table, stamp) as original:
        pieces = [piece_of(original.video.table, moment.start_s, moment.end_s) for moment in moments]
        cut, extension = (exact_clip, "mp4") if kind == "exact" else (fast_clip, fast_extension(original.video))
        make_folder(folder)
        original.warnings.extend(_sound_taken(original.video))
        meter = ProgressMeter("clips", sum(piece.duration_s for piece in pieces), warnings=original.warnings)
        yield meter.report()
        for number, (moment, piece) in enumerate(zip(moments, pieces, strict=True), start=1):
            begun = meter.done
            target = folder / numbered_name(number, moment.prompt, moment.start_s, extension)
            refuse_source(target, original.path)
            need_spare(folder)
            with (
                meter.naming(f"“{short_prompt(moment.prompt)}” at {clock(moment.start_s)} is not cut", original.check),
                closing(cut(original, moment.start_s, moment.end_s, target)) as steps,
            ):
                meter.clips.append((yield from _reported(steps, meter, folder)))
                meter.files.append(target)
            meter.done = begun + piece.duration_s
            yield meter.report()
        meter.check()
        meter.done = meter.total
        yield meter.report()


def _sound_taken(video: Video) -> list[str]:
    """Return which of several sounds the clips have, as a sentence; none if there is no choice."""
    if video.info.decoder != "PyAV":
        return []
    with open_container(video.info.path) as container:
        choice = sound_choice(container)
    return [f"The clips have {choice}."] if choice else []


def _reported(
    steps: Generator[float, None, Clip], meter: ProgressMeter, folder: Path
) -> Generator[Progress, None, Clip]:
    """Run the steps of one clip and yield a report whenever one is due; return the clip."""
    begun = meter.done
    while True:
        try:
            meter.done = begun + next(steps)
        except StopIteration as end:
            clip: Clip = end.value
            return clip
        if meter.due():
            need_spare(folder)
            yield meter.report()


class OtherFramesError(Exception):
    """The frames differ from what the packets claimed, so decoding has replaced the video's time table."""


def exact_clip(original: Original, start_s: float, end_s: float, target: Path) -> Generator[float, None, Clip]:
    """Write the frames with ``start_s <= time_s < end_s``. Closing the iterator cancels and leaves no file.

    Args:
        original: The open video.
        start_s, end_s: Times of the moment, in seconds from the first frame.
        target: Path of the clip.

    Yields:
        The seconds written so far, at least about four times a second.

    Raises:
        ExportError: The clip cannot be written.
        VideoError: The video cannot be decoded there, or changed.
    """
    video = original.video
    while True:
        table = video.table
        try:
            return (yield from _write(original, table, piece_of(table, start_s, end_s), target))
        except OtherFramesError:  # happens only once: the new table is confirmed
            continue


def _write(original: Original, table: TimeTable, piece: Piece, target: Path) -> Generator[float, None, Clip]:
    video = original.video
    longest_s = float(np.diff(table.times_s[piece.first : piece.stop]).max(initial=piece.duration_s))
    with ExitStack() as stack:
        sound, warnings = open_sound(video, stack, piece.start_s)
        size = video.info.width, video.info.height
        out = stack.enter_context(Mp4File(target, CLIP, size, table.time_base, longest_step_s=longest_s, sound=sound))
        yield from out.write(piece_frames(video, table, piece))
        original.check()
        original.warnings.extend(warnings)
        out.finish(piece.duration_s)
        out.keep()
        return Clip(target, piece.start_s, piece.end_s, out.frames)


def piece_frames(video: Video, table: TimeTable, piece: Piece) -> Iterator[Frame]:
    """Yield the frames of a piece.

    Raises:
        OtherFramesError: Decoding has replaced ``table``.
    """
    for number in range(piece.first, piece.stop):
        frame = video.frame_at(index=number)
        if video.table is not table:
            raise OtherFramesError
        yield frame
