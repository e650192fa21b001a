"""Join moments of one or several videos into one film."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.frame import AudioFrame

from clip_core.errors import ExportError, MomentExportError, VideoError
from clip_core.media.clips import CLIP, OtherFramesError, piece_frames
from clip_core.media.exports_folder import ProgressMeter, make_folder, need_spare, refuse_source
from clip_core.media.mp4_file import Mp4File
from clip_core.media.original import Original, open_original, piece_of
from clip_core.media.sound import RATE, Sound, open_sound
from clip_core.text import clock, short_prompt
from clip_core.types import Clip, Frame, Moment, Progress, VideoRecord

_TICK = Fraction(1, 1_000_000)
_MOST_SILENCE = RATE
_LEAST_S = 0.04
"""After a piece that broke off, the next one begins so long after its last frame."""


@dataclass(frozen=True, eq=False)
class FileMoment:
    """A moment of a video's file.

    Attributes:
        path: Where the video's file lies now.
        record: What is stored of it.
        moment: The moment.
        stamp: The file's ``file_stamp`` when it was identified.
    """

    path: str | Path
    record: VideoRecord
    moment: Moment
    stamp: tuple[int, int] | None = None

    @property
    def duration_s(self) -> float:
        """How long it is; a moment that lasts to the end of any video ends with this one."""
        return max(0.0, min(self.moment.end_s, self.record.table.end_s) - self.moment.start_s)


def make_reel(pieces: Sequence[FileMoment], target: Path) -> Generator[Progress, None, None]:
    """Write the moments one after another into one MP4. Closing the iterator cancels and leaves no file.

    Each frame keeps its time within its moment, so pieces of unlike rates stand side by side as they are. The picture
    has the size of the largest video, by area; others are enlarged or shrunk into it, between black bars. The sound is
    stereo; a piece without sound is silent.

    Args:
        pieces: In the order to show.
        target: Path of the film; an existing file is replaced at the end, in one step.

    Yields:
        Progress in seconds of video, in the stage "clips"; at the end one with the stage "done", whose ``clips`` say
        where each piece begins and ends in its own video, and whose ``failed`` counts those that are left out;
        ``warnings`` name them.

    Raises:
        ExportError: There are no pieces, or the film cannot be written.
        VideoError: Not one piece can be read.
    """
    if not pieces:
        raise ExportError("There are no moments to join.", "Choose some.")
    make_folder(target.parent)
    for piece in pieces:
        refuse_source(target, Path(piece.path))
    meter = ProgressMeter("clips", sum(piece.duration_s for piece in pieces))
    yield meter.report()
    size = max(((p.record.width, p.record.height) for p in pieces), key=lambda size: size[0] * size[1])
    sound, longest_s = ReelSound(), max(piece.duration_s for piece in pieces)
    with Mp4File(target, CLIP, size, _TICK, longest_step_s=longest_s, sound=sound) as out:
        end_s, begun = 0.0, 0.0
        for piece in pieces:
            need_spare(target.parent)
            with closing(_add(piece, out, sound, end_s, meter)) as steps:
                while True:
                    try:
                        meter.done = begun + next(steps) - end_s
                    except StopIteration as stopped:
                        end_s = stopped.value
                        break
                    if meter.due():
                        yield meter.report()
            begun += piece.duration_s
            meter.done = begun
        if not meter.clips:
            raise meter.failures[0]
        yield meter.report()  # the last chance to cancel
        out.finish(end_s)
        out.keep()
    meter.files.append(target)
    report = meter.report()
    yield Progress(1, 1, 0.0, 0.0, "done", report.warnings, files=(target,), clips=report.clips, failed=report.failed)


def _add(
    piece: FileMoment, out: Mp4File, sound: ReelSound, begin_s: float, meter: ProgressMeter
) -> Generator[float, None, float]:
    """Add a piece from ``begin_s`` on; yield how far the film is, and return where it ends then.

    A piece that cannot be read is named in ``meter``; of one that breaks off, the frames before stay.
    """
    table, frames = piece.record.table if piece.record.table.confirmed else None, out.frames
    try:
        with open_original(piece.path, table, piece.stamp) as original, ExitStack() as stack:
            end_s = yield from _write(piece.moment, original, stack, out, sound, begin_s, meter)
            meter.clips.append(_clip(piece, original, out.frames - frames))
            return end_s
    except (VideoError, MomentExportError, OtherFramesError) as error:
        failure = error if isinstance(error, VideoError | MomentExportError) else _changed_error()
        meter.failures.append(failure)
        meter.warnings.append(
            f"“{short_prompt(piece.moment.prompt)}” at {clock(piece.moment.start_s)} of {piece.record.name} is left "
            f"out: {failure.line}"
        )
        sound.play(None, begin_s)
        return begin_s if out.frames == frames else out.time_s + _LEAST_S


def _write(
    moment: Moment, original: Original, stack: ExitStack, out: Mp4File, sound: ReelSound, begin_s: float,
    meter: ProgressMeter,
) -> Generator[float, None, float]:  # fmt: skip
    video = original.video
    own = piece_of(video.table, moment.start_s, moment.end_s)
    heard, warnings = open_sound(video, stack, own.start_s)
    sound.play(heard, begin_s)

    def frames() -> Iterator[Frame]:
        for frame in piece_frames(video, video.table, own):
            pts = round((begin_s + frame.time_s - own.start_s) / _TICK)
            yield Frame(frame.index, pts, frame.time_s, frame.rgb)

    yield from out.write(frames())
    original.check()
    meter.warnings.extend((*original.warnings, *warnings))
    end_s = begin_s + own.duration_s
    out.add_sound(end_s)
    return end_s


def _clip(piece: FileMoment, original: Original, frames: int) -> Clip:
    own = piece_of(original.video.table, piece.moment.start_s, piece.moment.end_s)
    return Clip(original.path, own.start_s, own.end_s, frames)


def _changed_error() -> MomentExportError:
    return MomentExportError("The video has other frames than its packets promise.", "Index it, then try again.")


class ReelSound:
    """The sounds of several videos one after another, stereo; what is missing is silence."""

    layout = "stereo"

    def __init__(self) -> None:
        self._sound: Sound | None = None
        self._begin_s, self._written = 0.0, 0

    def play(self, sound: Sound | None, begin_s: float) -> None:
        """Take the sound from ``begin_s`` on from another source; None is silence."""
        self._sound, self._begin_s = sound, begin_s

    def until(self, time_s: float) -> Iterator[AudioFrame]:
        """Yield the next samples, up to ``time_s`` seconds from the beginning of the film."""
        before = round(self._begin_s * RATE)
        yield from self._silence(min(before, round(time_s * RATE)))
        if self._sound is not None:
            for frame in self._sound.until(time_s - self._begin_s):
                samples = frame.to_ndarray()
                yield self._frame(np.repeat(samples, 2, axis=0) if samples.shape[0] == 1 else samples)
        yield from self._silence(round(time_s * RATE))

    def _silence(self, stop: int) -> Iterator[AudioFrame]:
        while self._written < stop:
            yield self._frame(np.zeros((2, min(_MOST_SILENCE, stop - self._written)), np.float32))

    def _frame(self, samples: np.ndarray) -> AudioFrame:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self.layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._written, Fraction(1, RATE)
        self._written += samples.shape[1]
        return frame
