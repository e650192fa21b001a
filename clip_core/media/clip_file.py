"""Writes one stretch of a video as an MP4 of its own: its very frames, in full size, encoded anew."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from clip_core.media.mp4_file import Look, Mp4File
from clip_core.media.size import even_size
from clip_core.media.sound import Sound
from clip_core.media.writing import export_error
from clip_core.values import Clip, Frame


class ClipFile(Mp4File):
    """A clip on its way; see ``Mp4File``. It takes the frames as the video hands them over; the first is at 0.

    Args:
        target: Where it will lie; what lies there is replaced at the end, in one step.
        width, height: Of the video; the clip has the same, made even.
        time_base: Of the video.
        start_s, end_s: Where it begins (a frame's time) and ends, in seconds from the first frame of the video.
        longest_step_s: The longest time from one of its frames to the next.
        sound: What is to be heard; its time zero is ``start_s``.

    Raises:
        ExportError: It cannot be written there. So do all methods.
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
        """Write the end, put the clip in its place, and say what it is."""
        self.finish(self._end_s - self._start_s)
        self.keep()
        return Clip(self._clip_path, self._start_s, self._end_s, self._frames)
