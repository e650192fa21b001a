"""Make clips of moments: exact (decoded and encoded again) or fast (copied from a keyframe)."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from clip_core.errors import ExportError, VideoError
from clip_core.media.clip_plan import Piece, clip_names, make_folder, piece_of, refuse_source, until
from clip_core.media.copy_source import Original, open_original, open_sound
from clip_core.media.exports_folder import REPORT_EVERY_S, Account, need_spare
from clip_core.media.mp4_file import Look, Mp4File, even_size, export_error
from clip_core.media.playable import first_sound
from clip_core.media.sound import Sound
from clip_core.types import Clip, Frame, Moment, Progress, TimeTable
from clip_core.video import Video, open_video
from clip_core.video.decode_ahead import DecodeAhead, room_for


class ClipFile(Mp4File):
    """A clip that is being written; see ``Mp4File``. Frames keep the video's times when added; the first is shown at 0.

    Args:
        target: Path of the clip; an existing file is replaced at the end, in one step.
        width, height: Size of the video; the clip has the same, made even.
        time_base: Time base of the video.
        start_s, end_s: Where the clip begins (a frame's time) and ends, in seconds from the video's first frame.
        longest_step_s: The longest time from one of its frames to the next.
        sound: The sound, if any; its time zero is ``start_s``.

    Raises:
        ExportError: The clip cannot be written. All methods raise it too.
    """

    look = Look(crf=18, sound_bits=160_000, size=even_size, refusal=export_error)

    def __init__(
        self,
        target: Path,
        width: int,
        height: int,
        time_base: Fraction,
        *,
        start_s: float,
        end_s: float,
        longest_step_s: float = 1.0,
        sound: Sound | None = None,
    ) -> None:
        super().__init__(target, width, height, time_base, longest_step_s=longest_step_s, sound=sound)
        self._clip_path, self._start_s, self._end_s, self._frames = target, start_s, end_s, 0

    def add(self, frame: Frame) -> None:
        """Write one more frame, and the sound up to it."""
        super().add(Frame(self._frames, frame.pts, frame.time_s - self._start_s, frame.rgb))
        self._frames += 1

    def complete(self) -> Clip:
        """Finish the file, move it to its target path, and return the clip."""
        self.finish(self._end_s - self._start_s)
        self.keep()
        return Clip(self._clip_path, self._start_s, self._end_s, self._frames)


_FRAMES_AHEAD = 4


class _OtherFramesError(Exception):
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
        except _OtherFramesError:  # happens only once: the new table is confirmed
            continue


def _write(original: Original, table: TimeTable, piece: Piece, target: Path) -> Generator[float, None, Clip]:
    """Write the clip; decoding and encoding run in parallel."""
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


if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Matroska rounds times to milliseconds, when read and when written.
_SAME_TIME_S = 0.002
_EXACT_INSTEAD = "Cut it exactly instead."


@dataclass(frozen=True, slots=True)
class _Streams:
    container: InputContainer
    pictures: VideoStream
    sound: AudioStream | None


def fast_extension(video: Video) -> str:
    """Return the extension of a fast clip of a video: "mp4" or "mkv".

    Raises:
        ExportError: The video cannot be copied: it consists of images, or has no presentation times.
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
    """Copy the packets of the frames with ``start_s <= time_s < end_s``, from the keyframe at or before them.

    Arguments, cancelling, yields and errors are those of ``exact_clip``; also:

    Raises:
        ExportError: There is no keyframe at or before the first frame, or the copy has other frames.
    """
    from clip_core.media.packet_copy import copy_packets, stretch_of

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

    from clip_core.video.decoding import open_container, video_stream

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
    """Return the piece that a copy holds; refuse it if its frames and times are not the video's from ``first`` on."""
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


ClipMode: TypeAlias = Literal["exact", "fast"]


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
        ExportError: A clip cannot be written or cannot be made in this mode, or a moment lies outside the video.
        VideoError: The video cannot be read, changed meanwhile, or is gone.
    """
    with open_original(path, table, stamp) as original:
        pieces = [piece_of(original.video.table, moment.start_s, moment.end_s) for moment in moments]
        names = clip_names(moments, "mp4" if kind == "exact" else fast_extension(original.video))
        make_folder(folder)
        account = Account("clips", sum(piece.duration_s for piece in pieces))
        yield account.report()
        for moment, piece, name in zip(moments, pieces, names, strict=True):
            begun, target = account.done, folder / name
            refuse_source(target, original.path)
            need_spare(folder)
            cut = exact_clip if kind == "exact" else fast_clip
            with closing(cut(original, moment.start_s, moment.end_s, target)) as steps:
                account.clips.append((yield from _told(steps, account, folder)))
            account.files.append(target)
            account.warnings[:] = original.warnings
            account.done = begun + piece.duration_s
            yield account.report()
        account.done = account.total
        yield account.report()


def _told(steps: Generator[float, None, Clip], account: Account, folder: Path) -> Generator[Progress, None, Clip]:
    """Run the steps of one clip and yield a report whenever one is due; return the clip."""
    begun = account.done
    while True:
        try:
            account.done = begun + next(steps)
        except StopIteration as end:
            clip: Clip = end.value
            return clip
        if account.due():
            need_spare(folder)
            yield account.report()
